"""An anonymized reservation has one final state for every order of its events."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import ANONYMIZED_EVENT_TYPE, Channel, build_lineup_event
from shared.domain.privacy import PERSONAL_FIELDS, redact_json
from tests.strategies.events import KEY, RELAY_RECEIVED_AT, ArrivalSequence, arrival_sequences
from tests.strategies.guests import stored_guest_maps
from tests.support.in_memory_ledger import (
    GuestsByKey,
    InMemoryLedger,
    ReadMode,
    apply_to_memory,
    flatten_without_spellings,
    read_mode_lists,
)

ANONYMIZED = build_lineup_event(
    KEY,
    event_id="anonymized",
    event_type=ANONYMIZED_EVENT_TYPE,
    occurred_at=RELAY_RECEIVED_AT,
    channel=Channel.RECONCILIATION,
)


def apply_and_anonymize(
    sequence: ArrivalSequence, modes: list[ReadMode], guests: GuestsByKey, position: int
) -> InMemoryLedger:
    """Apply all events, and the end of retention after some of them."""
    events = list(sequence.arrival)
    # Only a stored reservation is anonymized.
    events.insert(min(max(position, 1), len(events)), ANONYMIZED)
    return apply_to_memory(events, modes, guests)


@given(arrival_sequences, read_mode_lists, stored_guest_maps, st.integers(1, 8))
def test_the_document_does_not_depend_on_the_time_of_anonymization(
    sequence: ArrivalSequence, modes: list[ReadMode], guests: GuestsByKey, position: int
) -> None:
    early = apply_and_anonymize(sequence, modes, guests, position)
    late = apply_and_anonymize(sequence, modes, guests, len(sequence.arrival))
    assert flatten_without_spellings(early.document) == flatten_without_spellings(late.document)


@given(arrival_sequences, read_mode_lists, stored_guest_maps, st.integers(1, 8))
def test_no_personal_data_is_stored_after_the_anonymization(
    sequence: ArrivalSequence, modes: list[ReadMode], guests: GuestsByKey, position: int
) -> None:
    ledger = apply_and_anonymize(sequence, modes, guests, position)
    for registers in ledger.state.registers_by_actor.values():
        values = {name: current.value for name, current in registers.fields.items()}
        assert not any(values.get(name) for name in PERSONAL_FIELDS)
    assert ledger.state.linked_guest is None
    assert (ledger.document or {})["dinerName"] == "OpenTable Guest"
    later = list(ledger.entries.values())[list(ledger.entries).index("anonymized") :]
    for entry in later:
        assert not any(entry["fields"].get(name) for name in PERSONAL_FIELDS)
        assert entry["payload"] == redact_json(entry["payload"])


@given(arrival_sequences, read_mode_lists, stored_guest_maps)
def test_a_second_anonymization_writes_nothing(
    sequence: ArrivalSequence, modes: list[ReadMode], guests: GuestsByKey
) -> None:
    ledger = apply_and_anonymize(sequence, modes, guests, len(sequence.arrival))
    entries = dict(ledger.entries)
    ledger.apply(ANONYMIZED)
    assert ledger.entries == entries
