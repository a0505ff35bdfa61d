"""Rebuild missing and damaged reservation documents of a restaurant from their journals."""

from functools import partial

from msgspec import Struct

from shared.concurrency import gather_bounded
from shared.context import RestaurantContext
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.events import EventOutcome
from shared.domain.ledger.guest_link import guest_references_from_document
from shared.domain.ledger.rebuild import decide_rebuild
from shared.domain.ledger.registers import GuestRequired
from shared.domain.normalization.identifiers import OPENTABLE_DOCUMENT_PREFIX, ReservationSystem
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.documents import (
    QUERY_TIMEOUT_SECONDS,
    retry_on_conflict,
    translate_firestore_errors,
)
from shared.ledger.ledger import Ledger
from shared.ledger.repository import ConditionalWrite

_MAX_CONCURRENT_REBUILDS = 8


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
