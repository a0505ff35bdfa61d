"""Lists of a changing book, filtered and sorted on light keys once per book version."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

from dev.sandbox.choices import ListOrder

_MAX_CACHED_LISTS = 8


class ListedRow(Protocol):
    """What any listed record has."""

    @property
    def key(self) -> str:
        """The id without prefix."""

    @property
    def updated(self) -> datetime:
        """When it last changed."""


_Asked_contra = TypeVar("_Asked_contra", contravariant=True)
_Listed = TypeVar("_Listed", bound=ListedRow)


class RowFilter(Hashable, Protocol[_Asked_contra]):
    """Anything that chooses rows and can be compared."""

    def matches(self, row: _Asked_contra, /) -> bool:
        """Say whether the row is asked for."""


class ListCache(Generic[_Listed]):
    """The last few lists, so that paging through one costs its sorting only once."""

    def __init__(self) -> None:
        """Start with none."""
        self._lists: OrderedDict[Hashable, list[_Listed]] = OrderedDict()

    def get_rows(
        self,
        scope: tuple[int, int],
        source: Callable[[], Iterable[_Listed]],
        row_filter: RowFilter[_Listed],
        order: ListOrder,
    ) -> list[_Listed]:
        """Return the wanted rows in order.

        Args:
            scope: The rid and the book's version for it: another version is another list.
            source: Where the rows come from, asked only when the list is not held.
            row_filter: The filter.
            order: One of the switchable orders.
        """
        cache_key = (scope, row_filter, order)
        if cache_key not in self._lists:
            matching_rows = [row for row in source() if row_filter.matches(row)]
            self._lists[cache_key] = sorted(matching_rows, key=_sort_key(order, scope[1]))
        self._lists.move_to_end(cache_key)
        if len(self._lists) > _MAX_CACHED_LISTS:
            self._lists.popitem(last=False)
        return self._lists[cache_key]


def _sort_key(order: ListOrder, version: int) -> Callable[[ListedRow], Any]:
    keys: dict[ListOrder, Callable[[ListedRow], Any]] = {
        "updated": lambda row: (row.updated, row.key),
        "id": lambda row: row.key,
        "shuffled": lambda row: crc32(row.key.encode()),
        "unstable": lambda row: crc32(f"{version}{row.key}".encode()),
    }
    return keys[order]
