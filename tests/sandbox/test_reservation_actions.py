from dataclasses import replace
from datetime import date, timedelta

import pytest

from sandbox.actions import ReservationActions, VisitActions
from sandbox.clock import ManualClock
from sandbox.models import ALL_STATES, ENDED_STATES, SandboxReservation, SandboxRestaurant
from sandbox.store import SandboxStore
from tests.sandbox.client import RID


def test_opentable_has_twenty_two_states() -> None:
    assert len(set(ALL_STATES)) == 22


def test_a_booking_starts_not_confirmed(reservation: SandboxReservation) -> None:
    assert reservation.state == "NotConfirmed"


def test_every_event_takes_the_next_sequence_of_its_restaurant(
    reservation_actions: ReservationActions, reservation: SandboxReservation
) -> None:
    other = reservation_actions.create(reservation.scheduled, 2)
    again = reservation_actions.change_party_size(reservation.key, 5)
    assert [reservation.sequence_id, other.sequence_id, again.sequence_id] == [1, 2, 3]


def test_restaurants_count_their_sequences_apart(
    store: SandboxStore, reservation: SandboxReservation
) -> None:
    store.add_restaurant(SandboxRestaurant(555002, "Other", store.get_restaurant(RID).zone))
    other = ReservationActions(store, 555002).create(reservation.scheduled, 2)
    assert other.sequence_id == reservation.sequence_id


def test_confirmation_numbers_are_unique_in_a_restaurant(
    reservation_actions: ReservationActions, reservation: SandboxReservation
) -> None:
    numbers = {
        reservation_actions.create(reservation.scheduled, 2).confirmation_id for _ in range(20)
    }
    assert len(numbers) == 20


def test_a_move_changes_the_local_time_but_no_number(
    reservation_actions: ReservationActions, reservation: SandboxReservation
) -> None:
    moved = reservation_actions.reschedule(
        reservation.key, reservation.scheduled + timedelta(days=3)
    )
    assert (moved.key, moved.confirmation_id) == (reservation.key, reservation.confirmation_id)
    assert reservation.scheduled_local == "2026-03-14T19:15:00"
    assert moved.scheduled_local == "2026-03-17T19:15:00"


def test_a_change_is_stamped_in_whole_seconds(
    reservation_actions: ReservationActions, reservation: SandboxReservation, clock: ManualClock
) -> None:
    clock.advance(90.75)
    changed = reservation_actions.set_notes(reservation.key, "Corner")
    assert changed.updated - reservation.updated == timedelta(seconds=90)


def test_uncancelling_keeps_the_first_cancellation(
    reservation_actions: ReservationActions, reservation: SandboxReservation, clock: ManualClock
) -> None:
    first = reservation_actions.cancel(reservation.key)
    clock.advance(60)
    reservation_actions.uncancel(reservation.key)
    clock.advance(60)
    assert reservation_actions.cancel(reservation.key).cancelled == first.cancelled


@pytest.mark.parametrize(
    "actions, act, arguments",
    [
        (ReservationActions, "change_party_size", (3,)),
        (ReservationActions, "assign_tables", ("4", "5")),
        (ReservationActions, "set_notes", ("Corner",)),
        (ReservationActions, "set_tags", ("vip",)),
        (ReservationActions, "set_request", ("Quiet",)),
        (ReservationActions, "cancel", ()),
        (ReservationActions, "uncancel", ()),
        (VisitActions, "mark_no_show", ()),
        (VisitActions, "finish", ()),
    ],
)
def test_every_act_counts_as_one_event(
    actions: type[ReservationActions | VisitActions],
    act: str,
    arguments: tuple[object, ...],
    store: SandboxStore,
    reservation: SandboxReservation,
) -> None:
    changed = getattr(actions(store, RID), act)(reservation.key, *arguments)
    assert changed.sequence_id == reservation.sequence_id + 1


def test_the_first_arrival_counts(
    visit_actions: VisitActions, reservation: SandboxReservation, clock: ManualClock
) -> None:
    part = visit_actions.record_arrival(reservation.key, everyone=False)
    clock.advance(300)
    whole = visit_actions.record_arrival(reservation.key)
    assert (part.state, whole.state) == ("PartiallyArrived", "AllArrived")
    assert whole.arrived == part.arrived


def test_a_walk_in_sits_at_once_and_has_no_guest(visit_actions: VisitActions) -> None:
    row = visit_actions.add_walk_in(2)
    assert (row.state, row.origin, row.guest_key) == ("Seated", "Walk-in", None)


def test_a_waiting_party_is_quoted_its_wait(visit_actions: VisitActions) -> None:
    row = visit_actions.add_to_waitlist(2, minutes=25)
    assert (row.quoted_wait, row.waitlisted) == (25, row.scheduled)


@pytest.mark.usefixtures("reservation")
def test_the_sweep_assumes_that_the_untouched_were_seated(visit_actions: VisitActions) -> None:
    assert [row.state for row in visit_actions.close_open_visits(date(2026, 3, 14))] == [
        "AssumedSeated"
    ]


def test_the_sweep_assumes_that_the_seated_are_done(
    visit_actions: VisitActions, reservation: SandboxReservation
) -> None:
    visit_actions.seat(reservation.key)
    visit_actions.set_state(reservation.key, "a POS word")
    assert [row.state for row in visit_actions.close_open_visits(date(2026, 3, 14))] == [
        "AssumedDone"
    ]


@pytest.mark.parametrize("state", ENDED_STATES)
def test_the_sweep_keeps_ended_reservations(
    state: str, visit_actions: VisitActions, reservation: SandboxReservation
) -> None:
    visit_actions.set_state(reservation.key, state)
    assert visit_actions.close_open_visits(date(2026, 3, 14)) == []


@pytest.mark.usefixtures("reservation")
def test_the_sweep_leaves_tomorrow(visit_actions: VisitActions) -> None:
    assert visit_actions.close_open_visits(date(2026, 3, 13)) == []


def test_listeners_receive_values_before_and_after(
    store: SandboxStore, reservation_actions: ReservationActions
) -> None:
    changes: list[tuple[SandboxReservation | None, SandboxReservation]] = []
    store.add_listener(lambda before, after: changes.append((before, after)))
    first = reservation_actions.create(store.now(), 2)
    second = reservation_actions.change_party_size(first.key, 3)
    assert changes == [(None, first), (first, second)]


def test_a_listener_may_read_the_store(
    store: SandboxStore, reservation_actions: ReservationActions
) -> None:
    seen: list[SandboxReservation | None] = []
    store.add_listener(lambda _, after: seen.append(store.get_reservation(RID, after.key)))
    row = reservation_actions.create(store.now(), 2)
    assert seen == [row]


def test_loading_numbers_in_the_order_of_the_stamps(
    store: SandboxStore, reservation: SandboxReservation
) -> None:
    drafts = [
        replace(reservation, key=str(n), updated=reservation.updated - timedelta(hours=n))
        for n in (1, 2)
    ]
    store.load_reservations(drafts)
    by_key = {row.key: row.sequence_id for row in store.list_reservations(RID)}
    assert by_key["2"] < by_key["1"]


def test_uuids_and_object_ids_are_both_in_circulation(store: SandboxStore) -> None:
    keys = [store.generate_key() for _ in range(100)]
    shapes = {(len(key), key == key.lower()) for key in keys}
    assert shapes == {(24, True), (36, True), (36, False)}
