"""An envelope that a person wants in is dated by its receipt where its own clock ran ahead."""

from datetime import datetime, timedelta

from shared.core.change import Channel, ReservationEvent
from shared.core.envelope import MAX_CLOCK_SKEW, parse_envelope
from tests.statements import envelope
from tests.strategies.objects import NOON, ZONE

SECOND = timedelta(seconds=1)


def vouched(timestamp: datetime) -> ReservationEvent:
    return parse_envelope(
        envelope() | {"timestamp": timestamp.isoformat()},
        "{}",
        rid="555001",
        zone=ZONE,
        received_at=NOON,
        channel=Channel.REPLAY,
        accept_future_timestamp=True,
    )


def test_one_from_ahead_is_dated_by_its_receipt() -> None:
    assert vouched(NOON + MAX_CLOCK_SKEW + SECOND).version.occurred_at == NOON


def test_one_within_the_tolerance_keeps_its_own_time() -> None:
    assert vouched(NOON + MAX_CLOCK_SKEW).version.occurred_at == NOON + MAX_CLOCK_SKEW


def test_one_from_before_keeps_its_own_time() -> None:
    assert vouched(NOON - SECOND).version.occurred_at == NOON - SECOND
