"""Whose a reservation is: the join with its guest, and the scrubbing of the forgotten."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.guest_link import LinkedGuest, UnresolvedGuest, resolve_guest
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.opentable_guest import Guest
from shared.domain.privacy import redact_event, redact_state

GUEST_LINKED_EVENT_TYPE = "guest.linked"

ResolvedGuests = Mapping[str, LinkedGuest | UnresolvedGuest]


class GuestRequired(Struct, frozen=True):
    """What was read does not tell whose the reservation is; read this guest too."""

    key: str


class MergeResult(Struct, frozen=True):
    """A statement and what was held before it, both as they may be kept.

    Attributes:
        event: The statement, without the person where that person must be forgotten.
        state_before: What was held, likewise.
        state_after: Both together, with the guest that is then shown.
        forgotten_guest_keys: The guests of whom it only now shows that this reservation was
            theirs, and
            who must be forgotten.
    """

    event: ReservationEvent
    state_before: ReservationState
    state_after: ReservationState
    forgotten_guest_keys: frozenset[str] = field(default_factory=frozenset)


def merge_with_guest(
    event: ReservationEvent, state_before: ReservationState, guests: Mapping[str, Guest | None]
) -> MergeResult | GuestRequired:
    """Join a statement, and the guest that the reservation then names.

    Once a reservation is known to be a forgotten guest's, every statement on it is scrubbed
    before it is kept, whoever makes it.

    Args:
        event: What is said.
        state_before: What was held.
        guests: Records by key, None where none is held; keys that were not read are not in it.
    """
    resolved = _resolve_guests(event, state_before, guests)
    for each in resolved.values():
        if isinstance(each, UnresolvedGuest) and not each.was_read:
            return GuestRequired(each.key)
    state_after = with_linked_guest(
        state_before.merge(event), resolved, is_complete=event.event_type == GUEST_LINKED_EVENT_TYPE
    )
    if not state_after.guest_references.has_forgotten_guest:
        return MergeResult(event, state_before, state_after)
    event, state_before = redact_event(event), redact_state(state_before)
    forgotten_keys = {
        each.key
        for each in resolved.values()
        if isinstance(each, LinkedGuest) and each.is_forgotten
    }
    newly_forgotten = (
        frozenset()
        if state_before.guest_references.has_forgotten_guest
        else frozenset(forgotten_keys)
    )
    redacted = replace(
        state_before.merge(event),
        linked_guest=state_after.linked_guest,
        guest_references=state_after.guest_references,
    )
    return MergeResult(event, state_before, redacted, newly_forgotten)


def with_linked_guest(
    state: ReservationState, resolved: ResolvedGuests, *, is_complete: bool
) -> ReservationState:
    """Return statements with the guest that they show, out of those that were looked up.

    Args:
        state: All that is said about a reservation.
        resolved: What guests lead to, by key, the shown one among them where it names any.
        is_complete: Whether every guest that was ever named was looked up.
    """
    resolved_guest = resolved.get(str(state.resolve_field("guestKey")))
    linked_guest = resolved_guest if isinstance(resolved_guest, LinkedGuest) else None
    return replace(
        state,
        linked_guest=linked_guest,
        guest_references=state.guest_references.with_resolved(
            resolved.values(), is_complete=is_complete
        ),
    )


def _resolve_guests(
    event: ReservationEvent, state_before: ReservationState, guests: Mapping[str, Guest | None]
) -> ResolvedGuests:
    """Find the guests on whom it depends what may be kept, and what is shown.

    Those that were named before are looked up only when a guest's record is news: it is told to
    all of its reservations then.
    """
    state_after, is_guest_update = (
        state_before.merge(event),
        event.event_type == GUEST_LINKED_EVENT_TYPE,
    )
    keys = (
        state_after.guest_references.keys
        if is_guest_update
        else state_after.guest_references.keys - state_before.guest_references.keys
    )
    resolved: dict[str, LinkedGuest | UnresolvedGuest] = {
        key: resolve_guest(key, guests) for key in sorted(keys)
    }
    shown_key = state_after.resolve_field("guestKey")
    if isinstance(shown_key, str) and shown_key not in resolved:
        linked_guest = state_before.linked_guest
        resolved[shown_key] = (
            linked_guest
            if linked_guest and linked_guest.referenced_key == shown_key
            else resolve_guest(shown_key, guests)
        )
    return resolved
