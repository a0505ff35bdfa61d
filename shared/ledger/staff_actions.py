"""Apply the actions of staff and operators: cancel, review, and rebuild from the journal.

A cancellation or a decision becomes an event like any other. A rebuild makes a missing or damaged
document agree with its journal.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from enum import StrEnum
from functools import partial

from msgspec import Struct

from shared.concurrency import gather_bounded
from shared.context import RestaurantContext
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.divergence import (
    ReviewRequest,
    build_review_event,
    find_review_decision,
    is_reviewable,
)
from shared.domain.ledger.document import reservation_state_from_document
from shared.domain.ledger.events import Channel, EventOutcome, build_lineup_event
from shared.domain.ledger.guest_link import guest_references_from_document
from shared.domain.ledger.rebuild import decide_rebuild
from shared.domain.ledger.registers import GuestRequired, ReservationState
from shared.domain.normalization.field_values import ReservationStatus, canonicalize_text
from shared.domain.normalization.identifiers import (
    OPENTABLE_DOCUMENT_PREFIX,
    ReservationSystem,
    build_reservation_document_id,
)
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.documents import (
    QUERY_TIMEOUT_SECONDS,
    retry_on_conflict,
    translate_firestore_errors,
)
from shared.ledger.ledger import ApplyResult, Ledger, apply_events
from shared.ledger.repository import ConditionalWrite

_MAX_CONCURRENT_REBUILDS = 8


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


class RebuildResult(Struct, frozen=True):
    """What a rebuild found and wrote for one reservation.

    Attributes:
        outcome: None if document and journal agree.
        changed_paths: The changed fields, without their values.
        problem: Why the reservation cannot be rebuilt.
    """

    document_id: str
    outcome: EventOutcome | None = None
    changed_paths: tuple[str, ...] = ()
    problem: str | None = None


async def rebuild_restaurant(
    restaurant: RestaurantContext, *, is_dry_run: bool
) -> list[RebuildResult]:
    """Rebuild every OpenTable reservation of a restaurant; return those that need attention."""
    reservations = paths.reservations_collection(restaurant.firestore, restaurant.id)
    with translate_firestore_errors():
        # Unlike a query, it lists missing documents with a journal. Another application writes the
        # native reservations, without a journal of events.
        document_ids = [
            reference.id
            async for reference in reservations.list_documents(timeout=QUERY_TIMEOUT_SECONDS)
            if reference.id.startswith(OPENTABLE_DOCUMENT_PREFIX)
        ]
    rebuild = partial(rebuild_reservation, restaurant, is_dry_run=is_dry_run)
    results = await gather_bounded(_MAX_CONCURRENT_REBUILDS, rebuild, document_ids)
    return [result for result in results if result.outcome or result.problem]


async def rebuild_reservation(
    restaurant: RestaurantContext, document_id: str, *, is_dry_run: bool
) -> RebuildResult:
    """Make a document agree with its journal, in one commit with a journal entry of its own."""
    external_key = document_id.removeprefix(OPENTABLE_DOCUMENT_PREFIX)
    ledger = Ledger(restaurant, ReservationSystem.OPENTABLE)
    identity, repository = ledger.build_identity(external_key), ledger.repository
    write_context = ledger.create_write_context()

    async def rebuild_once() -> ReservationWrite | None:
        guest_keys: set[str] = set()
        entry_ids = {external_key: await repository.list_entry_ids(external_key)}
        while True:
            snapshot = (await repository.read(entry_ids, guest_keys))[external_key]
            decision = decide_rebuild(snapshot.stored, identity, write_context)
            if not isinstance(decision, GuestRequired):
                break
            guest_keys.add(decision.key)
        if is_dry_run:
            return decision
        if decision is None:
            flat = flatten_document(snapshot.stored.document or {})
            references = guest_references_from_document(flat)
        else:
            await repository.commit(
                [ConditionalWrite(external_key, decision, snapshot.update_time)]
            )
            references = decision.state.guest_references
        if references.forbids_personal_data:
            # Restored entries may be older than the erasure or the end of retention.
            await repository.redact_journal(external_key)
        return decision

    try:
        write = await retry_on_conflict(rebuild_once)
    except UnreadableDocumentError as error:
        return RebuildResult(document_id, problem=str(error))
    if write is None:
        return RebuildResult(document_id)
    return RebuildResult(document_id, write.outcome, tuple(sorted(write.changed_fields)))
