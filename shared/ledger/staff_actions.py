"""Apply the staff's actions: cancel a native reservation, review one that OpenTable does not know.

Each action becomes an event like any other.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from enum import StrEnum

from shared.context import RestaurantContext
from shared.domain.ledger.divergence import (
    ReviewRequest,
    build_review_event,
    find_review_decision,
    is_reviewable,
)
from shared.domain.ledger.document import reservation_state_from_document
from shared.domain.ledger.events import Channel, build_lineup_event
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.field_values import ReservationStatus, canonicalize_text
from shared.domain.normalization.identifiers import (
    OPENTABLE_DOCUMENT_PREFIX,
    ReservationSystem,
    build_reservation_document_id,
)
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError
from shared.firestore.documents import translate_firestore_errors
from shared.ledger.ledger import ApplyResult, Ledger, apply_events


async def cancel_native_reservation(
    restaurant: RestaurantContext,
    document_id: str,
    *,
    user_uid: str,
    reason: str | None,
    idempotency_key: str | None,
) -> ApplyResult:
    """Cancel a reservation; requests of a user with the same idempotency key are one event.

    Raises:
        InvalidEventError: There is no such reservation, or the idempotency key was used with
            another reason.
    """
    suffix = secrets.token_hex(16)
    if idempotency_key is not None:
        key_source = json.dumps([user_uid, idempotency_key])
        suffix = hashlib.sha256(key_source.encode()).hexdigest()[:32]
    event = build_lineup_event(
        document_id,
        event_id=f"staff-{suffix}",
        event_type="staff.cancelled",
        occurred_at=restaurant.context.clock(),
        channel=Channel.STAFF,
        fields={"status": ReservationStatus.CANCELLED.value, "cancellationReason": reason},
        requested_by=user_uid,
    )
    return await Ledger(restaurant, ReservationSystem.LINEUP).apply(event)


class ReviewOutcome(StrEnum):
    """The effect of a decision on one reservation."""

    DECIDED = "decided"
    CHANGED = "changed"  # another decision or reason was stored before
    UNCHANGED = "unchanged"
    NOT_REVIEWABLE = "not_reviewable"
    FAILED = "failed"


async def review_reservations(
    restaurant: RestaurantContext,
    document_ids: Sequence[str],
    request: ReviewRequest,
) -> dict[str, ReviewOutcome]:
    """Decide on reservations; return the outcome by document id.

    One that cannot be decided does not stop the others. The same decision again changes nothing.
    """
    ledger = Ledger(restaurant)
    outcomes = dict.fromkeys(document_ids, ReviewOutcome.NOT_REVIEWABLE)
    # OpenTable's reservations only: native ones have other ids.
    keys = [
        id_.removeprefix(OPENTABLE_DOCUMENT_PREFIX)
        for id_ in outcomes
        if id_.startswith(OPENTABLE_DOCUMENT_PREFIX)
    ]
    with translate_firestore_errors():
        snapshots = await ledger.repository.read(dict.fromkeys(keys, ())) if keys else {}
    events = []
    for key, snapshot in snapshots.items():
        try:
            state = reservation_state_from_document(
                flatten_document(snapshot.stored.document or {})
            )
        except UnreadableDocumentError:
            continue
        outcome = outcomes[build_reservation_document_id(key)] = _compare_with_stored(
            state, request
        )
        if outcome in {ReviewOutcome.DECIDED, ReviewOutcome.CHANGED}:
            event_id = f"staff-{secrets.token_hex(16)}"
            now = restaurant.context.clock()
            events.append(build_review_event(key, state, request, event_id=event_id, now=now))
    results = await apply_events(ledger, events)
    for event, result in zip(events, results, strict=True):
        if not isinstance(result, ApplyResult):
            document_id = build_reservation_document_id(event.external_key)
            outcomes[document_id] = ReviewOutcome.FAILED
    return outcomes


def _compare_with_stored(state: ReservationState, request: ReviewRequest) -> ReviewOutcome:
    if not is_reviewable(state):
        return ReviewOutcome.NOT_REVIEWABLE
    stored_decision = find_review_decision(state)
    if stored_decision is None:
        return ReviewOutcome.DECIDED
    is_same_reason = state.resolve_field("reviewReason") == canonicalize_text(request.reason)
    is_same = is_same_reason and stored_decision == request.decision
    return ReviewOutcome.UNCHANGED if is_same else ReviewOutcome.CHANGED
