"""Apply the staff's decisions on reservations that OpenTable does not know."""

import secrets
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from shared.context import AppContext
from shared.domain.ledger.divergence import (
    ReviewDecision,
    build_review_event,
    find_review_decision,
    is_reviewable,
)
from shared.domain.ledger.document import flatten_document
from shared.domain.ledger.registers import ReservationState, reservation_state_from_document
from shared.domain.normalization.field_values import canonicalize_text
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.settings import IntegrationSettings
from shared.errors import UnreadableDocumentError
from shared.firestore.documents import translate_firestore_errors
from shared.ledger.batch import apply_events
from shared.ledger.ledger import ApplyResult, open_ledger

_DOCUMENT_ID_PREFIX = build_reservation_document_id("")


class ReviewOutcome(StrEnum):
    """The effect of a decision on one reservation."""

    DECIDED = "decided"
    CHANGED = "changed"  # another decision or reason was stored before
    UNCHANGED = "unchanged"
    NOT_REVIEWABLE = "not_reviewable"
    FAILED = "failed"


class ReviewRequest(Struct, frozen=True):
    """A decision on some reservations, with its reason and user."""

    decision: ReviewDecision
    reason: str
    user_uid: str


async def review_reservations(
    context: AppContext,
    settings: IntegrationSettings,
    document_ids: Sequence[str],
    request: ReviewRequest,
) -> dict[str, ReviewOutcome]:
    """Decide on reservations; return the outcome by document id.

    One that cannot be decided does not stop the others. The same decision again changes nothing.
    """
    ledger = open_ledger(context, settings)
    outcomes = dict.fromkeys(document_ids, ReviewOutcome.NOT_REVIEWABLE)
    # OpenTable's reservations only: native ones have other ids.
    keys = [
        id_.removeprefix(_DOCUMENT_ID_PREFIX)
        for id_ in outcomes
        if id_.startswith(_DOCUMENT_ID_PREFIX)
    ]
    with translate_firestore_errors():
        snapshots = await ledger.repository.read(dict.fromkeys(keys, ())) if keys else {}
    events = []
    for key, snapshot in snapshots.items():
        document_id = build_reservation_document_id(key)
        try:
            state = reservation_state_from_document(
                flatten_document(snapshot.stored.document or {})
            )
        except UnreadableDocumentError:
            continue
        if not is_reviewable(state):
            continue
        outcomes[document_id] = _compare_with_stored(state, request)
        if outcomes[document_id] is not ReviewOutcome.UNCHANGED:
            events.append(
                build_review_event(
                    key,
                    state,
                    event_id=f"staff-{secrets.token_hex(16)}",
                    decision=request.decision,
                    reason=request.reason,
                    user_uid=request.user_uid,
                    now=context.clock(),
                )
            )
    results = await apply_events(ledger, events)
    for event, result in zip(events, results, strict=True):
        if not isinstance(result, ApplyResult):
            document_id = build_reservation_document_id(event.external_key)
            outcomes[document_id] = ReviewOutcome.FAILED
    return outcomes


def _compare_with_stored(state: ReservationState, request: ReviewRequest) -> ReviewOutcome:
    stored_decision = find_review_decision(state)
    if stored_decision is None:
        return ReviewOutcome.DECIDED
    is_same_reason = state.resolve_field("reviewReason") == canonicalize_text(request.reason)
    if stored_decision == request.decision and is_same_reason:
        return ReviewOutcome.UNCHANGED
    return ReviewOutcome.CHANGED
