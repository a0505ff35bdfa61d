"""An envelope that a person wants in is dated by its receipt where its own clock ran ahead."""

from datetime import datetime, timedelta

from shared.core.change import Change, Source
from shared.core.envelope import CLOCK_TOLERANCE, change_from_envelope
from tests.statements import envelope
from tests.strategies.objects import NOON, ZONE

SECOND = timedelta(seconds=1)


def vouched(timestamp: datetime) -> Change:
    return change_from_envelope(
        envelope() | {"timestamp": timestamp.isoformat()},
        "{}",
        rid="555001",
        zone=ZONE,
        received_at=NOON,
        source=Source.REPLAY,
        vouched=True,
    )


def test_one_from_ahead_is_dated_by_its_receipt() -> None:
    assert vouched(NOON + CLOCK_TOLERANCE + SECOND).version.at == NOON


def test_one_within_the_tolerance_keeps_its_own_time() -> None:
    assert vouched(NOON + CLOCK_TOLERANCE).version.at == NOON + CLOCK_TOLERANCE


def test_one_from_before_keeps_its_own_time() -> None:
    assert vouched(NOON - SECOND).version.at == NOON - SECOND
