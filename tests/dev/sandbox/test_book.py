from dataclasses import replace
from datetime import date, timedelta

import pytest

from dev.sandbox.book import Book
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import Desk
from dev.sandbox.floor import Floor
from dev.sandbox.records import ENDED, STATES, Reservation, Restaurant

RID = 555001


def test_there_are_twenty_two_states() -> None:
    assert len(set(STATES)) == 22


def test_a_booking_starts_not_confirmed(booked: Reservation) -> None:
    assert booked.state == "NotConfirmed"


def test_every_event_takes_the_next_sequence_of_its_restaurant(
    desk: Desk, booked: Reservation
) -> None:
    other = desk.book(booked.scheduled, 2)
    again = desk.resize(booked.key, 5)
    assert [booked.sequence_id, other.sequence_id, again.sequence_id] == [1, 2, 3]


def test_restaurants_count_their_sequences_apart(book: Book, booked: Reservation) -> None:
    book.open(Restaurant(555002, "Other", book.restaurant(RID).zone))
    other = Desk(book, 555002).book(booked.scheduled, 2)
    assert other.sequence_id == booked.sequence_id


def test_confirmation_numbers_are_unique_in_a_restaurant(desk: Desk, booked: Reservation) -> None:
    numbers = {desk.book(booked.scheduled, 2).confirmation_id for _ in range(20)}
    assert len(numbers) == 20


def test_a_move_keeps_id_and_confirmation_number(desk: Desk, booked: Reservation) -> None:
    moved = desk.move(booked.key, booked.scheduled + timedelta(days=3))
    assert (moved.key, moved.confirmation_id) == (booked.key, booked.confirmation_id)


def test_a_move_changes_the_local_time(desk: Desk, booked: Reservation) -> None:
    moved = desk.move(booked.key, booked.scheduled + timedelta(days=3))
    assert (booked.local, moved.local) == ("2026-03-14T19:15:00", "2026-03-17T19:15:00")


def test_a_change_is_stamped_in_whole_seconds(
    desk: Desk, booked: Reservation, clock: ManualClock
) -> None:
    clock.advance(90.75)
    changed = desk.note(booked.key, "Corner")
    assert changed.updated - booked.updated == timedelta(seconds=90)


def test_uncancelling_keeps_the_first_cancellation(
    desk: Desk, booked: Reservation, clock: ManualClock
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
    act: str, desk: Desk, floor: Floor, booked: Reservation
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


def test_the_first_arrival_counts(floor: Floor, booked: Reservation, clock: ManualClock) -> None:
    part = floor.arrive(booked.key, everyone=False)
    clock.advance(300)
    whole = floor.arrive(booked.key)
    assert (part.state, whole.state) == ("PartiallyArrived", "AllArrived")
    assert whole.arrived == part.arrived


def test_a_walk_in_sits_at_once_and_has_no_guest(floor: Floor) -> None:
    row = floor.walk_in(2)
    assert (row.state, row.origin, row.guest_key) == ("Seated", "Walk-in", None)


def test_a_waiting_party_is_quoted_its_wait(floor: Floor) -> None:
    row = floor.waitlist(2, minutes=25)
    assert (row.quoted_wait, row.waitlisted) == (25, row.scheduled)


@pytest.mark.usefixtures("booked")
def test_the_sweep_assumes_that_the_untouched_were_seated(floor: Floor) -> None:
    assert [row.state for row in floor.sweep(date(2026, 3, 14))] == ["AssumedSeated"]


def test_the_sweep_assumes_that_the_seated_are_done(floor: Floor, booked: Reservation) -> None:
    floor.seat(booked.key)
    floor.mark(booked.key, "a POS word")
    assert [row.state for row in floor.sweep(date(2026, 3, 14))] == ["AssumedDone"]


@pytest.mark.parametrize("state", ENDED)
def test_the_sweep_leaves_what_has_ended(state: str, floor: Floor, booked: Reservation) -> None:
    floor.mark(booked.key, state)
    assert floor.sweep(date(2026, 3, 14)) == []


@pytest.mark.usefixtures("booked")
def test_the_sweep_leaves_tomorrow(floor: Floor) -> None:
    assert floor.sweep(date(2026, 3, 13)) == []


def test_listeners_hear_before_and_after(book: Book, desk: Desk) -> None:
    heard: list[tuple[Reservation | None, Reservation]] = []
    book.listen(lambda before, after: heard.append((before, after)))
    first = desk.book(book.now(), 2)
    second = desk.resize(first.key, 3)
    assert heard == [(None, first), (first, second)]


def test_a_listener_may_read_the_book(book: Book, desk: Desk) -> None:
    seen: list[Reservation | None] = []
    book.listen(lambda _, after: seen.append(book.reservation(RID, after.key)))
    row = desk.book(book.now(), 2)
    assert seen == [row]


def test_loading_numbers_in_the_order_of_the_stamps(book: Book, booked: Reservation) -> None:
    drafts = [
        replace(booked, key=str(n), updated=booked.updated - timedelta(hours=n)) for n in (1, 2)
    ]
    book.load(drafts)
    by_key = {row.key: row.sequence_id for row in book.reservations(RID)}
    assert by_key["2"] < by_key["1"]


def test_uuids_and_object_ids_are_both_in_circulation(book: Book) -> None:
    keys = [book.key() for _ in range(100)]
    shapes = {(len(key), key == key.lower()) for key in keys}
    assert shapes == {(24, True), (36, True), (36, False)}
