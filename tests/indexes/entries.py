"""How many index entries a document costs: what Firestore writes beside it."""

from collections.abc import Mapping
from typing import Any

from tests.indexes.declared import DeclaredIndexes


def count_index_entries(
    declared: DeclaredIndexes, collection: str, document: Mapping[str, Any]
) -> int:
    """Return how many entries a document has in all indexes together.

    A value has one in each index of its field, a list one for each of its different elements, a
    map those of what is in it (Firestore's page on index overview).
    """
    composite = [row for row in declared.composite if row["collectionGroup"] == collection]
    matching = [row for row in composite if all(_has_field(document, one) for one in row["fields"])]
    return len(matching) + _count_field_entries(declared, collection, document, "")


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
