"""Many changes at once: read in groups, decided one by one, committed in groups.

A few groups are under way at a time: while Firestore is busy with one, another is decided on.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from google.api_core import exceptions as google

from shared.concurrency import gather_bounded
from shared.domain.ledger.decide import Decision, JournalEntryRequired, ReservationWrite
from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.journal import WriteContext
from shared.domain.ledger.merge import GuestRequired
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.ledger.ledger import ApplyResult, Ledger, ReadSet, build_apply_result
from shared.ledger.repository import ConditionalWrite, ReservationSnapshot

COMMIT_GROUP_SIZE = 100
_MAX_CONCURRENT_GROUPS = 4

BatchResult = ApplyResult | InvalidEventError | ServiceUnavailableError


async def apply_events(ledger: Ledger, events: Sequence[ReservationEvent]) -> list[BatchResult]:
    """Apply many changes through the same decision and the same commit as one.

    Args:
        ledger: The restaurant's ledger.
        events: In any order; several may speak of one reservation.

    Returns:
        A result a change: one that cannot be applied never sinks its neighbours.
    """
    results: list[BatchResult] = []
    for distinct_events in _split_at_repeats(events):
        for group_results in await gather_bounded(
            _MAX_CONCURRENT_GROUPS, partial(_apply_group, ledger), _split_by_size(distinct_events)
        ):
            results += group_results
    return results


def split_into_groups(events: Sequence[ReservationEvent]) -> Iterator[list[ReservationEvent]]:
    """Yield groups in which no reservation is spoken of twice: one commit writes it once."""
    for distinct_events in _split_at_repeats(events):
        yield from _split_by_size(distinct_events)


def _split_at_repeats(events: Sequence[ReservationEvent]) -> Iterator[list[ReservationEvent]]:
    """Yield the longest runs in which no reservation is spoken of twice."""
    distinct_events: dict[str, ReservationEvent] = {}
    for event in events:
        if event.external_key in distinct_events:
            yield list(distinct_events.values())
            distinct_events = {}
        distinct_events[event.external_key] = event
    yield list(distinct_events.values())


def _split_by_size(events: Sequence[ReservationEvent]) -> Iterator[list[ReservationEvent]]:
    for start in range(0, len(events), COMMIT_GROUP_SIZE):
        yield list(events[start : start + COMMIT_GROUP_SIZE])


async def _apply_group(ledger: Ledger, group: Sequence[ReservationEvent]) -> list[BatchResult]:
    write_context = ledger.new_write_context()
    try:
        snapshots, decisions = await decide_group(ledger, group, write_context)
        await _commit_group(ledger, snapshots, decisions)
    except google.GoogleAPIError:
        decisions = {}
    return [
        await _apply_single(ledger, event, write_context)
        if isinstance(
            decision := decisions.get(event.external_key),
            JournalEntryRequired | GuestRequired | None,
        )
        else _build_result(event, decision)
        for event in group
    ]


async def decide_group(
    ledger: Ledger, group: Sequence[ReservationEvent], write_context: WriteContext
) -> tuple[dict[str, ReservationSnapshot], dict[str, Decision]]:
    """Judge changes by the documents, and by a journal entry only where a document does not tell.

    Args:
        ledger: The restaurant's ledger.
        group: Changes, no two of one reservation.
        write_context: The times and names of the commit that may follow.

    Returns:
        What was read and what was decided, by external key.
    """
    read_sets = {event.external_key: ReadSet() for event in group}
    snapshots: dict[str, ReservationSnapshot] = {}
    decisions: dict[str, Decision] = {}
    undecided = list(group)
    while undecided:
        snapshots |= await ledger.repository.read(
            {event.external_key: read_sets[event.external_key].entry_ids for event in undecided},
            {key for event in undecided for key in read_sets[event.external_key].guest_keys},
            snapshots,
        )
        for event in undecided:
            key = event.external_key
            decisions[key] = ledger.decide(event, snapshots[key].stored, write_context)
        undecided = [
            event
            for event in undecided
            if read_sets[event.external_key].add_required(decisions[event.external_key])
        ]
    return snapshots, decisions


async def _commit_group(
    ledger: Ledger, snapshots: Mapping[str, ReservationSnapshot], decisions: Mapping[str, Decision]
) -> None:
    writes = [
        ConditionalWrite(key, decision, snapshots[key].update_time)
        for key, decision in decisions.items()
        if isinstance(decision, ReservationWrite)
    ]
    if writes:
        await ledger.repository.commit(writes)


def _build_result(event: ReservationEvent, decision: Decision) -> BatchResult:
    try:
        return build_apply_result(event, decision)
    except InvalidEventError as error:
        return error


async def _apply_single(
    ledger: Ledger, event: ReservationEvent, write_context: WriteContext
) -> BatchResult:
    try:
        return await ledger.apply(event, write_context)
    except (InvalidEventError, ServiceUnavailableError) as error:
        return error
