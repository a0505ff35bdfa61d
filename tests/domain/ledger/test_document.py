"""A state becomes a document; staff events write only their fields to native documents."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.ledger.decide import ReservationWrite, StoredReservation, WriteContext, decide
from shared.domain.ledger.divergence import (
    DivergenceType,
    ReviewDecision,
    ReviewRequest,
    build_divergence_event,
    build_review_event,
)
from shared.domain.ledger.document import (
    ReservationIdentity,
    diff_fields,
    find_diner_name,
    list_visible_changes,
    native_state_from_document,
    read_external_key,
    render_document,
    render_native_update,
)
from shared.domain.ledger.events import Actor, Channel, ReservationEvent, build_lineup_event
from shared.domain.ledger.guest_link import UNVERSIONED, LinkedGuest
from shared.domain.ledger.registers import MAX_STATUS_HISTORY_ENTRIES
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.search import build_search_terms
from shared.domain.validation import flatten_document, nest_fields
from shared.errors import InvalidEventError, UnreadableDocumentError
from tests.support.events import RECEIVED, envelope_event, merge_events, row_event

IDENTITY = ReservationIdentity("restaurant-123", "ot_1", ZoneInfo("America/New_York"))
names = st.text(st.characters(exclude_characters="."), min_size=1, max_size=3)
leaves = st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
maps = st.dictionaries(names, leaves | st.dictionaries(names, leaves), min_size=1, max_size=3)
documents = st.dictionaries(names, leaves | maps, max_size=4)


def rendered_document(*events: ReservationEvent) -> dict[str, Any]:
    return render_document(IDENTITY, merge_events(*events))


def flag_of(row: ReservationEvent) -> ReservationEvent:
    """Return the flag of a divergence at this version of OpenTable's."""
    missing = DivergenceType.MISSING_IN_OPENTABLE
    return build_divergence_event("ot_1", merge_events(row), missing, "report", RECEIVED)


EARLY_PENDING = envelope_event("updated", minute=0, status="pending")
UNKNOWN_STATE = row_event(9, state="bottle_service")
NOTES = (row_event(1, venue_notes="Nuts"), row_event(2, venue_notes=None))


@pytest.mark.parametrize(
    "events, path, value",
    [
        pytest.param([envelope_event()], "id", "opentable-ot_1", id="id from the key"),
        pytest.param([envelope_event()], "restaurantId", "restaurant-123", id="restaurant"),
        pytest.param([envelope_event()], "source.system", "OPENTABLE", id="system"),
        pytest.param([envelope_event()], "source.externalReservationId", "ot_1", id="key"),
        pytest.param([envelope_event()], "source.openTableId", None, id="no id before a row"),
        pytest.param(
            [envelope_event(), row_event(1)], "source.openTableId", "555001-ot_1", id="id of a row"
        ),
        pytest.param([envelope_event()], "dinerId", None, id="no diner of Lineup's"),
        pytest.param([row_event(1)], "dinerName", "OpenTable Guest", id="placeholder name"),
        pytest.param([envelope_event(dinerName="Ada")], "dinerName", "Ada", id="name from a relay"),
        pytest.param([UNKNOWN_STATE], "status", "CONFIRMED", id="unknown state"),
        pytest.param([UNKNOWN_STATE, EARLY_PENDING], "status", "BOOKED", id="any reported status"),
        pytest.param(
            [envelope_event(specialRequests="Nuts")],
            "metadata.specialRequests",
            "Nuts",
            id="reported metadata",
        ),
        pytest.param(NOTES, "metadata.venueNotes", None, id="cleared metadata"),
        *(
            pytest.param([envelope_event("cancelled")], path, None, id=f"unreported {path}")
            for path in ("startAt", "startAtTimestamp", "localDate", "partySize")
        ),
    ],
)
def test_a_document_has_the_value_of_its_state(
    events: Iterable[ReservationEvent], path: str, value: object
) -> None:
    document = rendered_document(*events)
    assert (path in document, document.get(path)) == (True, value)


def test_a_start_is_stored_as_text_timestamp_and_local_date() -> None:
    document = rendered_document(envelope_event(reservationDateTime="2026-03-15T01:15:00Z"))
    assert document["startAt"] == "2026-03-15T01:15:00Z"
    assert document["startAtTimestamp"] == datetime(2026, 3, 15, 1, 15, tzinfo=UTC)
    assert document["localDate"] == "2026-03-14"


@pytest.mark.parametrize(
    "guest, shown",
    [
        (LinkedGuest(("g",), UNVERSIONED), ("Ada", "+1212", "ada@example.com")),
        (
            LinkedGuest(("g",), UNVERSIONED, diner_name="Grace", phone="+44", email="g@b.c"),
            ("Grace", "+44", "g@b.c"),
        ),
    ],
)
def test_details_of_the_linked_guest_replace_those_from_the_relay(
    guest: LinkedGuest, shown: tuple[str, ...]
) -> None:
    event = envelope_event(dinerName="Ada", dinerPhone="+1212", dinerEmail="ada@example.com")
    document = render_document(IDENTITY, replace(merge_events(event), linked_guest=guest))
    assert (document["dinerName"], document["phone"], document["email"]) == shown


def test_a_document_is_found_by_name_and_number_and_never_by_the_placeholder() -> None:
    named = rendered_document(envelope_event(dinerName="Ada", dinerPhone="+12125550100"))
    assert named["searchTerms"] == build_search_terms("Ada", "+12125550100")
    unnamed = rendered_document(row_event(1))
    assert unnamed["searchTerms"] == []
    assert (find_diner_name(named), find_diner_name(unnamed)) == ("Ada", None)


@pytest.mark.parametrize("key", [None, 5, "ot_2", ""])
def test_a_document_with_the_key_of_another_one_is_unreadable(key: object) -> None:
    with pytest.raises(UnreadableDocumentError):
        read_external_key("opentable-ot_1", {"externalReservationId": key})


def test_the_key_of_a_document_is_read() -> None:
    assert read_external_key("opentable-ot_1", {"externalReservationId": "ot_1"}) == "ot_1"


def test_unreported_metadata_is_not_shown() -> None:
    assert "metadata.venueNotes" not in rendered_document(envelope_event())


ROW_WITHOUT_START = row_event(1, scheduled_time=None, scheduled_time_utc=None)


@pytest.mark.parametrize(
    "events, status",
    [
        pytest.param([envelope_event()], "PENDING", id="no row of OpenTable's"),
        pytest.param([ROW_WITHOUT_START], "PENDING", id="row without a start"),
        pytest.param([row_event(1)], "RECONCILED", id="row with a start"),
        pytest.param([row_event(1), flag_of(row_event(1))], "DIVERGED", id="open divergence"),
    ],
)
def test_a_document_has_the_status_of_its_reconciliation(
    events: Iterable[ReservationEvent], status: str
) -> None:
    document = rendered_document(*events)
    assert document["reconciliation.reconciliationStatus"] == status
    assert document["reconciliation.divergenceDetected"] is (status == "DIVERGED")


@pytest.mark.parametrize("version, shown", [(2, "REMOVED"), (1, None)])
def test_only_a_decision_on_the_open_divergence_is_shown(version: int, shown: str | None) -> None:
    decision = build_review_event(
        "ot_1",
        merge_events(row_event(version)),
        ReviewRequest(ReviewDecision.REMOVED, "x", "mara"),
        event_id="staff-1",
        now=RECEIVED,
    )
    document = rendered_document(row_event(2), flag_of(row_event(2)), decision)
    assert document["reconciliation.divergenceDetected"] is True
    assert document["reconciliation.reviewDecision"] == shown


@given(documents)
def test_nesting_a_flattened_document_restores_it(document: dict[str, Any]) -> None:
    assert nest_fields(flatten_document(document)) == document


@given(documents.map(flatten_document))
def test_flattening_nested_paths_restores_them(flat: dict[str, Any]) -> None:
    assert flatten_document(nest_fields(flat)) == flat


def test_a_dotted_path_is_nested_and_a_plain_one_is_not() -> None:
    assert nest_fields({"a": 1, "b.c": 2, "b.d": 3}) == {"a": 1, "b": {"c": 2, "d": 3}}


def test_a_nested_map_is_not_flattened() -> None:
    assert flatten_document({"sync": {"relay": {"at": 1}}}) == {"sync.relay": {"at": 1}}


def test_nesting_does_not_modify_its_input() -> None:
    flat = {"a.b": 1, "a.c": 2}
    nest_fields(flat)
    assert flat == {"a.b": 1, "a.c": 2}


def test_the_difference_contains_missing_and_changed_fields() -> None:
    assert diff_fields({"a": 1, "b": 2, "x": 9}, {"a": 1, "b": 3, "c": None}) == {"b": 3, "c": None}


def test_bookkeeping_is_no_visible_change() -> None:
    shown = {"status", "startAt", "metadata.server", "localDate"}
    internal = {"sync.a", "guests.b", "statusHistory", "startAtTimestamp", "searchTerms"}
    assert list_visible_changes({}, dict.fromkeys(shown | internal, "x")).keys() == shown


def test_only_an_opentable_reservation_has_a_prefixed_document_id() -> None:
    assert ReservationSystem.OPENTABLE.build_document_id("ot_1") == "opentable-ot_1"
    assert ReservationSystem.LINEUP.build_document_id("abc") == "abc"


NATIVE_DOCUMENT: dict[str, Any] = {
    "id": "own-1",
    "partySize": 2,
    "status": "CONFIRMED",
    "statusHistory": [{"status": "CONFIRMED", "by": "app"}],
    "metadata": {"specialRequests": "Window"},
}


def cancellation_event(minute: int = 0, **fields: Any) -> ReservationEvent:
    return build_lineup_event(
        "own-1",
        event_id=f"staff-{minute}",
        event_type="staff.cancelled",
        occurred_at=RECEIVED + timedelta(minutes=minute),
        channel=Channel.STAFF,
        fields=fields or {"status": "CANCELLED", "cancellationReason": "Rain"},
    )


NATIVE_FIELDS = flatten_document(NATIVE_DOCUMENT)


def written_fields(event: ReservationEvent, flat: dict[str, Any] = NATIVE_FIELDS) -> dict[str, Any]:
    return render_native_update(flat, native_state_from_document(flat).merge_event(event), event)


def native_document_after(*events: ReservationEvent) -> dict[str, Any]:
    flat = NATIVE_FIELDS
    for event in events:
        flat = flat | written_fields(event, flat)
    return flat


def test_only_its_writer_may_create_a_native_document() -> None:
    with pytest.raises(InvalidEventError, match="unknown_reservation"):
        native_state_from_document({})


def test_a_native_document_without_staff_changes_has_empty_registers() -> None:
    assert native_state_from_document(NATIVE_FIELDS).registers_by_actor == {}


def test_a_cancellation_writes_only_its_own_fields() -> None:
    written = written_fields(cancellation_event())
    own = {"status": "CANCELLED", "metadata.cancellationReason": "Rain"}
    assert written.keys() == {"sync.lineup", "statusHistory", *own}
    assert written.items() >= own.items()


def test_the_history_keeps_entries_of_the_original_writer() -> None:
    entry = {"status": "CANCELLED", "timestamp": RECEIVED, "source": "LINEUP", "eventId": "staff-0"}
    history = written_fields(cancellation_event())["statusHistory"]
    assert history == [*NATIVE_DOCUMENT["statusHistory"], entry]


def test_a_history_is_bounded() -> None:
    full = [{"status": "CONFIRMED", "by": n} for n in range(MAX_STATUS_HISTORY_ENTRIES)]
    written = written_fields(cancellation_event(), NATIVE_FIELDS | {"statusHistory": full})
    *remaining, last = written["statusHistory"]
    assert (remaining, last["eventId"]) == (full[1:], "staff-0")


def test_a_late_event_does_not_overwrite_a_newer_one() -> None:
    late = cancellation_event(0, status="CANCELLED", cancellationReason="Old")
    document = native_document_after(cancellation_event(1), late)
    assert document["metadata.cancellationReason"] == "Rain"
    assert len(document["statusHistory"]) == 2


def test_staff_registers_are_read_back() -> None:
    state = native_state_from_document(native_document_after(cancellation_event()))
    assert state.resolve_field("cancellationReason") == "Rain"
    assert state.get_registers(Actor.LINEUP).version == cancellation_event().version


def test_changing_one_field_keeps_the_other() -> None:
    written = written_fields(cancellation_event(1, cancellationReason="Rain"))
    assert written.keys() == {"sync.lineup", "metadata.cancellationReason"}


def test_only_the_updated_time_changes() -> None:
    identity = replace(IDENTITY, external_key="own-1", system=ReservationSystem.LINEUP)
    context = WriteContext(RECEIVED, "attempt", timedelta(days=400))
    stored = StoredReservation(NATIVE_DOCUMENT, {"staff-0": None})
    write = decide(cancellation_event(), stored, identity, context)
    assert isinstance(write, ReservationWrite)
    times = {"createdAt", "updatedAt", "reconciliation.lastReconciledAt"}
    assert write.changed_fields.keys() & times == {"updatedAt"}
