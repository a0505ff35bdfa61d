"""Whom a reservation ever named: what must be known of it long after it names somebody else."""

from collections.abc import Iterable

from msgspec import Struct

from shared.core.joined import LinkedGuest, UnresolvedGuest


class GuestReferences(Struct, frozen=True):
    """Whom a reservation ever named; a later statement may name another guest, or nobody.

    Attributes:
        keys: The guests that any statement named.
        resolved_keys: The same, and those to whom they lead through merges.
        has_forgotten_guest: Whether any of these must be forgotten. It stays so: then nothing
            personal is
            kept of the reservation, in whatever order all this became known.
    """

    keys: frozenset[str] = frozenset()
    resolved_keys: frozenset[str] = frozenset()
    has_forgotten_guest: bool = False

    def with_key(self, key: object) -> "GuestReferences":
        """Return this with a statement's guest; None is nobody."""
        if not isinstance(key, str):
            return self
        return GuestReferences(
            self.keys | {key}, self.resolved_keys | {key}, self.has_forgotten_guest
        )

    def with_resolved(
        self, guests: Iterable[LinkedGuest | UnresolvedGuest], *, is_complete: bool
    ) -> "GuestReferences":
        """Return this with what guests were found to lead to.

        Args:
            guests: Guests that were looked up.
            is_complete: Whether these are all of them, so that earlier findings are void.
        """
        guests = list(guests)
        resolved_keys = self.keys.union(*(guest.path for guest in guests))
        has_forgotten = any(
            isinstance(guest, LinkedGuest) and guest.is_forgotten for guest in guests
        )
        return GuestReferences(
            self.keys,
            resolved_keys if is_complete else self.resolved_keys | resolved_keys,
            self.has_forgotten_guest or has_forgotten,
        )
