from datetime import timedelta

import pytest

from shared.core.missed import is_missed_webhook
from tests.strategies.objects import NOON

LATE = timedelta(minutes=5, seconds=1)


def is_counted(field: str, age: timedelta) -> bool:
    entry = {"changes": {field: {"from": None, "to": 1}}, "occurredAt": NOON - age}
    return is_missed_webhook(entry, NOON)


@pytest.mark.parametrize("field", ["status", "startAt", "partySize"])
def test_status_time_and_party_changes_count_as_missed(field: str) -> None:
    assert is_counted(field, LATE)


@pytest.mark.parametrize("field", ["source.state", "metadata.server", "localDate"])
def test_other_changes_do_not_count_as_missed(field: str) -> None:
    assert not is_counted(field, LATE)


def test_a_recent_change_is_not_missed() -> None:
    assert not is_counted("status", timedelta(minutes=5))
