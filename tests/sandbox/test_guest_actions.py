from sandbox.actions import GuestActions, ReservationActions
from sandbox.clock import ManualClock
from sandbox.store import SandboxStore
from tests.sandbox.client import RID


def test_a_forgotten_guest_has_no_details_left(guest_actions: GuestActions) -> None:
    guest = guest_actions.add("Avery", "Sample", "a@example.com", "2125550100")
    gone = guest_actions.forget(guest.key)
    assert gone.forgotten
    assert (gone.first_name, gone.last_name, gone.email, gone.phone) == ("", "", "", "")


def test_a_merge_archives_the_loser_only(store: SandboxStore, guest_actions: GuestActions) -> None:
    loser, survivor = guest_actions.add("Avery"), guest_actions.add("Avery")
    guest_actions.merge(loser.key, survivor.key)
    archived = {guest.key: guest.archived for guest in store.list_guests(RID)}
    assert archived == {loser.key: True, survivor.key: False}


def test_a_merge_does_not_move_reservations(
    store: SandboxStore, reservation_actions: ReservationActions, guest_actions: GuestActions
) -> None:
    loser, survivor = guest_actions.add("Avery"), guest_actions.add("Avery")
    row = reservation_actions.create(store.now(), 2, guest_key=loser.key)
    guest_actions.merge(loser.key, survivor.key)
    assert store.get_reservation(RID, row.key) == row


def test_a_guest_change_is_no_reservation_event(
    store: SandboxStore, reservation_actions: ReservationActions, guest_actions: GuestActions
) -> None:
    before = reservation_actions.create(store.now(), 2)
    guest_actions.rename(guest_actions.add("Avery").key, "Blake", "Sample")
    assert reservation_actions.create(store.now(), 2).sequence_id == before.sequence_id + 1


def test_a_guest_change_moves_its_stamp(guest_actions: GuestActions, clock: ManualClock) -> None:
    guest = guest_actions.add("Avery")
    clock.advance(5)
    changed = guest_actions.set_preferences(guest.key, email_opt_in=True, marketing_opt_out=True)
    assert (changed.updated - guest.updated).total_seconds() == 5


def test_a_guest_change_gives_the_guest_a_newer_version(guest_actions: GuestActions) -> None:
    guest = guest_actions.add("Avery")
    assert guest_actions.hide(guest.key).sequence_id > guest.sequence_id
