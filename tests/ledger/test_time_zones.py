"""Times around the clock changes of two years in five zones, and the effect of a wrong zone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.http import SandboxRequest, SandboxResponse
from sandbox.models import SandboxRestaurant
from shared.domain.ledger.document import ReservationIdentity, render_document
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.field_values import format_utc
from shared.domain.normalization.opentable_reservation import parse_opentable_reservation
from shared.domain.normalization.webhook_body import parse_envelope
from tests.support.clocks import ZONE_TRANSITIONS, instants_at, local_time, transitions
from tests.support.events import RID, envelope_body, merge_events, row_body
from tests.support.world import START_TIME, World, rewrite_rows

HALF_HOUR = timedelta(minutes=30)
RECEIVED = datetime(2028, 1, 1, tzinfo=UTC)


async def set_zones(world: World, zone: str, settings_zone: str) -> None:
    """Set the time zone at OpenTable and the one in the restaurant's settings."""
    restaurant = SandboxRestaurant(int(world.restaurant.rid), "Demo", ZoneInfo(zone))
    world.sandbox.store.add_restaurant(restaurant)
    await world.change_settings(timeZone=settings_zone)


def half_hours_around_transitions(zone: str) -> list[datetime]:
    """Return every half hour of the three days around each clock change."""
    return [
        switch + HALF_HOUR * number for switch in transitions(zone) for number in range(-60, 61)
    ]


def render(zone: str, event: ReservationEvent) -> dict[str, Any]:
    """Return the document of a first event."""
    identity = ReservationIdentity("restaurant-123", "ot_1", ZoneInfo(zone))
    return render_document(identity, merge_events(event))


def document_from_row(zone: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the document of one of OpenTable's rows."""
    event = parse_opentable_reservation(
        body, "{}", rid=RID, zone=ZoneInfo(zone), channel=Channel.POLL
    )
    return render(zone, event)


def document_from_envelope(zone: str, text: str) -> dict[str, Any]:
    """Return the document of a relay's envelope with a start time."""
    body = envelope_body(reservationDateTime=text)
    change = parse_envelope(
        body, "{}", rid=RID, zone=ZoneInfo(zone), received_at=RECEIVED, channel=Channel.WEBHOOK
    )
    return render(zone, change)


@pytest.mark.parametrize("zone", ZONE_TRANSITIONS)
def test_an_instant_is_shown_on_the_restaurants_own_date(zone: str) -> None:
    for instant in half_hours_around_transitions(zone):
        text = format_utc(instant)
        found = document_from_row(
            zone, row_body(1, scheduled_time=local_time(zone, instant), scheduled_time_utc=text)
        )
        assert (found["startAt"], found["localDate"]) == (text, local_time(zone, instant)[:10])


@pytest.mark.parametrize("zone", ZONE_TRANSITIONS)
def test_a_utc_time_without_its_zone_is_utc(zone: str) -> None:
    for instant in half_hours_around_transitions(zone):
        bare = format_utc(instant).removesuffix("Z")
        found = document_from_row(zone, row_body(1, scheduled_time_utc=bare))
        assert found["startAt"] == format_utc(instant)


@pytest.mark.parametrize("zone", ZONE_TRANSITIONS)
def test_a_local_time_alone_is_read_in_the_restaurants_zone(zone: str) -> None:
    for instant in half_hours_around_transitions(zone):
        text = local_time(zone, instant)
        earliest = format_utc(instants_at(zone, text)[0])
        body = row_body(1, scheduled_time=text, scheduled_time_utc=None)
        assert (
            document_from_row(zone, body)["startAt"]
            == document_from_envelope(zone, text)["startAt"]
            == earliest
        )


@pytest.mark.parametrize("zone", ZONE_TRANSITIONS)
def test_a_repeated_hour_is_noted_and_no_other(zone: str) -> None:
    for instant in half_hours_around_transitions(zone):
        text = local_time(zone, instant)
        noted = document_from_envelope(zone, text)["metadata.startAtNote"]
        twice = len(instants_at(zone, text)) > 1
        assert noted == ("EARLIER_OF_REPEATED_HOUR" if twice else None)


@pytest.mark.parametrize("zone", ZONE_TRANSITIONS)
def test_a_skipped_hour_moves_forward_by_the_gap_with_a_note(zone: str) -> None:
    skipped = 0
    for instant in half_hours_around_transitions(zone):
        before = f"{instant:%Y-%m-%dT%H:%M:%S}"
        if not instants_at(zone, before):
            found = document_from_envelope(zone, before)
            later = f"{instant + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
            assert found["startAt"] == format_utc(instants_at(zone, later)[0])
            assert found["metadata.startAtNote"] == "MOVED_PAST_SKIPPED_HOUR"
            skipped += 1
    assert skipped == (4 if len(set(ZONE_TRANSITIONS[zone][1].values())) > 1 else 0)


def test_half_past_two_on_the_night_of_the_switch_is_half_past_three() -> None:
    found = document_from_envelope("America/New_York", "2026-03-08T02:30:00")
    assert found["startAt"] == "2026-03-08T07:30:00Z"
    assert local_time("America/New_York", datetime(2026, 3, 8, 7, 30, tzinfo=UTC))[11:16] == "03:30"


async def test_a_row_may_have_times_with_two_offsets(world: World) -> None:
    world.clock.set(datetime(2027, 3, 13, 16, 4, 9, tzinfo=UTC))
    dined = datetime(2027, 3, 14, 23, 15, tzinfo=UTC)
    booked = world.actions.create(dined, 2)
    await world.poll()
    document = (await world.ledger_documents())[booked.key.lower()]
    assert document["startAt"] == "2027-03-14T23:15:00Z"
    assert document["localDate"] == "2027-03-14"
    assert document["bookedAt"] == datetime(2027, 3, 13, 16, 4, 9, tzinfo=UTC)
    assert local_time("America/New_York", dined)[11:16] == "19:15"
    assert local_time("America/New_York", document["bookedAt"])[11:16] == "11:04"


@pytest.mark.parametrize("zone", ZONE_TRANSITIONS)
async def test_a_night_across_a_switch_is_the_same_on_both_sides(zone: str, world: World) -> None:
    await set_zones(world, zone, zone)
    switch = transitions(zone)[2]
    world.clock.set(switch - timedelta(days=1))
    booked = {
        world.actions.create(switch + HALF_HOUR * number, 2).key.lower(): switch
        + HALF_HOUR * number
        for number in range(-30, 31, 3)
    }
    await world.poll()
    report = await world.reconcile()
    assert (report["openTableCount"], report["unchangedCount"]) == (len(booked), len(booked))
    local_dates = {key: each["localDate"] for key, each in (await world.ledger_documents()).items()}
    assert local_dates == {key: local_time(zone, instant)[:10] for key, instant in booked.items()}


@pytest.mark.parametrize("zone", ZONE_TRANSITIONS)
async def test_windows_are_requested_in_restaurant_local_time(
    zone: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_zones(world, zone, zone)
    queries: list[dict[str, str]] = []
    handle = world.sandbox.handle

    def listening(request: SandboxRequest) -> SandboxResponse:
        if request.path.endswith("/reservations"):
            queries.append(dict(request.query))
        return handle(request)

    monkeypatch.setattr(world.sandbox, "handle", listening)
    # An hour at which New York's date is not Sydney's, nor Kolkata's Phoenix's.
    world.clock.set(datetime(2027, 6, 30, 20, tzinfo=UTC))
    await world.poll()
    await world.reconcile()
    today = datetime.fromisoformat(local_time(zone, world.clock())[:10]).replace(tzinfo=UTC)
    yesterday, last = today - timedelta(days=1), today + timedelta(days=30)
    first = f"{yesterday:%Y-%m-%dT00:00:00}"
    assert [query["scheduled_time_from"] for query in queries] == [first, first]
    assert queries[-1]["scheduled_time_to"] == f"{last:%Y-%m-%dT23:59:59}"


async def test_a_changed_zone_moves_the_coming_local_dates_at_the_next_reconciliation(
    world: World,
) -> None:
    await set_zones(world, "Europe/London", "Europe/London")
    evenings = [START_TIME + timedelta(days=day, hours=4) for day in (1, 2, 29, 45, 200)]
    for evening in evenings * 9:
        world.actions.create(evening, 2)
    await world.poll()
    await world.reconcile()
    await world.change_settings(timeZone="Australia/Sydney")
    report = await world.reconcile()
    assert report["status"] == "COMPLETED"
    dates = {
        (each["startAt"], each["localDate"]) for each in (await world.ledger_documents()).values()
    }
    assert dates == {(format_utc(at), sydney_date(at)) for at in evenings}
    assert {entry["changes"]["localDate"]["to"] for entry in report["updated"]} == {
        sydney_date(at) for at in evenings
    }


def sydney_date(instant: datetime) -> str:
    return local_time("Australia/Sydney", instant)[:10]


async def test_dates_that_are_right_already_are_not_written_again(world: World) -> None:
    await set_zones(world, "Europe/London", "Europe/London")
    world.actions.create(START_TIME + timedelta(days=45), 2)
    await world.poll()
    await world.reconcile()
    before = await world.ledger_documents()
    report = await world.reconcile()
    assert (await world.ledger_documents(), report["updated"]) == (before, [])


async def test_times_that_contradict_the_zone_are_a_new_divergence_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await set_zones(world, "America/New_York", "America/Phoenix")
    world.actions.create(START_TIME + timedelta(days=2), 2)
    found = []
    for _ in range(3):
        report = await world.reconcile()
        found.append(([each["type"] for each in report["divergences"]], report["newDivergences"]))
    assert found == [(["WRONG_TIME_ZONE"], 1), (["WRONG_TIME_ZONE"], 0), (["WRONG_TIME_ZONE"], 0)]
    assert capsys.readouterr().out.count('"type": "WRONG_TIME_ZONE"') == 1


@pytest.mark.parametrize(
    "utc_time, found",
    [
        ("2027-03-14T06:30:00Z", []),
        ("2027-03-14T07:30:00Z", []),
        ("2027-03-14T08:30:00Z", ["WRONG_TIME_ZONE"]),
    ],
)
async def test_a_local_time_in_the_skipped_hour_contradicts_no_reading_of_it(
    utc_time: str, found: list[str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.set(datetime(2027, 3, 13, 16, tzinfo=UTC))
    world.actions.create(datetime(2027, 3, 14, 7, 30, tzinfo=UTC), 2)
    times = {"scheduled_time": "2027-03-14T02:30:00", "scheduled_time_utc": utc_time}
    rewrite_rows(world, lambda _: times, monkeypatch)
    report = await world.reconcile()
    assert [each["type"] for each in report["divergences"]] == found


async def test_a_failed_run_in_between_does_not_make_a_standing_contradiction_new(
    world: World,
) -> None:
    await set_zones(world, "America/New_York", "America/Phoenix")
    world.actions.create(START_TIME + timedelta(days=2), 2)
    await world.reconcile()
    partner = world.sandbox.tokens.partners[0]
    partner.rids.discard(int(world.restaurant.rid))
    assert (await world.reconcile())["status"] == "FAILED"
    partner.rids.add(int(world.restaurant.rid))
    assert (await world.reconcile())["newDivergences"] == 0


async def test_a_corrected_zone_ends_the_contradiction(world: World) -> None:
    await set_zones(world, "America/New_York", "America/Phoenix")
    world.actions.create(START_TIME + timedelta(days=2), 2)
    await world.reconcile()
    await world.change_settings(timeZone="America/New_York")
    assert (await world.reconcile())["divergences"] == []
