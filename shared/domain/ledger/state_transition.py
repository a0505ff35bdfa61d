"""Compute a reservation's state after an event: merged, with its guest, and redacted if needed."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.ledger.events import GUEST_LINKED_EVENT_TYPE, ReservationEvent
from shared.domain.ledger.guest_link import Guest, LinkedGuest, UnresolvedGuest, resolve_guest
from shared.domain.ledger.registers import ReservationState
from shared.domain.privacy import redact_event, redact_state

ResolvedGuests = Mapping[str, LinkedGuest | UnresolvedGuest]


class GuestRequired(Struct, frozen=True):
    """The guest's record decides; read it and merge again."""

    key: str


class StateTransition(Struct, frozen=True):
    """An event and the state before and after it, redacted if the guest was forgotten.

    Attributes:
        state_as_read: The state before the event, never redacted.
        state_after: Includes the linked guest.
        forgotten_guest_keys: Forgotten guests, first connected to the reservation by this event.
    """

    event: ReservationEvent
    state_as_read: ReservationState
    state_before: ReservationState
    state_after: ReservationState
    forgotten_guest_keys: frozenset[str] = field(default_factory=frozenset)


def merge_with_guest(
    event: ReservationEvent, state_before: ReservationState, guests: Mapping[str, Guest | None]
) -> StateTransition | GuestRequired:
    """Merge an event and link the guest of the resulting state.

    Once a referenced guest is forgotten or the reservation is anonymized, every event of the
    reservation is redacted before it is stored, for every actor.

    Args:
        guests: Records by key, None if none is stored. A missing key was not read.
    """
    state_after = state_before.merge_event(event)
    is_guest_update = event.event_type == GUEST_LINKED_EVENT_TYPE
    resolved = _resolve_guests(state_before, state_after, guests, is_guest_update=is_guest_update)
    required = find_required_guest(resolved)
    if required is not None:
        return required
    state_after = link_guest(state_after, resolved, is_complete=is_guest_update)
    if not state_after.guest_references.forbids_personal_data:
        return StateTransition(event, state_before, state_before, state_after)
    event, redacted_before = redact_event(event), redact_state(state_before)
    redacted_after = replace(
        redacted_before.merge_event(event),
        linked_guest=state_after.linked_guest,
        guest_references=state_after.guest_references,
    )
    newly_forgotten = frozenset(
        guest.key
        for guest in resolved.values()
        if isinstance(guest, LinkedGuest)
        and guest.is_forgotten
        and not state_before.guest_references.has_forgotten_guest
    )
    return StateTransition(event, state_before, redacted_before, redacted_after, newly_forgotten)


def _resolve_guests(
    state_before: ReservationState,
    state_after: ReservationState,
    guests: Mapping[str, Guest | None],
    *,
    is_guest_update: bool,
) -> ResolvedGuests:
    """Resolve the references that affect the shown guest or the redaction.

    Earlier references are resolved again only after a guest's record changed: that update is
    applied to all reservations of the guest.
    """
    keys = state_after.guest_references.keys
    if not is_guest_update:
        keys -= state_before.guest_references.keys
    resolved = {key: resolve_guest(key, guests) for key in sorted(keys)}
    shown_key = state_after.resolve_field("guestKey")
    if isinstance(shown_key, str) and shown_key not in resolved:
        linked_guest = state_before.linked_guest
        # The stored link is still valid, and spares the commit a read of the guest.
        is_linked = linked_guest is not None and linked_guest.referenced_key == shown_key
        resolved[shown_key] = (
            linked_guest if linked_guest and is_linked else resolve_guest(shown_key, guests)
        )
    return resolved


def find_required_guest(resolved: ResolvedGuests) -> GuestRequired | None:
    """Return the first guest whose record decides and was not read yet."""
    for guest in resolved.values():
        if isinstance(guest, UnresolvedGuest) and not guest.was_read:
            return GuestRequired(guest.key)
    return None


def link_guest(
    state: ReservationState, resolved: ResolvedGuests, *, is_complete: bool
) -> ReservationState:
    """Return the state with the guest of its ``guestKey``, None for an anonymized reservation.

    Args:
        resolved: Guests by referenced key, including the shown one if any.
        is_complete: Whether every reference was resolved.
    """
    guest = resolved.get(str(state.resolve_field("guestKey")))
    is_shown = not state.guest_references.is_anonymized
    return replace(
        state,
        linked_guest=guest if isinstance(guest, LinkedGuest) and is_shown else None,
        guest_references=state.guest_references.with_resolved(
            resolved.values(), is_complete=is_complete
        ),
    )
