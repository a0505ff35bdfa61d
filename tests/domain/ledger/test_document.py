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
from shared.domain.ledger.divergence import find_open_divergence, format_opentable_version
from shared.domain.ledger.document import (
    ReservationIdentity,
    diff_fields,
    find_diner_name,
    is_visible_path,
    native_state_from_document,
    read_external_key,
    registers_from_map,
    render_document,
    render_native_update,
)
from shared.domain.ledger.events import Actor, Channel, ReservationEvent, Version
from shared.domain.ledger.guest_link import UNVERSIONED, LinkedGuest
from shared.domain.ledger.registers import MAX_STATUS_HISTORY_ENTRIES, ReservationState
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.search import build_search_terms
from shared.domain.validation import flatten_document, nest_fields
from shared.errors import InvalidEventError, UnreadableDocumentError
from tests.support.events import RECEIVED, envelope_event, merge_events, row_event

IDENTITY = ReservationIdentity("restaurant-123", "ot_1", ZoneInfo("America/New_York"))
MISSING = "MISSING_IN_OPENTABLE"
names = st.text(st.characters(exclude_characters="."), min_size=1, max_size=3)
leaves = st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
maps = st.dictionaries(names, leaves | st.dictionaries(names, leaves), min_size=1, max_size=3)
documents = st.dictionaries(names, leaves | maps, max_size=4)


def rendered_document(*events: ReservationEvent) -> dict[str, Any]:
    return render_document(IDENTITY, merge_events(*events))


def divergence_event(version: str, divergence: str | None = MISSING) -> ReservationEvent:
    """Return a divergence that was flagged at this version of OpenTable's."""
    fields = {"divergence": divergence, "divergenceVersion": version}
    return replace(envelope_event("updated", minute=30), actor=Actor.LINEUP, fields=fields)


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


@pytest.mark.parametrize(
    "event", [envelope_event(), row_event(1, scheduled_time=None, scheduled_time_utc=None)]
)
def test_reconciliation_is_pending_without_an_opentable_row_or_a_start(
    event: ReservationEvent,
) -> None:
    assert rendered_document(event)["reconciliation.reconciliationStatus"] == "PENDING"


def test_an_opentable_row_sets_reconciled() -> None:
    document = rendered_document(row_event(1))
    assert document["reconciliation.reconciliationStatus"] == "RECONCILED"
    assert document["reconciliation.divergenceDetected"] is False


def test_an_open_divergence_is_shown() -> None:
    document = rendered_document(
        row_event(1), divergence_event(format_opentable_version(merge_events(row_event(1))))
    )
    assert document["reconciliation.reconciliationStatus"] == "DIVERGED"
    assert document["reconciliation.divergenceDetected"] is True


def test_a_divergence_stays_open_without_a_newer_opentable_row() -> None:
    assert find_open_divergence(merge_events(divergence_event(""))) == MISSING


def review_event(version: str, minute: int) -> ReservationEvent:
    """Return the staff's decision on a divergence at this version of OpenTable's."""
    fields = {"reviewDecision": "REMOVED", "reviewVersion": version}
    event = envelope_event("updated", minute=minute)
    return replace(event, actor=Actor.LINEUP, fields=fields)


def test_the_decision_on_an_open_divergence_is_shown() -> None:
    version = format_opentable_version(merge_events(row_event(1)))
    document = rendered_document(
        row_event(1), divergence_event(version), review_event(version, minute=31)
    )
    assert document["reconciliation.reviewDecision"] == "REMOVED"


def test_a_decision_on_an_earlier_divergence_is_not_shown() -> None:
    earlier, later = (format_opentable_version(merge_events(row_event(n))) for n in (1, 2))
    document = rendered_document(
        row_event(2), divergence_event(later), review_event(earlier, minute=29)
    )
    assert document["reconciliation.divergenceDetected"] is True
    assert document["reconciliation.reviewDecision"] is None


def test_a_newer_opentable_row_resolves_a_divergence() -> None:
    version = format_opentable_version(merge_events(row_event(1)))
    assert (
        find_open_divergence(merge_events(row_event(1), divergence_event(version), row_event(2)))
        is None
    )


def test_a_withdrawn_divergence_is_not_shown() -> None:
    assert find_open_divergence(merge_events(divergence_event("", None))) is None


def test_without_a_finding_there_is_no_divergence() -> None:
    assert find_open_divergence(ReservationState()) is None


@pytest.mark.parametrize(
    "newer", [row_event(2), row_event(1, updated_at_utc="2026-03-09T12:00:02Z")]
)
def test_the_divergence_mark_changes_with_every_opentable_event(newer: ReservationEvent) -> None:
    assert format_opentable_version(merge_events(row_event(1), newer)) != format_opentable_version(
        merge_events(row_event(1))
    )


def test_a_relay_event_keeps_the_divergence_mark() -> None:
    assert format_opentable_version(
        merge_events(row_event(1), envelope_event())
    ) == format_opentable_version(merge_events(row_event(1)))


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


@pytest.mark.parametrize("path", ["status", "startAt", "metadata.server", "localDate"])
def test_user_visible_fields_are_shown(path: str) -> None:
    assert is_visible_path(path)


@pytest.mark.parametrize("path", ["sync.relay", "statusHistory", "startAtTimestamp"])
def test_bookkeeping_is_not_shown(path: str) -> None:
    assert not is_visible_path(path)


def test_an_opentable_reservation_has_a_prefixed_document_id() -> None:
    assert ReservationSystem.OPENTABLE.build_document_id("ot_1") == "opentable-ot_1"


def test_a_native_reservation_has_its_own_document_id() -> None:
    assert ReservationSystem.LINEUP.build_document_id("abc") == "abc"


NATIVE_DOCUMENT: dict[str, Any] = {
    "id": "own-1",
    "partySize": 2,
    "status": "CONFIRMED",
    "statusHistory": [{"status": "CONFIRMED", "by": "app"}],
    "metadata": {"specialRequests": "Window"},
}


def cancellation_event(minute: int = 0, **fields: Any) -> ReservationEvent:
    at, event_id = RECEIVED + timedelta(minutes=minute), f"staff-{minute}"
    fields = fields or {"status": "CANCELLED", "cancellationReason": "Rain"}
    version = Version.from_timestamp(at, event_id)
    return ReservationEvent(
        "own-1", event_id, "staff.cancelled", Actor.LINEUP, version, fields, "{}", Channel.STAFF
    )


def written_fields(
    event: ReservationEvent, document: dict[str, Any] = NATIVE_DOCUMENT
) -> dict[str, Any]:
    flat = flatten_document(document)
    return render_native_update(flat, native_state_from_document(flat).merge_event(event), event)


def native_document_after(*events: ReservationEvent) -> dict[str, Any]:
    flat = flatten_document(NATIVE_DOCUMENT)
    for event in events:
        flat |= render_native_update(
            flat, native_state_from_document(flat).merge_event(event), event
        )
    return flat


def test_only_its_writer_may_create_a_native_document() -> None:
    with pytest.raises(InvalidEventError, match="unknown_reservation"):
        native_state_from_document({})


def test_a_native_document_without_staff_changes_has_empty_registers() -> None:
    assert native_state_from_document(flatten_document(NATIVE_DOCUMENT)).registers_by_actor == {}


def test_a_cancellation_writes_only_its_own_fields() -> None:
    written = written_fields(cancellation_event())
    assert written.keys() == {
        "sync.lineup",
        "status",
        "metadata.cancellationReason",
        "statusHistory",
    }
    assert (written["status"], written["metadata.cancellationReason"]) == ("CANCELLED", "Rain")


def test_the_history_keeps_entries_of_the_original_writer() -> None:
    entry = {
        "status": "CANCELLED",
        "timestamp": RECEIVED,
        "source": "LINEUP",
        "eventId": "staff-0",
    }
    assert written_fields(cancellation_event())["statusHistory"] == [
        *NATIVE_DOCUMENT["statusHistory"],
        entry,
    ]


def test_a_history_is_bounded() -> None:
    full = [{"status": "CONFIRMED", "by": n} for n in range(MAX_STATUS_HISTORY_ENTRIES)]
    written = written_fields(cancellation_event(), NATIVE_DOCUMENT | {"statusHistory": full})
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
    assert (
        registers_from_map(native_document_after(cancellation_event())["sync.lineup"]).version
        == cancellation_event().version
    )


def test_changing_one_field_keeps_the_other() -> None:
    written = written_fields(cancellation_event(1, cancellationReason="Rain"))
    assert written.keys() == {"sync.lineup", "metadata.cancellationReason"}


def test_only_the_updated_time_changes() -> None:
    identity = ReservationIdentity(
        "restaurant-123", "own-1", ZoneInfo("UTC"), ReservationSystem.LINEUP
    )
    context = WriteContext(RECEIVED, "attempt", timedelta(days=400))
    write = decide(
        cancellation_event(),
        StoredReservation(NATIVE_DOCUMENT, {"staff-0": None}),
        identity,
        context,
    )
    assert isinstance(write, ReservationWrite)
    times = {"createdAt", "updatedAt", "reconciliation.lastReconciledAt"}
    assert write.changed_fields.keys() & times == {"updatedAt"}
