"""The rules by which Firestore requires an index for a query, case by case."""

import json
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient, AsyncQuery
from google.cloud.firestore_v1.base_query import FieldFilter, Or

from tests.support.firestore_indexes import DeclaredIndexes, QueryShape, query_shapes
from tests.support.query_recorder import INDEXES, missing_indexes

CLIENT = AsyncClient(project="shapes", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
COLLECTION = CLIENT.collection("restaurants/r/reservations")
COLLECTION_GROUP = CLIENT.collection_group("reservations")
NOTHING = DeclaredIndexes([], {})


def index(*fields: tuple[str, str], group: bool = False) -> DeclaredIndexes:
    """Return a declaration with one composite index of reservations."""
    rows = [{"fieldPath": field, "order": way} for field, way in fields]
    scope = "COLLECTION_GROUP" if group else "COLLECTION"
    return DeclaredIndexes(
        [{"collectionGroup": "reservations", "queryScope": scope, "fields": rows}], {}
    )


def shape_of(query: AsyncQuery) -> QueryShape:
    [shape] = query_shapes(query._to_protobuf())
    return shape


def equal(field: str) -> FieldFilter:
    return FieldFilter(field, "==", 1)


UP, DOWN = "ASCENDING", "DESCENDING"
DAY = COLLECTION.where(filter=equal("a")).order_by("b", direction=DOWN)


@pytest.mark.parametrize(
    "query",
    [
        COLLECTION.order_by("__name__"),
        COLLECTION.where(filter=equal("a")),
        COLLECTION.where(filter=equal("a")).where(filter=equal("b")),
        COLLECTION.where(filter=FieldFilter("a", ">", 1)).where(filter=FieldFilter("a", "<", 9)),
        COLLECTION.order_by("a", direction=DOWN).order_by("__name__", direction=DOWN),
        COLLECTION.where(filter=FieldFilter("a", "array_contains", 1)),
        COLLECTION_GROUP.order_by("__name__"),
    ],
)
def test_a_single_field_query_uses_the_default_index(query: AsyncQuery) -> None:
    assert NOTHING.missing_index(shape_of(query)) is None


@pytest.mark.parametrize(
    "query",
    [
        DAY,
        COLLECTION.where(filter=equal("a")).where(filter=FieldFilter("b", ">", 1)),
        COLLECTION.order_by("a").order_by("b"),
        COLLECTION.where(filter=FieldFilter("a", "array_contains", 1)).order_by("b"),
    ],
)
def test_a_query_over_several_fields_requires_a_composite_index(query: AsyncQuery) -> None:
    assert "no composite index" in str(NOTHING.missing_index(shape_of(query)))


@pytest.mark.parametrize(
    "query", [COLLECTION_GROUP.where(filter=equal("a")), COLLECTION_GROUP.order_by("a")]
)
def test_a_collection_group_query_requires_a_declared_index(query: AsyncQuery) -> None:
    assert "no COLLECTION_GROUP index of a alone" in str(NOTHING.missing_index(shape_of(query)))


def test_an_index_serves_its_order_and_not_the_reverse_of_it() -> None:
    assert index(("a", UP), ("b", DOWN)).missing_index(shape_of(DAY)) is None
    assert index(("a", DOWN), ("b", DOWN)).missing_index(shape_of(DAY)) is None
    assert index(("a", DOWN), ("b", UP)).missing_index(shape_of(DAY))


def test_an_index_of_another_order_scope_or_field_does_not_serve() -> None:
    two = COLLECTION.where(filter=equal("a")).order_by("b").order_by("c", direction=DOWN)
    assert index(("a", UP), ("b", UP), ("c", UP)).missing_index(shape_of(two))
    assert index(("a", UP), ("b", DOWN), group=True).missing_index(shape_of(DAY))
    assert index(("b", DOWN), ("a", UP)).missing_index(shape_of(DAY))


def test_equality_fields_come_first_in_any_order() -> None:
    query = DAY.where(filter=equal("z"))
    assert index(("z", UP), ("a", UP), ("b", DOWN)).missing_index(shape_of(query)) is None


def test_each_part_of_an_or_needs_its_index() -> None:
    query = COLLECTION.where(filter=Or([equal("a"), equal("c")])).order_by("b")
    indexes = index(("a", UP), ("b", UP))
    shapes = query_shapes(query._to_protobuf())
    assert [indexes.missing_index(shape) is None for shape in shapes] == [True, False]


@pytest.mark.parametrize("field", ["m", "m.inner.most"])
def test_an_exempted_field_serves_no_query_and_neither_does_what_is_within(field: str) -> None:
    exempted = DeclaredIndexes([], {("reservations", "m"): []})
    assert exempted.missing_index(shape_of(COLLECTION.where(filter=equal(field))))


def test_a_field_may_be_indexed_in_a_collection_that_is_exempted_whole() -> None:
    up = [{"order": UP, "queryScope": "COLLECTION"}]
    declared = DeclaredIndexes([], {("reservations", "*"): [], ("reservations", "a"): up})
    range_query = COLLECTION.where(filter=FieldFilter("a", ">", 1))
    assert declared.missing_index(shape_of(range_query)) is None
    assert declared.missing_index(shape_of(COLLECTION.order_by("a", direction=DOWN)))
    assert declared.missing_index(shape_of(COLLECTION.order_by("b")))


def test_the_scheduled_functions_find_their_restaurants() -> None:
    group = CLIENT.collection_group("integrations")
    enabled = group.where(filter=FieldFilter("enabled", "==", value=True))
    assert missing_indexes({shape_of(enabled)}) == []


@pytest.mark.parametrize("position", range(len(json.loads(INDEXES.read_text())["indexes"])))
def test_an_index_removed_from_the_file_is_reported(position: int, tmp_path: Path) -> None:
    declared = json.loads(INDEXES.read_text())
    removed = declared["indexes"].pop(position)
    (tmp_path / "indexes.json").write_text(json.dumps(declared))
    equal_to, contained = (
        tuple(sorted(row["fieldPath"] for row in removed["fields"][:-1] if kind in row))
        for kind in ("order", "arrayConfig")
    )
    last = removed["fields"][-1]
    group = removed["queryScope"] == "COLLECTION_GROUP"
    ways = ((last["fieldPath"], last["order"]),)
    shape = QueryShape(removed["collectionGroup"], group, equal_to, contained, ways)
    assert missing_indexes({shape}) == []
    assert missing_indexes({shape}, tmp_path / "indexes.json")
