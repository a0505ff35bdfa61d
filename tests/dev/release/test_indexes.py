"""A release knows which indexes its code needs and which of them are built."""

import json
from typing import Any

import pytest

from dev.bootstrap import ROOT
from dev.release.indexes import find_unbuilt_indexes

INDEXES = json.loads((ROOT / "firestore.indexes.json").read_text())
GROUPS = "projects/p/databases/(default)/collectionGroups"
START_AT = {"fieldPath": "startAt", "order": "ASCENDING"}
LOCAL_DATE = {"fieldPath": "localDate", "order": "ASCENDING"}
NAME = {"fieldPath": "__name__", "order": "ASCENDING"}
UID = {"fieldPath": "uid", "order": "ASCENDING"}
BY_DAY = {"queryScope": "COLLECTION", "fields": [LOCAL_DATE, START_AT]}
BY_UID = {"queryScope": "COLLECTION_GROUP", "order": "ASCENDING"}
WANTED = {
    "indexes": [{"collectionGroup": "reservations", **BY_DAY}],
    "fieldOverrides": [
        {"collectionGroup": "staff", "fieldPath": "uid", "indexes": [BY_UID]},
        {"collectionGroup": "staff", "fieldPath": "addedAt", "indexes": []},
    ],
}


def composite(group: str, *fields: dict[str, str], state: str = "READY") -> dict[str, Any]:
    """Return a composite index as gcloud prints it."""
    return {
        "name": f"{GROUPS}/{group}/indexes/1",
        "queryScope": "COLLECTION",
        "fields": [*fields, NAME],
        "state": state,
    }


def single(state: str = "READY", scope: str = "COLLECTION_GROUP") -> dict[str, Any]:
    """Return the field `uid` with an index as gcloud prints it."""
    index = {"queryScope": scope, "fields": [UID], "state": state}
    return {"name": f"{GROUPS}/staff/fields/uid", "indexConfig": {"indexes": [index]}}


BUILT = composite("reservations", LOCAL_DATE, START_AT)


def test_built_indexes_are_not_listed() -> None:
    assert list(find_unbuilt_indexes(WANTED, [BUILT], [single()])) == []


@pytest.mark.parametrize(
    "indexes,state",
    [
        pytest.param([], "missing", id="absent"),
        pytest.param([{**BUILT, "state": "CREATING"}], "CREATING", id="building"),
        pytest.param([composite("reservations", START_AT, LOCAL_DATE)], "missing", id="order"),
        pytest.param([composite("orders", LOCAL_DATE, START_AT)], "missing", id="collection"),
    ],
)
def test_a_composite_index_that_is_not_built_is_listed(
    indexes: list[dict[str, Any]], state: str
) -> None:
    line = f"reservations (localDate, startAt): {state}"
    assert list(find_unbuilt_indexes(WANTED, indexes, [single()])) == [line]


@pytest.mark.parametrize(
    "fields,state",
    [
        pytest.param([], "missing", id="absent"),
        pytest.param([single("CREATING")], "CREATING", id="building"),
        pytest.param([single(scope="COLLECTION")], "missing", id="scope"),
    ],
)
def test_an_index_of_a_field_that_is_not_built_is_listed(
    fields: list[dict[str, Any]], state: str
) -> None:
    assert list(find_unbuilt_indexes(WANTED, [BUILT], fields)) == [f"staff (uid): {state}"]


def test_an_index_of_other_software_is_ignored() -> None:
    other = composite("orders", START_AT, state="CREATING")
    assert list(find_unbuilt_indexes(WANTED, [BUILT, other], [single()])) == []


def test_every_index_of_the_file_is_needed() -> None:
    count = len(INDEXES["indexes"]) + sum(len(row["indexes"]) for row in INDEXES["fieldOverrides"])
    assert len(list(find_unbuilt_indexes(INDEXES, [], []))) == count > 6
