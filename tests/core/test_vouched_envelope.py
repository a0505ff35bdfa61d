"""An envelope that a person wants in is dated by its receipt where its own clock ran ahead."""

from datetime import datetime, timedelta

from shared.core.change import Channel, ReservationEvent
from shared.core.envelope import MAX_CLOCK_SKEW, parse_envelope
from tests.statements import envelope_body
from tests.strategies.objects import NOON, ZONE

SECOND = timedelta(seconds=1)


def replayed_event(timestamp: datetime) -> ReservationEvent:
    return parse_envelope(
        envelope_body() | {"timestamp": timestamp.isoformat()},
        "{}",
        rid="555001",
        zone=ZONE,
        received_at=NOON,
        channel=Channel.REPLAY,
        accept_future_timestamp=True,
    )


def test_a_replayed_future_event_has_its_receipt_time() -> None:
    assert replayed_event(NOON + MAX_CLOCK_SKEW + SECOND).version.occurred_at == NOON


def test_a_replayed_event_within_tolerance_has_its_own_time() -> None:
    assert replayed_event(NOON + MAX_CLOCK_SKEW).version.occurred_at == NOON + MAX_CLOCK_SKEW


def test_a_replayed_past_event_has_its_own_time() -> None:
    assert replayed_event(NOON - SECOND).version.occurred_at == NOON - SECOND
