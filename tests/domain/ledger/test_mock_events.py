"""The mock events of the specification give the same document in any order."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from shared.domain.http_messages import parse_strict_json
from tests.strategies.events import event_from_envelope_body
from tests.support.in_memory_ledger import apply_to_memory, flatten_without_write_times

EVENTS = Path(__file__).parents[3] / "sandbox" / "events"
NAMES = ("created", "updated", "cancelled")
ORDERS = list(permutations(NAMES))


def document_after_mock_events(order: tuple[str, ...]) -> dict[str, Any]:
    bodies = [(EVENTS / f"reservation_{name}.json").read_bytes() for name in order]
    return flatten_without_write_times(
        apply_to_memory(
            (event_from_envelope_body(parse_strict_json(b)) for b in bodies), ["entry"]
        ).document
    )


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_the_mock_events_ends_cancelled_with_six_guests(
    order: tuple[str, ...],
) -> None:
    document = document_after_mock_events(order)
    assert (document["status"], document["partySize"]) == ("CANCELLED", 6)


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_the_mock_events_keeps_the_start_and_the_guest(order: tuple[str, ...]) -> None:
    document = document_after_mock_events(order)
    paths = ("startAt", "dinerName", "email", "phone", "metadata.specialRequests")
    assert [document[path] for path in paths] == [
        "2026-03-14T23:15:00Z",
        "John Doe",
        "john@example.com",
        "15551234567",
        "Window seat preferred",
    ]


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_the_mock_events_ends_in_the_same_document(order: tuple[str, ...]) -> None:
    assert document_after_mock_events(order) == document_after_mock_events(NAMES)


def test_the_mock_events_give_the_status_history_in_order() -> None:
    history = document_after_mock_events(NAMES[::-1])["statusHistory"]
    assert [(item["status"], item["eventId"]) for item in history] == [
        ("CONFIRMED", "evt-evt_created_1"),
        ("CONFIRMED", "evt-evt_updated_1"),
        ("CANCELLED", "evt-evt_cancelled_1"),
    ]
