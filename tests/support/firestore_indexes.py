"""Check queries against `firestore.indexes.json`, and count a document's index entries.

The rules are Firestore's (pages on index overview and queries). A filter on one field uses the
field's own index: by default in a collection, only if declared in a collection group. Several
equality filters merge single-field indexes. Any other query needs a composite index with the
equality fields first, in any order, then the sort fields in order. No index is read backwards.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Self

from google.cloud.firestore_v1.types import StructuredQuery

DOCUMENT_NAME_FIELD = "__name__"
_EQUALITY_OPERATORS = {"EQUAL", "IN", "IS_NULL", "IS_NAN"}
_ARRAY_OPERATORS = {"ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY"}


@dataclass(frozen=True, slots=True, order=True)
class QueryShape:
    """One alternative of a query; an OR has several.

    `orders` are the sort fields with their direction, including range fields, without the
    document's name.
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
        # Without an order, a range sorts by its field first.
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
    """Return the filters of each alternative."""
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


_DEFAULT_INDEXES = (
    {"order": "ASCENDING", "queryScope": "COLLECTION"},
    {"order": "DESCENDING", "queryScope": "COLLECTION"},
    {"arrayConfig": "CONTAINS", "queryScope": "COLLECTION"},
)


@dataclass(frozen=True, slots=True)
class DeclaredIndexes:
    """The composite indexes and single-field overrides of the file."""

    composite: list[dict[str, Any]]
    fields: Mapping[tuple[str, str], list[dict[str, Any]]]

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the file."""
        content = json.loads(file.read_text())
        rows = content["fieldOverrides"]
        fields = {(row["collectionGroup"], row["fieldPath"]): row["indexes"] for row in rows}
        return cls(content["indexes"], fields)

    def missing_index(self, shape: QueryShape) -> str | None:
        """Return a query's missing index as text, or None."""
        sorted_or_searched = len(shape.orders) + len(shape.arrays)
        if not shape.equal and not sorted_or_searched:
            return None
        if not sorted_or_searched or (not shape.equal and sorted_or_searched == 1):
            return self._missing_single_field_index(shape)
        if any(self._serves(index, shape) for index in self.composite):
            return None
        return f"no composite index for {shape}"

    def single_field_indexes(self, collection: str, field: str) -> list[dict[str, Any]]:
        """Return the indexes of a single field; fields inside a map inherit the map's."""
        parts = field.split(".")
        for length in range(len(parts), 0, -1):
            indexes = self.fields.get((collection, ".".join(parts[:length])))
            if indexes is not None:
                return indexes
        return self.fields.get((collection, "*"), list(_DEFAULT_INDEXES))

    def _missing_single_field_index(self, shape: QueryShape) -> str | None:
        scope = "COLLECTION_GROUP" if shape.group else "COLLECTION"
        required = [(field, {"order": "ASCENDING"}) for field in shape.equal]
        required += [(field, {"arrayConfig": "CONTAINS"}) for field in shape.arrays]
        required += [(field, {"order": way}) for field, way in shape.orders]
        for field, kind in required:
            if {**kind, "queryScope": scope} not in self.single_field_indexes(
                shape.collection, field
            ):
                return f"no {scope} index of {field} alone for {shape}"
        return None

    @staticmethod
    def _serves(index: Mapping[str, Any], shape: QueryShape) -> bool:
        scope = "COLLECTION_GROUP" if shape.group else "COLLECTION"
        if (index["collectionGroup"], index["queryScope"]) != (shape.collection, scope):
            return False
        first = len(shape.equal) + len(shape.arrays)
        head, tail = index["fields"][:first], index["fields"][first:]
        ways = [(row["fieldPath"], row.get("order")) for row in tail]
        return (
            {row["fieldPath"] for row in head if "order" in row} == set(shape.equal)
            and {row["fieldPath"] for row in head if "arrayConfig" in row} == set(shape.arrays)
            and list(shape.orders) == ways
        )


def count_index_entries(
    declared: DeclaredIndexes, collection: str, document: Mapping[str, Any]
) -> int:
    """Return a document's number of index entries.

    A value has one entry in each index of its field, a list one per distinct element, a map those
    of its content (Firestore's page on index overview).
    """
    composite = [row for row in declared.composite if row["collectionGroup"] == collection]
    matching = [row for row in composite if all(_has_field(document, one) for one in row["fields"])]
    # A composite index has an entry per element of its list.
    composite_entries = sum(
        prod(
            len(set(document[field["fieldPath"]]))
            for field in row["fields"]
            if "arrayConfig" in field
        )
        for row in matching
    )
    return composite_entries + _count_field_entries(declared, collection, document, "")


def _count_field_entries(declared: DeclaredIndexes, collection: str, value: Any, path: str) -> int:
    if isinstance(value, Mapping):
        inner = ((f"{path}.{name}".lstrip("."), part) for name, part in value.items())
        return sum(_count_field_entries(declared, collection, part, name) for name, part in inner)
    indexes = declared.single_field_indexes(collection, path)
    if isinstance(value, list):
        return len({str(one) for one in value}) * sum("arrayConfig" in row for row in indexes)
    return sum("order" in row for row in indexes)


def _has_field(document: Mapping[str, Any], field: Mapping[str, str]) -> bool:
    return field["fieldPath"] in document
