"""The law with guests: any order of statements on a reservation and its guests, one document."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.core.document import UNKNOWN_DINER_NAME, flatten_document, render_document
from shared.core.erasure import PERSONAL_FIELDS, redact_json
from shared.core.guest import Guest
from shared.core.guesting import with_linked_guest
from shared.core.joined import LinkedGuest, resolve_guest
from shared.core.journal import rebuild_state
from shared.core.stored import reservation_state_from_document
from tests.core.memory_guests import InMemoryGuests, apply_all_with_guests
from tests.core.memory_ledger import (
    TEST_IDENTITY,
    ReadMode,
    flatten_without_write_times,
    read_mode_lists,
)
from tests.strategies.guest_histories import GuestHistory, guest_histories

patiences = st.lists(st.booleans(), min_size=1, max_size=4)


def _final(world: InMemoryGuests) -> dict[str, Any]:
    return flatten_without_write_times(world.ledger.document)


@given(guest_histories(), read_mode_lists, read_mode_lists, patiences, patiences)
def test_any_order_of_reservation_and_guests_ends_in_the_same_document(
    tale: GuestHistory,
    ways: list[ReadMode],
    other_ways: list[ReadMode],
    patience: list[bool],
    other_patience: list[bool],
) -> None:
    one = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience)
    other = apply_all_with_guests(tale.orders[1], tale.final_guests(), other_ways, other_patience)
    assert _final(one) == _final(other)


@given(guest_histories(), read_mode_lists, patiences)
def test_the_diner_is_the_resolved_guest_or_else_the_one_in_the_envelope(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    document = _final(apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience))
    statements = reservation_state_from_document(document)
    guest = resolve_guest(str(statements.resolve_field("guestKey")), _as_fetched(tale))
    name = guest.diner_name if isinstance(guest, LinkedGuest) else None
    if document:
        shown = name or statements.resolve_field("dinerName") or UNKNOWN_DINER_NAME
        assert document["dinerName"] == shown


def _as_fetched(tale: GuestHistory) -> dict[str, Guest | None]:
    """Return OpenTable's guests, with an empty record for whom it does not have."""
    truth = tale.final_guests()
    survivors = {guest.survivor_key for guest in truth.values() if guest.survivor_key}
    return {**{key: Guest(key) for key in survivors}, **truth}


@given(guest_histories(), read_mode_lists, patiences)
def test_no_personal_data_is_stored_if_a_reservation_ever_referenced_a_forgotten_guest(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    ledger = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience).ledger
    document = flatten_document(ledger.document or {})
    if not document.get("guests.forgotten"):
        return
    values = [value for name, value in _values(document) if name in PERSONAL_FIELDS]
    assert [value for value in values if value] == []
    for entry in ledger.entries.values():
        assert not [
            entry["fields"][n]
            for n in PERSONAL_FIELDS & entry["fields"].keys()
            if entry["fields"][n]
        ]
        assert entry["payload"] == redact_json(entry["payload"])


def _values(document: dict[str, Any]) -> list[tuple[str, Any]]:
    registers = [value for path, value in document.items() if path.startswith("sync.")]
    return [
        pair for register in registers if register for pair in register.get("values", {}).items()
    ]


@given(guest_histories(), read_mode_lists, patiences)
def test_a_reservation_is_erased_if_any_referenced_guest_resolves_to_a_forgotten_one(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    world = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience)
    statements = reservation_state_from_document(_final(world))
    found = [resolve_guest(key, _as_fetched(tale)) for key in statements.guest_references.keys]
    gone = any(isinstance(each, LinkedGuest) and each.is_forgotten for each in found)
    assert statements.guest_references.has_forgotten_guest or not gone


@given(guest_histories(), read_mode_lists, patiences)
def test_the_document_can_be_rebuilt_from_journal_and_guests(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    world = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience)
    folded = rebuild_state(world.ledger.entries.values())
    found = {key: resolve_guest(key, world.stored) for key in folded.guest_references.keys}
    if world.ledger.document is not None:
        assert render_document(
            TEST_IDENTITY, with_linked_guest(folded, found, is_complete=True)
        ) == _final(world)
