from datetime import date

import pytest

from sandbox.models import ENDED_STATES, SandboxReservation
from sandbox.service_simulation import ServiceSimulation
from sandbox.store import SandboxStore
from sandbox.visits import SimulatedAction
from tests.sandbox.client import RID, new_store

DAY = date(2026, 3, 14)


def play_service(seed: int = 0, day: date = DAY) -> tuple[SandboxStore, list[SimulatedAction]]:
    store = new_store(2000)
    return store, ServiceSimulation(store, RID, day, seed).run_all()


def reservations_of_day(store: SandboxStore) -> list[SandboxReservation]:
    return [
        row for row in store.list_reservations(RID) if row.scheduled_local[:10] == DAY.isoformat()
    ]


def test_the_same_seed_gives_the_same_service() -> None:
    (one, acts), (other, again) = play_service(), play_service()
    assert [(act.at, act.name) for act in acts] == [(act.at, act.name) for act in again]
    assert one.list_reservations(RID) == other.list_reservations(RID)


def test_another_seed_gives_another_service() -> None:
    assert play_service(1)[0].list_reservations(RID) != play_service(2)[0].list_reservations(RID)


def test_acts_come_in_the_order_of_simulated_time() -> None:
    times = [act.at for act in play_service()[1]]
    assert times == sorted(times)


@pytest.mark.parametrize("seed", range(3))
def test_a_service_leaves_no_open_reservation(seed: int) -> None:
    assert {row.state for row in reservations_of_day(play_service(seed)[0])} <= set(ENDED_STATES)


def test_most_parties_of_a_service_dine() -> None:
    rows = reservations_of_day(play_service()[0])
    done = sum(row.state == "Done" for row in rows)
    assert 0.6 < done / len(rows) < 0.95


def test_a_service_has_every_kind_of_action() -> None:
    names = {act.name for seed in range(4) for act in play_service(seed)[1]}
    assert names >= {
        *("book", "change", "walk_in", "wait", "merge", "correct", "sweep"),
        *("arrive_in_part", "arrive", "seat", "Appetizer", "Entree", "Dessert", "Paid", "done"),
        *("cancel", "uncancel", "no_show"),
    }


def test_no_stamp_lies_ahead_of_the_clock() -> None:
    store, _ = play_service()
    assert all(row.created <= row.updated <= store.now() for row in store.list_reservations(RID))


def test_a_visit_is_dated_in_restaurant_time() -> None:
    row = next(
        row
        for row in reservations_of_day(play_service()[0])
        if row.state == "Done" and row.origin == "Web"
    )
    times = [row.scheduled, row.arrived, row.seated, row.done]
    minutes = [(at - row.scheduled).total_seconds() / 60 for at in times if at]
    assert len(minutes) == 4
    assert -15 < minutes[1] < minutes[2] < 60 < minutes[3]


def test_a_day_of_changing_clocks_is_played_in_order() -> None:
    times = [act.at for act in play_service(day=date(2026, 3, 7))[1]]
    assert times == sorted(times)


def test_what_a_human_cancelled_is_not_seated_afterwards() -> None:
    store, _ = play_service()
    before = {row.key for row in reservations_of_day(store) if row.state == "Cancelled"}
    ServiceSimulation(store, RID, DAY, 9).run_all()
    after = {row.key for row in reservations_of_day(store) if row.state == "Cancelled"}
    assert before <= after
