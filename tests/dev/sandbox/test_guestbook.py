from dev.sandbox.book import SandboxStore
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import ReservationActions
from dev.sandbox.guestbook import GuestActions

RID = 555001


def test_a_forgotten_guest_has_no_details_left(guests: GuestActions) -> None:
    guest = guests.add("Avery", "Sample", "a@example.com", "2125550100")
    gone = guests.forget(guest.key)
    assert gone.forgotten
    assert (gone.first_name, gone.last_name, gone.email, gone.phone) == ("", "", "", "")


def test_a_merge_archives_the_loser_only(book: SandboxStore, guests: GuestActions) -> None:
    loser, survivor = guests.add("Avery"), guests.add("Avery")
    guests.merge(loser.key, survivor.key)
    archived = {guest.key: guest.archived for guest in book.list_guests(RID)}
    assert archived == {loser.key: True, survivor.key: False}


def test_a_merge_leaves_the_reservations_with_the_loser(
    book: SandboxStore, desk: ReservationActions, guests: GuestActions
) -> None:
    loser, survivor = guests.add("Avery"), guests.add("Avery")
    row = desk.create(book.now(), 2, guest_key=loser.key)
    guests.merge(loser.key, survivor.key)
    assert book.get_reservation(RID, row.key) == row


def test_a_guest_change_is_no_reservation_event(
    book: SandboxStore, desk: ReservationActions, guests: GuestActions
) -> None:
    before = desk.create(book.now(), 2)
    guests.rename(guests.add("Avery").key, "Blake", "Sample")
    assert desk.create(book.now(), 2).sequence_id == before.sequence_id + 1


def test_a_guest_change_moves_its_stamp(guests: GuestActions, clock: ManualClock) -> None:
    guest = guests.add("Avery")
    clock.advance(5)
    changed = guests.set_preferences(guest.key, email_opt_in=True, marketing_opt_out=True)
    assert (changed.updated - guest.updated).total_seconds() == 5


def test_a_guest_change_gives_the_guest_a_newer_version(guests: GuestActions) -> None:
    guest = guests.add("Avery")
    assert guests.hide(guest.key).sequence_id > guest.sequence_id
