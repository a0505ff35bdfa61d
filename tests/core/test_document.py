from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import Actor, ReservationEvent
from shared.core.document import (
    ReservationIdentity,
    diff_fields,
    find_open_divergence,
    flatten_document,
    format_opentable_version,
    is_visible_path,
    nest_fields,
    render_document,
)
from shared.core.statements import ReservationState
from shared.core.system import ReservationSystem
from tests.statements import relayed, shown

IDENTITY = ReservationIdentity("restaurant-123", "ot_1", ZoneInfo("America/New_York"))
MISSING = "MISSING_IN_OPENTABLE"

names = st.text(st.characters(exclude_characters="."), min_size=1, max_size=3)
leaves = st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
maps = st.dictionaries(names, leaves | st.dictionaries(names, leaves), min_size=1, max_size=3)
documents = st.dictionaries(names, leaves | maps, max_size=4)


def heard(*changes: ReservationEvent) -> ReservationState:
    statements = ReservationState()
    for change in changes:
        statements = statements.merge(change)
    return statements


def rendered(*changes: ReservationEvent) -> dict[str, Any]:
    return render_document(IDENTITY, heard(*changes))


def finding(mark: str, divergence: str | None = MISSING) -> ReservationEvent:
    """Return what reconciliation flags, judged by OpenTable's word as the mark names it."""
    said = {"divergence": divergence, "divergenceMark": mark}
    return replace(relayed("updated", minute=30), actor=Actor.LINEUP, fields=said)


def test_a_document_is_named_after_its_key_and_its_restaurant() -> None:
    document = rendered(relayed())
    assert (document["id"], document["restaurantId"]) == ("opentable-ot_1", "restaurant-123")


def test_the_source_names_the_system_and_the_key() -> None:
    document = rendered(relayed())
    assert document["source.system"] == "OPENTABLE"
    assert document["source.externalReservationId"] == "ot_1"


def test_opentables_id_is_unknown_until_its_object_came() -> None:
    assert rendered(relayed())["source.openTableId"] is None


def test_opentables_object_brings_its_id() -> None:
    assert rendered(relayed(), shown(1))["source.openTableId"] == "555001-ot_1"


def test_a_start_is_shown_as_text_as_instant_and_as_local_date() -> None:
    document = rendered(relayed(reservationDateTime="2026-03-15T01:15:00Z"))
    assert document["startAt"] == "2026-03-15T01:15:00Z"
    assert document["startAtTimestamp"] == datetime(2026, 3, 15, 1, 15, tzinfo=UTC)
    assert document["localDate"] == "2026-03-14"


@pytest.mark.parametrize("path", ["startAt", "startAtTimestamp", "localDate", "partySize"])
def test_a_patch_about_an_unknown_reservation_leaves_start_and_party_open(path: str) -> None:
    assert rendered(relayed("cancelled"))[path] is None


def test_a_diner_is_a_guest_of_opentable_while_unknown() -> None:
    assert rendered(shown(1))["dinerName"] == "OpenTable Guest"


def test_a_diner_has_the_name_that_a_relay_said() -> None:
    assert rendered(relayed(dinerName="Ada"))["dinerName"] == "Ada"


def test_a_guest_of_opentable_is_no_diner_of_ours() -> None:
    assert rendered(relayed())["dinerId"] is None


def test_a_reservation_of_unknown_state_is_confirmed() -> None:
    assert rendered(shown(1, state="bottle_service"))["status"] == "CONFIRMED"


def test_any_word_overrules_the_default_status() -> None:
    early = relayed("updated", minute=0, status="pending")
    assert rendered(shown(9, state="bottle_service"), early)["status"] == "BOOKED"


def test_metadata_is_shown_once_said() -> None:
    document = rendered(relayed(specialRequests="Nuts"))
    assert document["metadata.specialRequests"] == "Nuts"


def test_metadata_that_was_cleared_is_shown_as_none() -> None:
    document = rendered(shown(1, venue_notes="Nuts"), shown(2, venue_notes=None))
    assert document["metadata.venueNotes"] is None


def test_metadata_never_said_is_not_shown() -> None:
    assert "metadata.venueNotes" not in rendered(relayed())


@pytest.mark.parametrize(
    "change", [relayed(), shown(1, scheduled_time=None, scheduled_time_utc=None)]
)
def test_without_opentables_word_or_a_start_reconciliation_is_pending(
    change: ReservationEvent,
) -> None:
    assert rendered(change)["reconciliation.reconciliationStatus"] == "PENDING"


def test_opentables_word_reconciles() -> None:
    document = rendered(shown(1))
    assert document["reconciliation.reconciliationStatus"] == "RECONCILED"
    assert document["reconciliation.divergenceDetected"] is False


def test_a_standing_divergence_is_shown() -> None:
    document = rendered(shown(1), finding(format_opentable_version(heard(shown(1)))))
    assert document["reconciliation.reconciliationStatus"] == "DIVERGED"
    assert document["reconciliation.divergenceDetected"] is True


def test_a_divergence_stands_while_opentable_says_nothing_newer() -> None:
    assert find_open_divergence(heard(finding(""))) == MISSING


def test_opentables_newer_word_settles_a_divergence() -> None:
    mark = format_opentable_version(heard(shown(1)))
    assert find_open_divergence(heard(shown(1), finding(mark), shown(2))) is None


def test_a_divergence_taken_back_does_not_stand() -> None:
    assert find_open_divergence(heard(finding("", None))) is None


def test_nothing_diverges_where_nothing_was_found() -> None:
    assert find_open_divergence(ReservationState()) is None


@pytest.mark.parametrize("newer", [shown(2), shown(1, updated_at_utc="2026-03-09T12:00:02Z")])
def test_the_mark_changes_with_opentables_every_word(newer: ReservationEvent) -> None:
    assert format_opentable_version(heard(shown(1), newer)) != format_opentable_version(
        heard(shown(1))
    )


def test_a_relays_word_leaves_the_mark() -> None:
    assert format_opentable_version(heard(shown(1), relayed())) == format_opentable_version(
        heard(shown(1))
    )


@given(documents)
def test_flattening_and_nesting_give_the_document_again(document: dict[str, Any]) -> None:
    assert nest_fields(flatten_document(document)) == document


@given(documents.map(flatten_document))
def test_nesting_and_flattening_give_the_paths_again(flat: dict[str, Any]) -> None:
    assert flatten_document(nest_fields(flat)) == flat


def test_a_dotted_path_is_nested_and_a_plain_one_is_not() -> None:
    assert nest_fields({"a": 1, "b.c": 2, "b.d": 3}) == {"a": 1, "b": {"c": 2, "d": 3}}


def test_a_map_within_a_map_stays_whole() -> None:
    assert flatten_document({"sync": {"relay": {"at": 1}}}) == {"sync.relay": {"at": 1}}


def test_nesting_leaves_what_it_was_given() -> None:
    flat = {"a.b": 1, "a.c": 2}
    nest_fields(flat)
    assert flat == {"a.b": 1, "a.c": 2}


def test_the_difference_is_what_the_held_document_lacks_or_shows_otherwise() -> None:
    assert diff_fields({"a": 1, "b": 2, "x": 9}, {"a": 1, "b": 3, "c": None}) == {"b": 3, "c": None}


@pytest.mark.parametrize("path", ["status", "startAt", "metadata.server", "localDate"])
def test_what_a_person_sees_is_shown(path: str) -> None:
    assert is_visible_path(path)


@pytest.mark.parametrize("path", ["sync.relay", "statusHistory", "startAtTimestamp"])
def test_bookkeeping_is_not_shown(path: str) -> None:
    assert not is_visible_path(path)


def test_a_reservation_of_opentables_lives_under_its_prefixed_key() -> None:
    assert ReservationSystem.OPENTABLE.build_document_id("ot_1") == "opentable-ot_1"


def test_a_reservation_of_our_own_lives_under_its_own_id() -> None:
    assert ReservationSystem.LINEUP.build_document_id("abc") == "abc"
