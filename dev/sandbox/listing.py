"""Lists of a changing book, filtered and sorted on light keys once per book version."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

from dev.sandbox.choices import Order

_KEPT_LISTS = 8


class Entry(Protocol):
    """What any listed record has."""

    @property
    def key(self) -> str:
        """The id without prefix."""

    @property
    def updated(self) -> datetime:
        """When it last changed."""


_Asked_contra = TypeVar("_Asked_contra", contravariant=True)
_Listed = TypeVar("_Listed", bound=Entry)


class Filter(Hashable, Protocol[_Asked_contra]):
    """Anything that chooses rows and can be compared."""

    def keeps(self, row: _Asked_contra, /) -> bool:
        """Say whether the row is asked for."""


class Listings(Generic[_Listed]):
    """The last few lists, so that paging through one costs its sorting only once."""

    def __init__(self) -> None:
        """Start with none."""
        self._lists: OrderedDict[Hashable, list[_Listed]] = OrderedDict()

    def rows(
        self,
        scope: tuple[int, int],
        source: Callable[[], Iterable[_Listed]],
        wanted: Filter[_Listed],
        order: Order,
    ) -> list[_Listed]:
        """Return the wanted rows in order.

        Args:
            scope: The rid and the book's version for it: another version is another list.
            source: Where the rows come from, asked only when the list is not held.
            wanted: The filter.
            order: One of the switchable orders.
        """
        name = (scope, wanted, order)
        if name not in self._lists:
            kept = [row for row in source() if wanted.keeps(row)]
            self._lists[name] = sorted(kept, key=_sort_key(order, scope[1]))
        self._lists.move_to_end(name)
        if len(self._lists) > _KEPT_LISTS:
            self._lists.popitem(last=False)
        return self._lists[name]


def _sort_key(order: Order, version: int) -> Callable[[Entry], Any]:
    keys: dict[Order, Callable[[Entry], Any]] = {
        "updated": lambda row: (row.updated, row.key),
        "id": lambda row: row.key,
        "shuffled": lambda row: crc32(row.key.encode()),
        "unstable": lambda row: crc32(f"{version}{row.key}".encode()),
    }
    return keys[order]
