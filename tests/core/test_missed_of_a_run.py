"""What one run found in the webhooks' stead."""

from datetime import timedelta
from typing import Any

from shared.core.missed import MissedWebhooks
from tests.strategies.objects import NOON


def entry(hours: int) -> dict[str, Any]:
    happened = NOON - timedelta(hours=hours)
    return {"changes": {"status": {"from": None, "to": "BOOKED"}}, "occurredAt": happened}


def count_missed(*hours: int) -> MissedWebhooks:
    missed = MissedWebhooks()
    for each in hours:
        missed.record(entry(each), NOON)
    return missed


def test_without_missed_changes_there_is_no_start_time() -> None:
    assert count_missed() == MissedWebhooks(0, None)


def test_each_late_change_counts() -> None:
    assert count_missed(1, 3, 2).count == 3


def test_a_recent_change_does_not_count() -> None:
    assert count_missed(0) == MissedWebhooks(0, None)


def test_the_earliest_missed_change_is_found_in_any_order() -> None:
    assert {count_missed(*order).since for order in ((1, 3, 2), (3, 2, 1))} == {
        NOON - timedelta(hours=3)
    }
