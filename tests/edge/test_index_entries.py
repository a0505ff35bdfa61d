"""What the exemptions save is what the page says."""

from typing import Any

from dev.bootstrap import ROOT
from shared.edge.ledger import Ledger
from tests.indexes.declared import Declared
from tests.indexes.entries import entries
from tests.indexes.recording import INDEXES
from tests.page import Page
from tests.statements import relayed, shown

DECLARED = Declared.read(INDEXES)
BARE = Declared(DECLARED.composite, {})
UP = {"order": "ASCENDING", "queryScope": "COLLECTION"}


def counted(collection: str, document: dict[str, Any]) -> str:
    """Return a row of the page."""
    before, after = (entries(one, collection, document) for one in (BARE, DECLARED))
    return f"{before} | {after}"


async def test_the_page_tells_what_a_document_costs_in_index_entries(
    ledger: Ledger, page: Page
) -> None:
    await ledger.apply(relayed())
    await ledger.apply(shown(7))
    document, journal = await page.document(), await page.journal()
    told = (ROOT / "docs" / "data-model.md").read_text()
    assert f"| a reservation | {counted('reservations', document)} |" in told
    assert f"| its journal entry | {counted('ledgerEvents', journal['seq-7'])} |" in told


def test_a_value_counts_in_each_index_of_its_field() -> None:
    assert entries(Declared([], {}), "c", {"a": 1, "b": None}) == 4
    assert entries(Declared([], {("c", "a"): [UP]}), "c", {"a": 1}) == 1


def test_a_list_counts_each_different_element() -> None:
    assert entries(Declared([], {}), "c", {"a": ["x", "y", "x"]}) == 2


def test_a_map_counts_what_is_in_it_and_nothing_where_it_is_exempted() -> None:
    document = {"m": {"a": 1, "b": {"c": [1]}}}
    assert entries(Declared([], {}), "c", document) == 3
    assert entries(Declared([], {("c", "m"): []}), "c", document) == 0


def test_a_composite_index_counts_where_the_document_has_its_fields() -> None:
    fields = [{"fieldPath": "a", "order": "ASCENDING"}, {"fieldPath": "b", "order": "ASCENDING"}]
    row = {"collectionGroup": "c", "queryScope": "COLLECTION", "fields": fields}
    assert entries(Declared([row], {("c", "*"): []}), "c", {"a": 1, "b": 2}) == 1
    assert entries(Declared([row], {("c", "*"): []}), "c", {"a": 1}) == 0
