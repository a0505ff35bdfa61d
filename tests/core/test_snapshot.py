from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import Change, Source, Speaker, Version
from shared.core.snapshot import change_from_object, row_id
from shared.errors import RejectedStatementError
from tests.strategies.json_values import json_values
from tests.strategies.objects import objects, sync_form, v3_form

RID = "555001"
ZONE = ZoneInfo("America/New_York")
BARE = {
    "id": "555001-ot_1",
    "rid": 555001,
    "sequence_id": 7,
    "updated_at_utc": "2026-03-09T12:30:44Z",
}
# A row as OpenTable's page composes one: booked under standard time for a visit under summer time.
WHOLE = BARE | {
    "guest_id": "555001-65aa01bb02cc03dd04ee05ff",
    "confirmation_id": 7731,
    "state": "NotConfirmed",
    "table_number": ["14"],
    "created_date": "2026-03-02T11:04:09",
    "created_date_utc": "2026-03-02T16:04:09Z",
    "scheduled_time": "2026-03-14T19:15:00",
    "scheduled_time_utc": "2026-03-14T23:15:00Z",
    "party_size": 4,
    "visit_tags": ["gc:service/date"],
    "origin": "Web",
    "updated_at": "2026-03-09T08:30:44",
    "seated_time": None,
    "seated_time_utc": None,
    "done_time": None,
    "done_time_utc": None,
    "arrived_time": None,
    "arrived_time_utc": None,
    "guest_request": "Stroller",
    "venue_notes": None,
    "opentable_notes": "",
    "table_category": None,
    "server": None,
    "currency_denominator": 100,
}
INVALID: dict[str, list[object]] = {
    "party_size": [0, -1, 4.5, True, []],
    "confirmation_id": [-1, True, 2**63, [], 1.5],
    "table_number": ["14", [14], {}],
    "state": [1, [], {}],
    "guest_request": [1, [], "\ud800"],
    "scheduled_time_utc": ["soon", 5, ""],
    "seated_time": ["soon", 5, ""],
}


def read(**fields: object) -> Change:
    """Return the bare row, which says as little as it can, with fields added, as a change."""
    row = BARE | fields
    return change_from_object(row, "as it came", rid=RID, zone=ZONE, source=Source.POLL)


def said(**fields: object) -> dict[str, Any]:
    """Return what the fields added say, the id apart."""
    return {name: value for name, value in read(**fields).said.items() if name != "openTableId"}


def refusal(**fields: object) -> str:
    with pytest.raises(RejectedStatementError) as refused:
        read(**fields)
    return refused.value.reason


def test_an_object_bears_its_names_version_and_origin() -> None:
    assert read() == Change(
        external_key="ot_1",
        event_id="seq-7",
        event_type="reservation.snapshot",
        speaker=Speaker.OPENTABLE,
        version=Version(7, datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC), ""),
        said={"openTableId": "555001-ot_1"},
        payload="as it came",
        source=Source.POLL,
    )


def test_a_whole_row_says_all_that_the_document_shows() -> None:
    assert said(**WHOLE) == {
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


@given(objects(), st.sampled_from(Source))
def test_the_webhook_and_the_poll_say_the_same(row: dict[str, Any], source: Source) -> None:
    forms = [
        change_from_object(form, "", rid=RID, zone=ZONE, source=source)
        for form in (sync_form(row), v3_form(row))
    ]
    assert forms[0] == forms[1]


def test_an_absent_key_says_nothing() -> None:
    assert said() == {}


@pytest.mark.parametrize("name", ["state", "party_size", "scheduled_time", "scheduled_time_utc"])
def test_null_says_nothing_of_what_every_reservation_has(name: str) -> None:
    assert said(**{name: None}) == {}


@pytest.mark.parametrize(
    "name, field, value",
    [
        ("guest_request", "specialRequests", None),
        ("confirmation_id", "confirmationId", None),
        ("table_number", "tableNumbers", []),
        ("seated_time_utc", "seatedAt", None),
    ],
)
def test_null_clears_all_else(name: str, field: str, value: object) -> None:
    assert said(**{name: None}) == {field: value}


@pytest.mark.parametrize("id_", ["ot_1", "555001-ot_1"])
def test_an_id_is_kept_in_the_form_that_the_api_takes(id_: str) -> None:
    assert read(id=id_).said["openTableId"] == "555001-ot_1"


def test_an_id_keeps_the_case_that_its_key_has_lost() -> None:
    key = "2B7E9F40-6C1D-4F0A-8E55-91C7D0A4BE13"
    assert read(id=key).said["openTableId"] == f"555001-{key}"
    assert read(id=key).external_key == key.lower()


def test_a_guests_id_without_its_prefix_gains_it() -> None:
    assert said(guest_id="g")["guestId"] == "555001-g"


@pytest.mark.parametrize(
    "guest_id", ["65AA01BB02CC03DD04EE05FF", "555001-65aa01bb02cc03dd04ee05ff"]
)
def test_a_guest_has_one_key_however_the_id_is_written(guest_id: str) -> None:
    assert said(guest_id=guest_id)["guestKey"] == "65aa01bb02cc03dd04ee05ff"


def test_null_clears_the_guest() -> None:
    assert said(guest_id=None) == {"guestId": None, "guestKey": None}


@pytest.mark.parametrize("value", ["7731", " 7731 "])
def test_a_confirmation_may_be_text(value: str) -> None:
    assert said(confirmation_id=value) == {"confirmationId": "7731"}


def test_a_moment_that_comes_in_local_time_alone_is_read_in_the_restaurants_zone() -> None:
    local = said(scheduled_time="2026-03-14T19:15:00")
    assert local == said(scheduled_time_utc="2026-03-14T23:15:00Z")


def test_a_local_start_in_a_repeated_hour_is_noted() -> None:
    note = said(scheduled_time="2026-11-01T01:30:00")["startAtNote"]
    assert note == "EARLIER_OF_REPEATED_HOUR"


def test_a_start_is_kept_in_whole_seconds() -> None:
    start = said(scheduled_time_utc="2026-03-14T23:15:00.5Z")["startAt"]
    assert start == datetime(2026, 3, 14, 23, 15, tzinfo=UTC)


def test_an_update_in_local_time_alone_is_read_in_the_restaurants_zone() -> None:
    local = read(updated_at_utc=None, updated_at="2026-03-09T08:30:44")
    assert local.version == read().version


def test_an_unknown_state_is_kept_as_a_word_alone() -> None:
    assert said(state="bottle_service") == {"state": "bottle_service"}


def test_a_blank_state_says_nothing() -> None:
    assert said(state=" ") == {}


def test_an_unknown_key_is_ignored() -> None:
    assert said(brand_new={"a": [1]}, deposit_details=None) == {}


@pytest.mark.parametrize("rid", [555002, "555002", None, True, 555001.0])
def test_a_row_of_another_restaurant_is_refused(rid: object) -> None:
    assert refusal(rid=rid) == "wrong_rid"


@pytest.mark.parametrize("rid", [555001, "555001"])
def test_the_restaurants_number_may_be_text(rid: object) -> None:
    assert read(rid=rid).external_key == "ot_1"


@pytest.mark.parametrize("id_", [None, "", [], True, "a b", "555001-"])
def test_a_row_without_a_usable_id_is_refused(id_: object) -> None:
    assert refusal(id=id_) == "invalid_id"


@pytest.mark.parametrize("sequence_id", [None, "7", -1, 7.0, True, 2**63])
def test_a_row_without_a_sequence_is_refused(sequence_id: object) -> None:
    assert refusal(sequence_id=sequence_id) == "invalid_sequence_id"


@pytest.mark.parametrize("updated_at", [None, "", "now", 5])
def test_a_row_without_the_time_of_its_update_is_refused(updated_at: object) -> None:
    assert refusal(updated_at_utc=updated_at) == "invalid_updated_at_utc"


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in INVALID.items() for value in values]
)
def test_an_invalid_field_is_refused_by_its_name(name: str, value: object) -> None:
    assert refusal(**{name: value}) == f"invalid_{name}"


def test_a_rows_id_is_read_as_opentable_wrote_it() -> None:
    assert row_id({"id": "555001-OT_1"}) == "555001-OT_1"


@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), json_values))
def test_any_row_is_read_or_refused(spoilt: dict[str, Any]) -> None:
    with suppress(RejectedStatementError):
        assert read(**(WHOLE | spoilt)).speaker is Speaker.OPENTABLE
