"""Whom a reservation ever named: what must be known of it long after it names somebody else."""

from collections.abc import Iterable

from msgspec import Struct

from shared.core.joined import Joined, Unknown


class Named(Struct, frozen=True):
    """Whom a reservation ever named; a later statement may name another guest, or nobody.

    Attributes:
        keys: The guests that any statement named.
        led_to: The same, and those to whom they lead through merges.
        forgotten: Whether any of these must be forgotten. It stays so: then nothing personal is
            kept of the reservation, in whatever order all this became known.
    """

    keys: frozenset[str] = frozenset()
    led_to: frozenset[str] = frozenset()
    forgotten: bool = False

    def add(self, key: object) -> "Named":
        """Return this with a statement's guest; None is nobody."""
        if not isinstance(key, str):
            return self
        return Named(self.keys | {key}, self.led_to | {key}, self.forgotten)

    def follow(self, found: Iterable[Joined | Unknown], *, anew: bool) -> "Named":
        """Return this with what guests were found to lead to.

        Args:
            found: Guests that were looked up.
            anew: Whether these are all of them, so that earlier findings are void.
        """
        found = list(found)
        led_to = self.keys.union(*(each.path for each in found))
        forgotten = any(isinstance(each, Joined) and each.forgotten for each in found)
        return Named(
            self.keys,
            led_to if anew else self.led_to | led_to,
            self.forgotten or forgotten,
        )
