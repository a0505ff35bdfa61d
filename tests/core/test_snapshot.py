from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.snapshot import parse_opentable_reservation, read_row_id
from tests.core.row_reading import RID, WHOLE, ZONE, read, said
from tests.strategies.objects import objects, sync_form, v3_form


def test_an_object_bears_its_names_version_and_origin() -> None:
    assert read() == ReservationEvent(
        external_key="ot_1",
        event_id="seq-7",
        event_type="reservation.snapshot",
        actor=Actor.OPENTABLE,
        version=Version(7, datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC), ""),
        fields={"openTableId": "555001-ot_1"},
        payload="as it came",
        channel=Channel.POLL,
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


@given(objects(), st.sampled_from(Channel))
def test_the_webhook_and_the_poll_say_the_same(row: dict[str, Any], source: Channel) -> None:
    forms = [
        parse_opentable_reservation(form, "", rid=RID, zone=ZONE, channel=source)
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
    assert read(id=id_).fields["openTableId"] == "555001-ot_1"


def test_an_id_keeps_the_case_that_its_key_has_lost() -> None:
    key = "2B7E9F40-6C1D-4F0A-8E55-91C7D0A4BE13"
    assert read(id=key).fields["openTableId"] == f"555001-{key}"
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


@pytest.mark.parametrize("rid", [555001, "555001"])
def test_the_restaurants_number_may_be_text(rid: object) -> None:
    assert read(rid=rid).external_key == "ot_1"


def test_a_rows_id_is_read_as_opentable_wrote_it() -> None:
    assert read_row_id({"id": "555001-OT_1"}) == "555001-OT_1"
