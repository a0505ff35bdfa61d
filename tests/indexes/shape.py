"""The shape of a query: all of it that decides which index it needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from google.cloud.firestore_v1.types import StructuredQuery

DOCUMENT_NAME_FIELD = "__name__"
_EQUALITY_OPERATORS = {"EQUAL", "IN", "IS_NULL", "IS_NAN"}
_ARRAY_OPERATORS = {"ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY"}


@dataclass(frozen=True, slots=True, order=True)
class QueryShape:
    """One alternative of a query: an OR is as many as it has parts.

    Attributes:
        collection: The last part of the collection's path.
        group: Whether it spans every collection of that name.
        equal: Fields that must equal something, by name.
        arrays: Fields that must contain something.
        orders: Fields by which the answer is sorted, in order, each with ASCENDING or DESCENDING;
            those that must lie in a range among them, the document's name left out.
    """

    collection: str
    group: bool
    equal: tuple[str, ...]
    arrays: tuple[str, ...]
    orders: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Return it in one line, as a person would say it."""
        scope = "every collection" if self.group else "a collection"
        equal = [f"{field} ==" for field in self.equal]
        arrays = [f"{field} contains" for field in self.arrays]
        orders = [f"{field} {direction}" for field, direction in self.orders]
        return f"{scope} {self.collection}: {', '.join(equal + arrays + orders) or 'all'}"


def query_shapes(query: StructuredQuery) -> Iterator[QueryShape]:
    """Yield the shape of each alternative of a query."""
    [source] = query.from_
    asked = [(row.field.field_path, row.direction.name) for row in query.order_by]
    for filters in _alternatives(query.where):
        equal = {field for field, op in filters if op in _EQUALITY_OPERATORS}
        arrays = {field for field, op in filters if op in _ARRAY_OPERATORS}
        ranges = {field for field, _ in filters} - equal - arrays
        # A range sorts by its field first, where nothing else is asked for.
        sorted_by = [field for field, _ in asked]
        implied = [(field, "ASCENDING") for field in sorted(ranges) if field not in sorted_by]
        orders = [(field, way) for field, way in (*implied, *asked) if field != DOCUMENT_NAME_FIELD]
        yield QueryShape(
            source.collection_id,
            source.all_descendants,
            tuple(sorted(equal - {DOCUMENT_NAME_FIELD})),
            tuple(sorted(arrays)),
            tuple((field, way) for field, way in orders if field not in equal),
        )


def _alternatives(where: Any) -> list[list[tuple[str, str]]]:
    """Return the filters of each alternative, each a field and what it must be."""
    if where.field_filter:
        return [[(where.field_filter.field.field_path, where.field_filter.op.name)]]
    if where.unary_filter:
        return [[(where.unary_filter.field.field_path, where.unary_filter.op.name)]]
    if not where.composite_filter:
        return [[]]
    parts = [_alternatives(part) for part in where.composite_filter.filters]
    if where.composite_filter.op.name == "OR":
        return [filters for part in parts for filters in part]
    return [[pair for filters in chosen for pair in filters] for chosen in product(*parts)]
