"""Firestore's rule of which query needs which index, case by case."""

import json
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient, AsyncQuery
from google.cloud.firestore_v1.base_query import FieldFilter, Or

from tests.indexes.declared import Declared
from tests.indexes.recording import INDEXES, lacking
from tests.indexes.shape import Shape, shapes

CLIENT = AsyncClient(project="shapes", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
PLACE = CLIENT.collection("restaurants/r/reservations")
GROUP = CLIENT.collection_group("reservations")
NOTHING = Declared([], {})


def index(*fields: tuple[str, str], group: bool = False) -> Declared:
    """Return a declaration of one composite index of reservations."""
    rows = [{"fieldPath": field, "order": way} for field, way in fields]
    scope = "COLLECTION_GROUP" if group else "COLLECTION"
    return Declared([{"collectionGroup": "reservations", "queryScope": scope, "fields": rows}], {})


def shape_of(query: AsyncQuery) -> Shape:
    [shape] = shapes(query._to_protobuf())
    return shape


def equal(field: str) -> FieldFilter:
    return FieldFilter(field, "==", 1)


UP, DOWN = "ASCENDING", "DESCENDING"
DAY = PLACE.where(filter=equal("a")).order_by("b", direction=DOWN)


@pytest.mark.parametrize(
    "query",
    [
        PLACE.order_by("__name__"),
        PLACE.where(filter=equal("a")),
        PLACE.where(filter=equal("a")).where(filter=equal("b")),
        PLACE.where(filter=FieldFilter("a", ">", 1)).where(filter=FieldFilter("a", "<", 9)),
        PLACE.order_by("a", direction=DOWN).order_by("__name__", direction=DOWN),
        PLACE.where(filter=FieldFilter("a", "array_contains", 1)),
        GROUP.order_by("__name__"),
    ],
)
def test_what_a_single_fields_own_index_serves_lacks_nothing(query: AsyncQuery) -> None:
    assert NOTHING.lacks(shape_of(query)) is None


@pytest.mark.parametrize(
    "query",
    [
        DAY,
        PLACE.where(filter=equal("a")).where(filter=FieldFilter("b", ">", 1)),
        PLACE.order_by("a").order_by("b"),
        PLACE.where(filter=FieldFilter("a", "array_contains", 1)).order_by("b"),
    ],
)
def test_what_mixes_fields_lacks_a_composite_index(query: AsyncQuery) -> None:
    assert "no composite index" in str(NOTHING.lacks(shape_of(query)))


@pytest.mark.parametrize("query", [GROUP.where(filter=equal("a")), GROUP.order_by("a")])
def test_a_group_lacks_an_index_that_is_not_declared_for_it(query: AsyncQuery) -> None:
    assert "no COLLECTION_GROUP index of a alone" in str(NOTHING.lacks(shape_of(query)))


def test_an_index_serves_its_order_and_not_the_reverse_of_it() -> None:
    assert index(("a", UP), ("b", DOWN)).lacks(shape_of(DAY)) is None
    assert index(("a", DOWN), ("b", DOWN)).lacks(shape_of(DAY)) is None
    assert index(("a", DOWN), ("b", UP)).lacks(shape_of(DAY))


def test_an_index_of_another_order_scope_or_field_does_not_serve() -> None:
    two = PLACE.where(filter=equal("a")).order_by("b").order_by("c", direction=DOWN)
    assert index(("a", UP), ("b", UP), ("c", UP)).lacks(shape_of(two))
    assert index(("a", UP), ("b", DOWN), group=True).lacks(shape_of(DAY))
    assert index(("b", DOWN), ("a", UP)).lacks(shape_of(DAY))


def test_equal_fields_stand_first_in_any_order() -> None:
    query = DAY.where(filter=equal("z"))
    assert index(("z", UP), ("a", UP), ("b", DOWN)).lacks(shape_of(query)) is None


def test_each_part_of_an_or_needs_its_index() -> None:
    query = PLACE.where(filter=Or([equal("a"), equal("c")])).order_by("b")
    found = index(("a", UP), ("b", UP))
    assert [found.lacks(shape) is None for shape in shapes(query._to_protobuf())] == [True, False]


@pytest.mark.parametrize("field", ["m", "m.inner.most"])
def test_an_exempted_field_serves_no_query_and_neither_does_what_is_within(field: str) -> None:
    exempted = Declared([], {("reservations", "m"): []})
    assert exempted.lacks(shape_of(PLACE.where(filter=equal(field))))


def test_a_field_may_be_indexed_in_a_collection_that_is_exempted_whole() -> None:
    up = [{"order": UP, "queryScope": "COLLECTION"}]
    declared = Declared([], {("reservations", "*"): [], ("reservations", "a"): up})
    assert declared.lacks(shape_of(PLACE.where(filter=FieldFilter("a", ">", 1)))) is None
    assert declared.lacks(shape_of(PLACE.order_by("a", direction=DOWN)))
    assert declared.lacks(shape_of(PLACE.order_by("b")))


def test_the_scheduled_functions_find_their_restaurants() -> None:
    group = CLIENT.collection_group("integrations")
    assert lacking({shape_of(group.where(filter=FieldFilter("enabled", "==", value=True)))}) == []


@pytest.mark.parametrize("position", range(4))
def test_an_index_taken_out_of_the_file_is_missed(position: int, tmp_path: Path) -> None:
    told = json.loads(INDEXES.read_text())
    taken = told["indexes"].pop(position)
    (tmp_path / "indexes.json").write_text(json.dumps(told))
    equal_to = [row["fieldPath"] for row in taken["fields"][:-1]]
    last = taken["fields"][-1]
    group = taken["queryScope"] == "COLLECTION_GROUP"
    ways = ((last["fieldPath"], last["order"]),)
    shape = Shape(taken["collectionGroup"], group, tuple(sorted(equal_to)), (), ways)
    assert lacking({shape}) == []
    assert lacking({shape}, tmp_path / "indexes.json")
