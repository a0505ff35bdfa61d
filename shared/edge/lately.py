"""Which reservations this process met lately: what is likely held is read before it is written."""

from cachetools import LRUCache

_MOST = 10_000


class Lately:
    """A bounded memory of reservations; a hint alone, on which nothing that is kept depends."""

    def __init__(self) -> None:
        self._met: LRUCache[tuple[str, str], bool] = LRUCache(_MOST)

    def note(self, restaurant_id: str, key: str) -> None:
        """Take note of a reservation, of which something is held by now."""
        self._met[restaurant_id, key] = True

    def knows(self, restaurant_id: str, key: str) -> bool:
        """Whether a reservation was met lately."""
        return (restaurant_id, key) in self._met
