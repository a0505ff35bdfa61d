"""An event is merged, its guest linked, and personal data of a forgotten guest redacted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.ledger.events import (
    GUEST_LINKED_EVENT_TYPE,
    Channel,
    ReservationEvent,
    Version,
    build_lineup_event,
)
from shared.domain.ledger.guest_link import Guest
from shared.domain.ledger.registers import (
    GuestRequired,
    ReservationState,
    StateTransition,
    merge_with_guest,
)
from shared.domain.privacy import PERSONAL_FIELDS
from tests.support.events import RECEIVED, RID, envelope_event, row_event

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
ADA = Guest("ada", Version.from_sequence(1, NOON), {"firstName": "Ada", "phones": []})
KING = Guest("ada", Version.from_sequence(2, NOON), {"firstName": "King", "phones": []})
GRACE = Guest("grace", Version.from_sequence(1, NOON), {"firstName": "Grace", "phones": []})
FORGOTTEN_ADA = Guest("ada", forgotten_at=NOON)
MERGED_INTO_ADA = Guest("loser", is_merged=True, survivor_key="ada", survivor_id=f"{RID}-ada")


def row_with_guest(key: str | None, sequence_id: int = 1, **fields: Any) -> ReservationEvent:
    return row_event(sequence_id, guest_id=key and f"{RID}-{key}", guest_request="Nuts", **fields)


GUEST_LINK = build_lineup_event(
    "ot_1",
    event_id="guest-1",
    event_type=GUEST_LINKED_EVENT_TYPE,
    occurred_at=RECEIVED,
    channel=Channel.POLL,
)


def merge_in_order(*events: ReservationEvent, **guests: Guest | None) -> StateTransition:
    """Merge events in turn, with the same stored guests."""
    *earlier, last = events
    before = merge_in_order(*earlier, **guests).state_after if earlier else ReservationState()
    result = merge_with_guest(last, before, guests)
    assert isinstance(result, StateTransition)
    return result


def personal_values(state: ReservationState) -> list[object]:
    return [
        register_value.value
        for registers in state.registers_by_actor.values()
        for name, register_value in registers.fields.items()
        if name in PERSONAL_FIELDS and register_value.value
    ]


@pytest.mark.parametrize("guests", [{}, {"loser": MERGED_INTO_ADA}])
def test_an_unread_guest_or_survivor_is_required(guests: dict[str, Guest]) -> None:
    row = row_with_guest("loser" if guests else "ada")
    assert merge_with_guest(row, ReservationState(), guests) == GuestRequired("ada")


def test_a_reservation_without_a_guest_requires_none() -> None:
    assert merge_in_order(envelope_event(), row_with_guest(None)).state_after.linked_guest is None


def test_a_guest_without_stored_record_is_shown_as_placeholder() -> None:
    after = merge_in_order(row_with_guest("ada"), ada=None).state_after
    assert after.linked_guest is None
    assert after.guest_references.resolved_keys == {"ada"}


def test_a_linked_guest_is_not_required_again() -> None:
    before = merge_in_order(row_with_guest("ada"), ada=ADA).state_after
    result = merge_with_guest(row_with_guest("ada", 2), before, {})
    assert isinstance(result, StateTransition)
    assert result.state_after.linked_guest == before.linked_guest


def test_a_reservation_event_keeps_the_link_and_a_guest_event_updates_it() -> None:
    before = merge_in_order(row_with_guest("ada"), ada=ADA).state_after
    for event, name in ((row_with_guest("ada", 2), "Ada"), (GUEST_LINK, "King")):
        result = merge_with_guest(event, before, {"ada": KING})
        assert isinstance(result, StateTransition)
        assert result.state_after.linked_guest is not None
        assert result.state_after.linked_guest.diner_name == name


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_guest_of_the_newer_event_is_linked_and_both_are_referenced(
    order: tuple[int, int],
) -> None:
    rows = {1: row_with_guest("ada", 1), 2: row_with_guest("grace", 2)}
    after = merge_in_order(*(rows[number] for number in order), ada=ADA, grace=GRACE).state_after
    assert after.linked_guest is not None
    assert after.linked_guest.key == "grace"
    assert after.guest_references.keys == {"ada", "grace"}


def test_an_event_of_a_forgotten_guest_is_erased() -> None:
    result = merge_in_order(row_with_guest("ada"), ada=FORGOTTEN_ADA)
    assert personal_values(result.state_after) == []
    assert "Nuts" not in result.event.payload
    assert result.state_after.resolve_field("partySize") == 4


def test_stored_values_are_erased_with_the_guest() -> None:
    result = merge_in_order(
        envelope_event(dinerName="Ada", specialRequests="Nuts"),
        row_with_guest("ada"),
        ada=FORGOTTEN_ADA,
    )
    assert personal_values(result.state_before) == personal_values(result.state_after) == []


@pytest.mark.parametrize(
    "later", [row_with_guest("grace", 2), row_with_guest(None, 2), envelope_event("updated", 9)]
)
def test_a_reservation_once_linked_to_a_forgotten_guest_stays_erased(
    later: ReservationEvent,
) -> None:
    result = merge_in_order(row_with_guest("ada"), later, ada=FORGOTTEN_ADA, grace=GRACE)
    assert result.state_after.guest_references.has_forgotten_guest
    assert personal_values(result.state_after) == []


def test_forgetting_an_earlier_guest_erases_the_reservation() -> None:
    before = merge_in_order(
        row_with_guest("ada"), row_with_guest("grace", 2), ada=ADA, grace=GRACE
    ).state_after
    result = merge_with_guest(GUEST_LINK, before, {"ada": FORGOTTEN_ADA, "grace": GRACE})
    assert isinstance(result, StateTransition)
    assert personal_values(result.state_after) == []
    assert result.state_after.linked_guest is not None
    assert result.state_after.linked_guest.diner_name == "Grace"


def test_merging_into_a_forgotten_guest_erases() -> None:
    result = merge_in_order(row_with_guest("loser"), loser=MERGED_INTO_ADA, ada=FORGOTTEN_ADA)
    assert result.state_after.guest_references.has_forgotten_guest
    assert result.forgotten_guest_keys == {"ada"}
