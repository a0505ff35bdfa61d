"""What `firestore.indexes.json` declares, and whether a query finds its index there.

The rules are Firestore's (its pages on index overview and on queries):
one field alone uses that field's own index, which exists by default in a collection, in both
directions, and in a collection group only where it is declared; several fields that must each equal
something are merged from their own indexes; anything else needs a composite index with the
equal fields first, in any order, then the sorted ones in theirs; none is read backwards.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.indexes.shape import QueryShape

_DEFAULT_INDEXES = (
    {"order": "ASCENDING", "queryScope": "COLLECTION"},
    {"order": "DESCENDING", "queryScope": "COLLECTION"},
    {"arrayConfig": "CONTAINS", "queryScope": "COLLECTION"},
)


@dataclass(frozen=True, slots=True)
class DeclaredIndexes:
    """The declared indexes.

    Attributes:
        composite: The composite ones, as in the file.
        fields: The indexes of single fields that are not the default, by collection and field.
    """

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
        """Return what a query lacks, in words; None where it finds its index."""
        sorted_or_searched = len(shape.orders) + len(shape.arrays)
        if not shape.equal and not sorted_or_searched:
            return None
        if not sorted_or_searched or (not shape.equal and sorted_or_searched == 1):
            return self._missing_single_field_index(shape)
        if any(self._serves(index, shape) for index in self.composite):
            return None
        return f"no composite index for {shape}"

    def single_field_indexes(self, collection: str, field: str) -> list[dict[str, Any]]:
        """Return the indexes of one field alone; a map's inner fields have the map's."""
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
