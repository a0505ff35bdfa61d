"""The times of creation, update and reconciliation in a document."""

from typing import Any

from shared.domain.ledger.events import ReservationEvent
from tests.support.events import envelope_event, row_event
from tests.support.in_memory_ledger import InMemoryLedger, ledger_with


def document_and_ledger(*events: ReservationEvent) -> tuple[dict[str, Any], InMemoryLedger]:
    ledger = ledger_with(*events)
    return ledger.document or {}, ledger


def test_a_new_document_was_created_and_updated_at_its_receipt() -> None:
    document, ledger = document_and_ledger(envelope_event())
    assert document["createdAt"] == document["updatedAt"] == ledger.write_context.now


def test_an_update_leaves_the_time_of_creation() -> None:
    document, ledger = document_and_ledger(envelope_event(), row_event(1))
    assert document["createdAt"] < document["updatedAt"] == ledger.write_context.now


def test_without_a_write_no_time_changes() -> None:
    document, ledger = document_and_ledger(row_event(2), row_event(1, state=None))
    assert document["updatedAt"] < ledger.write_context.now


def test_a_relay_creation_has_no_reconciliation_time() -> None:
    document, _ = document_and_ledger(envelope_event())
    assert document["reconciliation"]["lastReconciledAt"] is None


def test_an_opentable_event_sets_the_reconciliation_time() -> None:
    document, ledger = document_and_ledger(envelope_event(), row_event(1))
    assert document["reconciliation"]["lastReconciledAt"] == ledger.write_context.now


def test_a_relay_update_keeps_the_reconciliation_time() -> None:
    document, ledger = document_and_ledger(row_event(1), envelope_event("updated", dinerName="Ada"))
    assert document["reconciliation"]["lastReconciledAt"] < document["updatedAt"]
    assert document["updatedAt"] == ledger.write_context.now
