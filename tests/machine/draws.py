"""What the machine chooses from."""

from collections.abc import Callable

from hypothesis import strategies as st

from tests.machine.mortal import Fate
from tests.machine.town import Town

# Numbers choose among whatever is there by then, so that no draw depends on how a race ended.
numbers = st.integers(0, 9)
# Yesterday to 30 days ahead is the window; the rest is out of it, on either side.
days = st.sampled_from([1, 0, 30, 31, 60, -1, -5])
hours = st.integers(0, 23)
# A webhook takes some 30 steps, a poll of a few reservations some 70.
fates = st.builds(
    Fate,
    dies_at=st.none() | st.integers(0, 30) | st.integers(0, 80),
    loses_at=st.none() | st.integers(0, 12) | st.integers(0, 35),
)
errands = st.sampled_from(["poll", "reconcile", "backfill", "replay", "cancel"]) | numbers
minutes = st.sampled_from([0, -13, -4, 1, 4, 13])
NAMES = ("Ada", "Blaise", "Carl", "Dorothy")
ACTS: dict[str, Callable[[Town, str], object]] = {
    "party of 7": lambda town, key: town.desk.change_party_size(key, 7),
    "party of 1": lambda town, key: town.desk.change_party_size(key, 1),
    "unreadable": lambda town, key: town.desk.change_party_size(key, 0),
    "two tables": lambda town, key: town.desk.assign_tables(key, "7", "12"),
    "no table": lambda town, key: town.desk.assign_tables(key),
    "noted": lambda town, key: town.desk.set_notes(key, "Regular"),
    "not noted": lambda town, key: town.desk.set_notes(key, None),
    "cancelled": lambda town, key: town.desk.cancel(key),
    "taken back": lambda town, key: town.desk.uncancel(key),
    "confirmed": lambda town, key: town.floor.set_state(key, "Confirmed"),
    "arrived": lambda town, key: town.floor.record_arrival(key),
    "seated": lambda town, key: town.floor.seat(key),
    "done": lambda town, key: town.floor.finish(key),
    "no show": lambda town, key: town.floor.mark_no_show(key),
}
