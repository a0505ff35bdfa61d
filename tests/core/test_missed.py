from datetime import timedelta

import pytest

from shared.core.missed import is_missed_webhook
from tests.strategies.objects import NOON

LATE = timedelta(minutes=5, seconds=1)


def missed(field: str, age: timedelta) -> bool:
    entry = {"changes": {field: {"from": None, "to": 1}}, "occurredAt": NOON - age}
    return is_missed_webhook(entry, NOON)


@pytest.mark.parametrize("field", ["status", "startAt", "partySize"])
def test_a_status_a_time_and_a_party_are_missed(field: str) -> None:
    assert missed(field, LATE)


@pytest.mark.parametrize("field", ["source.state", "metadata.server", "localDate"])
def test_nothing_else_is_missed(field: str) -> None:
    assert not missed(field, LATE)


def test_a_change_whose_webhook_may_still_come_is_not_missed() -> None:
    assert not missed("status", timedelta(minutes=5))
