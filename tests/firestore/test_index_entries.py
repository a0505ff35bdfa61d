"""The documented numbers of index entries equal the declared indexes."""

from typing import Any

from dev.bootstrap import ROOT
from shared.ledger.ledger import Ledger
from tests.support.events import envelope_event, row_event
from tests.support.firestore_indexes import DeclaredIndexes, count_index_entries
from tests.support.ledger import StoredLedger
from tests.support.query_recorder import INDEXES

DECLARED = DeclaredIndexes.read(INDEXES)
NO_INDEXES_DECLARED = DeclaredIndexes(DECLARED.composite, {})
UP = {"order": "ASCENDING", "queryScope": "COLLECTION"}


def count_entries_row(collection: str, document: dict[str, Any]) -> str:
    """Return the documented row of a collection."""
    before, after = (
        count_index_entries(one, collection, document) for one in (NO_INDEXES_DECLARED, DECLARED)
    )
    return f"{before} | {after}"


async def test_the_documented_index_entry_counts_are_correct(
    ledger: Ledger, stored_ledger: StoredLedger
) -> None:
    await ledger.apply(envelope_event())
    await ledger.apply(row_event(7))
    document, journal = await stored_ledger.document(), await stored_ledger.journal()
    page = (ROOT / "docs" / "data-model.md").read_text()
    assert f"| a reservation | {count_entries_row('reservations', document)} |" in page
    assert f"| its journal entry | {count_entries_row('ledgerEvents', journal['seq-7'])} |" in page


def test_a_value_counts_once_per_index_of_its_field() -> None:
    assert count_index_entries(DeclaredIndexes([], {}), "c", {"a": 1, "b": None}) == 4
    assert count_index_entries(DeclaredIndexes([], {("c", "a"): [UP]}), "c", {"a": 1}) == 1


def test_a_list_counts_each_different_element() -> None:
    assert count_index_entries(DeclaredIndexes([], {}), "c", {"a": ["x", "y", "x"]}) == 2


def test_a_map_counts_what_is_in_it_and_nothing_where_it_is_exempted() -> None:
    document = {"m": {"a": 1, "b": {"c": [1]}}}
    assert count_index_entries(DeclaredIndexes([], {}), "c", document) == 3
    assert count_index_entries(DeclaredIndexes([], {("c", "m"): []}), "c", document) == 0


def test_a_composite_index_counts_where_the_document_has_its_fields() -> None:
    fields = [{"fieldPath": "a", "order": "ASCENDING"}, {"fieldPath": "b", "order": "ASCENDING"}]
    row = {"collectionGroup": "c", "queryScope": "COLLECTION", "fields": fields}
    assert count_index_entries(DeclaredIndexes([row], {("c", "*"): []}), "c", {"a": 1, "b": 2}) == 1
    assert count_index_entries(DeclaredIndexes([row], {("c", "*"): []}), "c", {"a": 1}) == 0
