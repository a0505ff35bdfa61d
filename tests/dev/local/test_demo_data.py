"""The demo's own reservations: a day's, and those of the weeks before it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dev.local.demo_data import build_native_reservations, build_past_reservations

ZONE = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 14, 16, tzinfo=UTC)
TODAY = NOON.date()


def test_todays_are_on_today() -> None:
    own = build_native_reservations("r", ZONE, NOON)
    assert {document["localDate"] for document in own} == {TODAY.isoformat()}


def test_earlier_ones_are_on_each_of_the_days_before_and_have_ended() -> None:
    earlier = build_past_reservations("r", ZONE, NOON, 28)
    days = {document["localDate"] for document in earlier}
    assert days == {(TODAY - timedelta(days=back)).isoformat() for back in range(1, 29)}
    assert {each["status"] for each in earlier} == {"COMPLETED", "CANCELLED", "NO_SHOW"}


def test_each_has_an_id_of_its_own_and_was_taken_before_its_time() -> None:
    held = [
        *build_native_reservations("r", ZONE, NOON),
        *build_past_reservations("r", ZONE, NOON, 28),
    ]
    assert len({document["id"] for document in held}) == len(held)
    assert all(document["createdAt"] < document["startAtTimestamp"] for document in held)
