"""Generate ledgers after the events of a history, with and without guest records."""

from hypothesis import strategies as st

from tests.strategies.events import arrival_sequences
from tests.strategies.guests import guest_histories, stored_guest_maps
from tests.support.in_memory_ledger import (
    InMemoryLedger,
    apply_all_with_guests,
    apply_to_memory,
    read_mode_lists,
)

fetch_choices = st.lists(st.booleans(), min_size=1, max_size=4)

ledgers: st.SearchStrategy[InMemoryLedger] = st.builds(
    lambda sequence, modes, guests: apply_to_memory(sequence.arrival, modes, guests),
    arrival_sequences,
    read_mode_lists,
    stored_guest_maps,
)

# With the guests of the ledger, as stored and as OpenTable has them.
ledgers_with_guests = st.builds(
    lambda history, modes, fetch_at_once: apply_all_with_guests(
        history.orders[0], history.final_guests(), modes, fetch_at_once
    ),
    guest_histories(),
    read_mode_lists,
    fetch_choices,
)
