"""What one run found in the webhooks' stead."""

from datetime import timedelta
from typing import Any

from shared.core.missed import MissedWebhooks
from tests.strategies.objects import NOON


def entry(hours: int) -> dict[str, Any]:
    happened = NOON - timedelta(hours=hours)
    return {"changes": {"status": {"from": None, "to": "BOOKED"}}, "occurredAt": happened}


def noted(*hours: int) -> MissedWebhooks:
    missed = MissedWebhooks()
    for each in hours:
        missed.record(entry(each), NOON)
    return missed


def test_nothing_missed_began_at_no_time() -> None:
    assert noted() == MissedWebhooks(0, None)


def test_each_late_change_counts() -> None:
    assert noted(1, 3, 2).count == 3


def test_a_change_whose_webhook_may_still_come_does_not_count() -> None:
    assert noted(0) == MissedWebhooks(0, None)


def test_the_first_of_them_is_known_in_any_order() -> None:
    assert {noted(*order).since for order in ((1, 3, 2), (3, 2, 1))} == {NOON - timedelta(hours=3)}
