"""Generate values for the random choices of the state machine."""

from collections.abc import Callable

from hypothesis import strategies as st

from tests.stateful.faults import FaultPlan
from tests.stateful.restaurant import MachineRestaurant

# Numbers select among the existing objects, so that no draw depends on the result of a race.
numbers = st.integers(0, 9)
# Yesterday to 30 days ahead is the window; the rest is out of it, on either side.
days = st.sampled_from([1, 0, 30, 31, 60, -1, -5])
hours = st.integers(0, 23)
# A webhook takes some 30 steps, a poll of a few reservations some 70.
fault_plans = st.builds(
    FaultPlan,
    kill_at_step=st.none() | st.integers(0, 30) | st.integers(0, 80),
    lose_response_at=st.none() | st.integers(0, 12) | st.integers(0, 35),
)
jobs = st.sampled_from(["poll", "reconcile", "backfill", "replay", "cancel"]) | numbers
minutes = st.sampled_from([0, -13, -4, 1, 4, 13])
NAMES = ("Ada", "Blaise", "Carl", "Dorothy")
ACTIONS: dict[str, Callable[[MachineRestaurant, str], object]] = {
    "party of 7": lambda restaurant, key: restaurant.reservation_actions.change_party_size(key, 7),
    "party of 1": lambda restaurant, key: restaurant.reservation_actions.change_party_size(key, 1),
    "unreadable": lambda restaurant, key: restaurant.reservation_actions.change_party_size(key, 0),
    "two tables": lambda restaurant, key: restaurant.reservation_actions.assign_tables(
        key, "7", "12"
    ),
    "no table": lambda restaurant, key: restaurant.reservation_actions.assign_tables(key),
    "noted": lambda restaurant, key: restaurant.reservation_actions.set_notes(key, "Regular"),
    "not noted": lambda restaurant, key: restaurant.reservation_actions.set_notes(key, None),
    "cancelled": lambda restaurant, key: restaurant.reservation_actions.cancel(key),
    "taken back": lambda restaurant, key: restaurant.reservation_actions.uncancel(key),
    "confirmed": lambda restaurant, key: restaurant.visit_actions.set_state(key, "Confirmed"),
    "arrived": lambda restaurant, key: restaurant.visit_actions.record_arrival(key),
    "seated": lambda restaurant, key: restaurant.visit_actions.seat(key),
    "done": lambda restaurant, key: restaurant.visit_actions.finish(key),
    "no show": lambda restaurant, key: restaurant.visit_actions.mark_no_show(key),
}
