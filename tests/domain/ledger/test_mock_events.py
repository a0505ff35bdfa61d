"""The mock events of the specification give the same document in any order."""

from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from shared.domain.http_messages import parse_strict_json
from tests.strategies.events import event_from_envelope_body
from tests.support.in_memory_ledger import apply_to_memory, flatten_without_write_times

EVENTS = Path(__file__).parents[3] / "sandbox" / "events"
NAMES = ("created", "updated", "cancelled")


def document_after_mock_events(order: Iterable[str]) -> dict[str, Any]:
    bodies = [(EVENTS / f"reservation_{name}.json").read_bytes() for name in order]
    events = [event_from_envelope_body(parse_strict_json(body)) for body in bodies]
    return flatten_without_write_times(apply_to_memory(events, ["entry"]).document)


@pytest.mark.parametrize("order", list(permutations(NAMES)))
def test_any_order_of_the_mock_events_ends_in_the_same_document(order: Iterable[str]) -> None:
    assert document_after_mock_events(order) == document_after_mock_events(NAMES)


def test_the_mock_events_end_cancelled_with_their_start_guest_and_party() -> None:
    expected = {
        "status": "CANCELLED",
        "partySize": 6,
        "startAt": "2026-03-14T23:15:00Z",
        "dinerName": "John Doe",
        "email": "john@example.com",
        "phone": "15551234567",
        "metadata.specialRequests": "Window seat preferred",
    }
    assert document_after_mock_events(NAMES).items() >= expected.items()


def test_the_mock_events_give_the_status_history_in_order() -> None:
    history = document_after_mock_events(NAMES[::-1])["statusHistory"]
    assert [(item["status"], item["eventId"]) for item in history] == [
        ("CONFIRMED", "evt-evt_created_1"),
        ("CONFIRMED", "evt-evt_updated_1"),
        ("CANCELLED", "evt-evt_cancelled_1"),
    ]
