"""Let the staff keep or remove a reservation that OpenTable does not know.

A decision is about one flagged divergence. It ends with the next version of OpenTable's, or when a
reconciliation finds the reservation at OpenTable again. Nothing is ever deleted.
"""

from datetime import datetime
from enum import StrEnum

from shared.domain.ledger.document import find_open_divergence, format_opentable_version
from shared.domain.ledger.events import Actor, Channel, ReservationEvent, Version
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.field_values import canonicalize_text

MISSING_DIVERGENCE = "MISSING_IN_OPENTABLE"


class ReviewDecision(StrEnum):
    """What the staff decided about a reservation that OpenTable does not know."""

    KEPT = "KEPT"
    REMOVED = "REMOVED"


def is_reviewable(state: ReservationState) -> bool:
    """Whether the staff may decide: only about reservations that OpenTable does not know."""
    return find_open_divergence(state) == MISSING_DIVERGENCE


def build_review_event(  # noqa: PLR0913 -- keywords at the call name them
    external_key: str,
    state: ReservationState,
    *,
    event_id: str,
    decision: ReviewDecision,
    reason: str,
    user_uid: str,
    now: datetime,
) -> ReservationEvent:
    """Return the event of a decision."""
    return ReservationEvent(
        external_key=external_key,
        event_id=event_id,
        event_type=f"staff.{decision.lower()}",
        actor=Actor.LINEUP,
        version=Version.from_timestamp(state.next_timestamp(Actor.LINEUP, now), event_id),
        fields={
            "reviewDecision": decision.value,
            "reviewVersion": format_opentable_version(state),
            "reviewReason": canonicalize_text(reason),
        },
        payload="{}",
        channel=Channel.STAFF,
        requested_by=user_uid,
    )
