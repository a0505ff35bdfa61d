from typing import Any

from shared.core.change import ReservationEvent
from tests.core.memory_ledger import MemoryLedger, ledger_of
from tests.statements import relayed, shown


def dated(*changes: ReservationEvent) -> tuple[dict[str, Any], MemoryLedger]:
    ledger = ledger_of(*changes)
    return ledger.document or {}, ledger


def test_a_new_document_was_created_and_updated_at_its_receipt() -> None:
    document, ledger = dated(relayed())
    assert document["createdAt"] == document["updatedAt"] == ledger.writing.now


def test_an_update_leaves_the_time_of_creation() -> None:
    document, ledger = dated(relayed(), shown(1))
    assert document["createdAt"] < document["updatedAt"] == ledger.writing.now


def test_where_nothing_is_written_nothing_is_dated() -> None:
    document, ledger = dated(shown(2), shown(1, state=None))
    assert document["updatedAt"] < ledger.writing.now


def test_a_relays_creation_was_never_reconciled() -> None:
    document, _ = dated(relayed())
    assert document["reconciliation"]["lastReconciledAt"] is None


def test_opentables_word_reconciles_now() -> None:
    document, ledger = dated(relayed(), shown(1))
    assert document["reconciliation"]["lastReconciledAt"] == ledger.writing.now


def test_a_relays_update_leaves_the_time_of_reconciliation() -> None:
    document, ledger = dated(shown(1), relayed("updated", dinerName="Ada"))
    assert document["reconciliation"]["lastReconciledAt"] < document["updatedAt"]
    assert document["updatedAt"] == ledger.writing.now
