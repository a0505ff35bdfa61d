"""Which reservations this process met lately: what is likely held is read before it is written."""

from cachetools import LRUCache

_MAX_CACHED_RESERVATIONS = 10_000


class RecentReservationCache:
    """A bounded memory of reservations; a hint alone, on which nothing that is kept depends."""

    def __init__(self) -> None:
        self._seen: LRUCache[tuple[str, str], bool] = LRUCache(_MAX_CACHED_RESERVATIONS)

    def add(self, restaurant_id: str, key: str) -> None:
        """Take note of a reservation, of which something is held by now."""
        self._seen[restaurant_id, key] = True

    def contains(self, restaurant_id: str, key: str) -> bool:
        """Whether a reservation was met lately."""
        return (restaurant_id, key) in self._seen
