"""An OpenTable object becomes an event, or is rejected with the name of the unusable field."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import Actor, Channel, ReservationEvent, Version
from shared.domain.normalization.field_values import parse_instant_in_zone
from shared.domain.normalization.opentable_reservation import (
    has_time_zone_conflict,
    parse_opentable_reservation,
)
from shared.errors import InvalidEventError
from tests.strategies.events import as_sync_row, as_webhook_row, row_bodies
from tests.strategies.json_values import json_values
from tests.support.normalization import (
    COMPLETE_ROW,
    ROW_RID,
    ROW_ZONE,
    normalize_row,
    row_fields,
    row_rejection,
)


def test_a_row_event_has_ids_version_and_origin() -> None:
    assert normalize_row() == ReservationEvent(
        external_key="ot_1",
        event_id="seq-7",
        event_type="reservation.snapshot",
        actor=Actor.OPENTABLE,
        version=Version(7, datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC), 0, ""),
        fields={"openTableId": "555001-ot_1"},
        payload="as received",
        channel=Channel.POLL,
    )


def test_a_complete_row_sets_every_document_field() -> None:
    assert row_fields(**COMPLETE_ROW) == {
        "guestId": "555001-65aa01bb02cc03dd04ee05ff",
        "guestKey": "65aa01bb02cc03dd04ee05ff",
        "confirmationId": 7731,
        "state": "NotConfirmed",
        "status": "BOOKED",
        "tableNumbers": ["14"],
        "bookedAt": datetime(2026, 3, 2, 16, 4, 9, tzinfo=UTC),
        "startAt": datetime(2026, 3, 14, 23, 15, tzinfo=UTC),
        "startAtNote": None,
        "partySize": 4,
        "visitTags": ["gc:service/date"],
        "origin": "Web",
        "seatedAt": None,
        "completedAt": None,
        "arrivedAt": None,
        "specialRequests": "Stroller",
        "venueNotes": None,
        "openTableNotes": None,
        "tableCategory": None,
        "server": None,
    }


@given(row_bodies(), st.sampled_from(Channel))
def test_webhook_and_poll_rows_give_equal_events(row: dict[str, Any], channel: Channel) -> None:
    forms = [
        parse_opentable_reservation(form, "", rid=ROW_RID, zone=ROW_ZONE, channel=channel)
        for form in (as_sync_row(row), as_webhook_row(row))
    ]
    assert forms[0] == forms[1]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"state": None},
        {"state": " "},
        {"party_size": None},
        {"scheduled_time": None},
        {"scheduled_time_utc": None},
        {"brand_new": {"a": [1]}, "deposit_details": None},
    ],
    ids=str,
)
def test_an_absent_or_unknown_field_and_null_in_a_required_one_set_nothing(
    fields: dict[str, Any],
) -> None:
    assert row_fields(**fields) == {}


@pytest.mark.parametrize(
    "name, field, value",
    [
        ("guest_request", "specialRequests", None),
        ("confirmation_id", "confirmationId", None),
        ("table_number", "tableNumbers", []),
        ("seated_time_utc", "seatedAt", None),
        ("seated_time", "seatedAt", None),
    ],
)
def test_null_clears_optional_fields(name: str, field: str, value: object) -> None:
    assert row_fields(**{name: None}) == {field: value}


def test_the_stored_id_has_the_case_of_its_key() -> None:
    key = "2B7E9F40-6C1D-4F0A-8E55-91C7D0A4BE13"
    event = normalize_row(id=key)
    assert event.external_key == key.lower()
    assert event.fields["openTableId"] == f"555001-{key.lower()}"
    assert event.open_table_id == f"555001-{key}"
    assert normalize_row(id="555001-OT_1").fields["openTableId"] == "555001-OT_1"


@pytest.mark.parametrize(
    "guest_id", ["65AA01BB02CC03DD04EE05FF", "555001-65aa01bb02cc03dd04ee05ff"]
)
def test_every_guest_id_format_gives_one_key(guest_id: str) -> None:
    fields = row_fields(guest_id=guest_id)
    assert fields["guestId"] == "555001-65aa01bb02cc03dd04ee05ff"
    assert fields["guestKey"] == "65aa01bb02cc03dd04ee05ff"


def test_the_spelling_of_a_guest_id_is_kept_for_requests() -> None:
    fields = row_fields(guest_id="65AA01BB02CC03DD04EE05FF")
    assert fields["guestIdSpelling"] == "555001-65AA01BB02CC03DD04EE05FF"
    assert "guestIdSpelling" not in row_fields(guest_id="G")


def test_null_clears_the_guest() -> None:
    assert row_fields(guest_id=None) == {"guestId": None, "guestKey": None}


@pytest.mark.parametrize(
    "value, stored", [(0, 0), ("7731", 7731), ("A-1 ", "A-1"), ("9" * 19, "9" * 19)]
)
def test_a_confirmation_may_be_a_number_or_text(value: object, stored: object) -> None:
    assert row_fields(confirmation_id=value) == {"confirmationId": stored}


def test_a_local_only_time_is_read_in_the_restaurant_zone() -> None:
    fields = row_fields(scheduled_time="2026-03-14T19:15:00")
    assert fields == row_fields(scheduled_time_utc="2026-03-14T23:15:00Z")


def test_a_local_start_in_a_repeated_hour_is_noted() -> None:
    note = row_fields(scheduled_time="2026-11-01T01:30:00")["startAtNote"]
    assert note == "EARLIER_OF_REPEATED_HOUR"


@pytest.mark.parametrize("key", ["created_date", "arrived_time", "seated_time", "done_time"])
@pytest.mark.parametrize("local", ["2026-11-01T01:30:00", "2026-03-08T02:30:00"])
def test_a_local_only_moment_with_two_readings_reports_nothing(key: str, local: str) -> None:
    assert row_fields(**{key: local}) == row_fields()
    assert row_fields(**{key: local, f"{key}_utc": "2026-11-01T06:30:00Z"}) != row_fields()


def test_a_local_only_update_time_is_read_in_the_restaurant_zone() -> None:
    event = normalize_row(updated_at_utc=None, updated_at="2026-03-09T08:30:44")
    assert event.version == normalize_row().version


def test_an_unknown_state_is_stored_only_as_text() -> None:
    assert row_fields(state="bottle_service") == {"state": "bottle_service"}


INVALID: dict[str, list[object]] = {
    "id": [None, "", [], True, "a b", "555001-"],
    "sequence_id": [None, "x", -1, 7.5, True, "", 2**63],
    "updated_at_utc": [None, "", "now", 5],
    "party_size": [0, -1, 4.5, True, []],
    "confirmation_id": [-1, True, 2**63, [], 1.5],
    "table_number": ["14", [True], {}],
    "state": [1, [], {}],
    "guest_request": [1, [], "\ud800"],
    "scheduled_time_utc": ["soon", 5],
    "seated_time": ["soon", 5],
}


@pytest.mark.parametrize("rid", [555002, "555002", None, True, 555001.5, "0555001"])
def test_a_row_of_another_restaurant_is_rejected(rid: object) -> None:
    assert row_rejection(rid=rid) == "wrong_rid"


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in INVALID.items() for value in values]
)
def test_an_invalid_row_field_is_rejected_by_name(name: str, value: object) -> None:
    assert row_rejection(**{name: value}) == f"invalid_{name}"


@given(st.dictionaries(st.sampled_from(sorted(COMPLETE_ROW)), json_values))
def test_any_reservation_row_is_read_or_rejected(replaced: dict[str, Any]) -> None:
    with suppress(InvalidEventError):
        assert normalize_row(**(COMPLETE_ROW | replaced)).actor is Actor.OPENTABLE


def row_with_start(local_time: str, utc_time: str) -> dict[str, str]:
    return {"scheduled_time": local_time, "scheduled_time_utc": utc_time}


@pytest.mark.parametrize(
    "zone, local_time, utc_time",
    [
        ("America/New_York", "2026-03-14T19:15:00", "2026-03-14T23:15:00Z"),
        ("America/New_York", "2027-03-14T02:30:00", "2027-03-14T07:30:00Z"),
        ("America/New_York", "2027-03-14T02:30:00", "2027-03-14T06:30:00Z"),
        ("America/New_York", "2027-11-07T01:30:00", "2027-11-07T05:30:00Z"),
        ("America/New_York", "2027-11-07T01:30:00", "2027-11-07T06:30:00Z"),
        ("Europe/London", "2027-03-28T01:00:00", "2027-03-28T01:00:00Z"),
        ("Australia/Lord_Howe", "2027-10-03T02:15:00", "2027-10-02T15:45:00Z"),
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z"),
        ("America/New_York", "2026-03-14T19:15:00-04:00", "2026-03-14T23:15:00Z"),
        ("America/New_York", "2026-03-14T19:15:00", "2026-03-14T23:15:00.512Z"),
        ("America/New_York", "2026-03-14T19:15", "2026-03-14T19:15:00-04:00"),
        # A local time outside the calendar is no evidence.
        ("Asia/Tokyo", "0001-01-01T00:00:00", "2026-03-14T23:15:00Z"),
        ("Pacific/Honolulu", "9999-12-31T23:59:00", "2026-03-14T23:15:00Z"),
    ],
)
def test_no_reading_of_a_local_time_contradicts_the_zone(
    zone: str, local_time: str, utc_time: str
) -> None:
    assert not has_time_zone_conflict(row_with_start(local_time, utc_time), ZoneInfo(zone))


@pytest.mark.parametrize(
    "local_time, utc_time",
    [
        ("2026-03-14T19:15:00", "2026-03-15T00:15:00Z"),
        ("2027-03-14T02:30:00", "2027-03-14T08:30:00Z"),
        ("2027-11-07T01:30:00", "2027-11-07T04:30:00Z"),
        ("2026-03-14T19:15:00-04:00", "2026-03-14T19:15:00Z"),
    ],
)
def test_a_utc_time_other_than_every_reading_contradicts_the_zone(
    local_time: str, utc_time: str
) -> None:
    assert has_time_zone_conflict(row_with_start(local_time, utc_time), ROW_ZONE)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)),  # noqa: DTZ001 -- a wall clock
    st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_the_start_parsed_from_a_local_time_never_contradicts_it(
    local_time: datetime, zone: str
) -> None:
    start = parse_instant_in_zone(local_time.isoformat(), ZoneInfo(zone)).instant
    row = row_with_start(local_time.isoformat(), start.isoformat())
    assert not has_time_zone_conflict(row, ZoneInfo(zone))


@pytest.mark.parametrize("name", ["scheduled_time", "scheduled_time_utc"])
@pytest.mark.parametrize("value", [None, 5, "soon", []])
def test_an_unreadable_time_contradicts_nothing(name: str, value: object) -> None:
    assert not has_time_zone_conflict(COMPLETE_ROW | {name: value}, ZoneInfo("America/Chicago"))


def test_a_row_with_one_time_contradicts_nothing() -> None:
    assert not has_time_zone_conflict({"scheduled_time": "2026-03-14T19:15:00"}, ROW_ZONE)
