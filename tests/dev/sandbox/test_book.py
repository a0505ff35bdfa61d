from dataclasses import replace
from datetime import date, timedelta

import pytest

from dev.sandbox.book import SandboxStore
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import ReservationActions
from dev.sandbox.floor import VisitActions
from dev.sandbox.records import ALL_STATES, ENDED_STATES, SandboxReservation, SandboxRestaurant

RID = 555001


def test_there_are_twenty_two_states() -> None:
    assert len(set(ALL_STATES)) == 22


def test_a_booking_starts_not_confirmed(booked: SandboxReservation) -> None:
    assert booked.state == "NotConfirmed"


def test_every_event_takes_the_next_sequence_of_its_restaurant(
    desk: ReservationActions, booked: SandboxReservation
) -> None:
    other = desk.create(booked.scheduled, 2)
    again = desk.change_party_size(booked.key, 5)
    assert [booked.sequence_id, other.sequence_id, again.sequence_id] == [1, 2, 3]


def test_restaurants_count_their_sequences_apart(
    book: SandboxStore, booked: SandboxReservation
) -> None:
    book.add_restaurant(SandboxRestaurant(555002, "Other", book.get_restaurant(RID).zone))
    other = ReservationActions(book, 555002).create(booked.scheduled, 2)
    assert other.sequence_id == booked.sequence_id


def test_confirmation_numbers_are_unique_in_a_restaurant(
    desk: ReservationActions, booked: SandboxReservation
) -> None:
    numbers = {desk.create(booked.scheduled, 2).confirmation_id for _ in range(20)}
    assert len(numbers) == 20


def test_a_move_keeps_id_and_confirmation_number(
    desk: ReservationActions, booked: SandboxReservation
) -> None:
    moved = desk.reschedule(booked.key, booked.scheduled + timedelta(days=3))
    assert (moved.key, moved.confirmation_id) == (booked.key, booked.confirmation_id)


def test_a_move_changes_the_local_time(
    desk: ReservationActions, booked: SandboxReservation
) -> None:
    moved = desk.reschedule(booked.key, booked.scheduled + timedelta(days=3))
    assert (booked.scheduled_local, moved.scheduled_local) == (
        "2026-03-14T19:15:00",
        "2026-03-17T19:15:00",
    )


def test_a_change_is_stamped_in_whole_seconds(
    desk: ReservationActions, booked: SandboxReservation, clock: ManualClock
) -> None:
    clock.advance(90.75)
    changed = desk.set_notes(booked.key, "Corner")
    assert changed.updated - booked.updated == timedelta(seconds=90)


def test_uncancelling_keeps_the_first_cancellation(
    desk: ReservationActions, booked: SandboxReservation, clock: ManualClock
) -> None:
    first = desk.cancel(booked.key)
    clock.advance(60)
    desk.uncancel(booked.key)
    clock.advance(60)
    assert desk.cancel(booked.key).cancelled == first.cancelled


@pytest.mark.parametrize(
    "act", ["resize", "tables", "note", "tag", "request", "cancel", "uncancel", "no_show", "done"]
)
def test_every_act_counts_as_one_event(
    act: str, desk: ReservationActions, floor: VisitActions, booked: SandboxReservation
) -> None:
    words: dict[str, tuple[object, ...]] = {
        "resize": (3,),
        "tables": ("4", "5"),
        "note": ("Corner",),
        "tag": ("vip",),
        "request": ("Quiet",),
    }
    changed = getattr(desk if hasattr(desk, act) else floor, act)(booked.key, *words.get(act, ()))
    assert changed.sequence_id == booked.sequence_id + 1


def test_the_first_arrival_counts(
    floor: VisitActions, booked: SandboxReservation, clock: ManualClock
) -> None:
    part = floor.record_arrival(booked.key, everyone=False)
    clock.advance(300)
    whole = floor.record_arrival(booked.key)
    assert (part.state, whole.state) == ("PartiallyArrived", "AllArrived")
    assert whole.arrived == part.arrived


def test_a_walk_in_sits_at_once_and_has_no_guest(floor: VisitActions) -> None:
    row = floor.add_walk_in(2)
    assert (row.state, row.origin, row.guest_key) == ("Seated", "Walk-in", None)


def test_a_waiting_party_is_quoted_its_wait(floor: VisitActions) -> None:
    row = floor.add_to_waitlist(2, minutes=25)
    assert (row.quoted_wait, row.waitlisted) == (25, row.scheduled)


@pytest.mark.usefixtures("booked")
def test_the_sweep_assumes_that_the_untouched_were_seated(floor: VisitActions) -> None:
    assert [row.state for row in floor.close_open_visits(date(2026, 3, 14))] == ["AssumedSeated"]


def test_the_sweep_assumes_that_the_seated_are_done(
    floor: VisitActions, booked: SandboxReservation
) -> None:
    floor.seat(booked.key)
    floor.set_state(booked.key, "a POS word")
    assert [row.state for row in floor.close_open_visits(date(2026, 3, 14))] == ["AssumedDone"]


@pytest.mark.parametrize("state", ENDED_STATES)
def test_the_sweep_leaves_what_has_ended(
    state: str, floor: VisitActions, booked: SandboxReservation
) -> None:
    floor.set_state(booked.key, state)
    assert floor.close_open_visits(date(2026, 3, 14)) == []


@pytest.mark.usefixtures("booked")
def test_the_sweep_leaves_tomorrow(floor: VisitActions) -> None:
    assert floor.close_open_visits(date(2026, 3, 13)) == []


def test_listeners_hear_before_and_after(book: SandboxStore, desk: ReservationActions) -> None:
    heard: list[tuple[SandboxReservation | None, SandboxReservation]] = []
    book.add_listener(lambda before, after: heard.append((before, after)))
    first = desk.create(book.now(), 2)
    second = desk.change_party_size(first.key, 3)
    assert heard == [(None, first), (first, second)]


def test_a_listener_may_read_the_book(book: SandboxStore, desk: ReservationActions) -> None:
    seen: list[SandboxReservation | None] = []
    book.add_listener(lambda _, after: seen.append(book.get_reservation(RID, after.key)))
    row = desk.create(book.now(), 2)
    assert seen == [row]


def test_loading_numbers_in_the_order_of_the_stamps(
    book: SandboxStore, booked: SandboxReservation
) -> None:
    drafts = [
        replace(booked, key=str(n), updated=booked.updated - timedelta(hours=n)) for n in (1, 2)
    ]
    book.load_reservations(drafts)
    by_key = {row.key: row.sequence_id for row in book.list_reservations(RID)}
    assert by_key["2"] < by_key["1"]


def test_uuids_and_object_ids_are_both_in_circulation(book: SandboxStore) -> None:
    keys = [book.generate_key() for _ in range(100)]
    shapes = {(len(key), key == key.lower()) for key in keys}
    assert shapes == {(24, True), (36, True), (36, False)}
