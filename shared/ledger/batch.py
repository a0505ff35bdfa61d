"""Apply many events: read in groups, decide one by one, commit in groups.

A few groups are in progress at a time: while Firestore works on one, another is decided.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from google.api_core import exceptions as google

from shared.concurrency import gather_bounded
from shared.domain.ledger.decide import Decision, JournalEntryRequired, ReservationWrite
from shared.domain.ledger.event_merge import GuestRequired
from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.journal import WriteContext
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.ledger.ledger import ApplyResult, Ledger, ReadSet, build_apply_result
from shared.ledger.repository import ConditionalWrite, ReservationSnapshot

COMMIT_GROUP_SIZE = 100
_MAX_CONCURRENT_GROUPS = 4

BatchResult = ApplyResult | InvalidEventError | ServiceUnavailableError


async def apply_events(ledger: Ledger, events: Sequence[ReservationEvent]) -> list[BatchResult]:
    """Apply events in order; return a result or an error for each.

    One event that fails does not affect the others.
    """
    results: list[BatchResult] = []
    for distinct_events in _split_at_repeats(events):
        groups = _split_by_size(distinct_events)
        for group_results in await gather_bounded(
            _MAX_CONCURRENT_GROUPS, partial(_apply_group, ledger), groups
        ):
            results += group_results
    return results


def split_into_groups(events: Sequence[ReservationEvent]) -> Iterator[list[ReservationEvent]]:
    """Yield groups for one commit each: a commit can write a reservation only once."""
    for distinct_events in _split_at_repeats(events):
        yield from _split_by_size(distinct_events)


def _split_at_repeats(events: Sequence[ReservationEvent]) -> Iterator[list[ReservationEvent]]:
    """Yield runs of events of distinct reservations, each as long as possible."""
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
    decisions: dict[str, Decision] = {}
    try:
        snapshots, decisions = await decide_group(ledger, group, write_context)
        writes = [
            ConditionalWrite(key, decision, snapshots[key].update_time)
            for key, decision in decisions.items()
            if isinstance(decision, ReservationWrite)
        ]
        if writes:
            await ledger.repository.commit(writes)
    except google.GoogleAPIError:
        decisions = {}  # each event is applied on its own below
    results: list[BatchResult] = []
    for event in group:
        decision = decisions.get(event.external_key)
        try:
            if decision is None or isinstance(decision, JournalEntryRequired | GuestRequired):
                # The group's commit may have been applied: its attempt id shows that.
                results.append(await ledger.apply(event, write_context))
            else:
                results.append(build_apply_result(event, decision))
        except (InvalidEventError, ServiceUnavailableError) as error:
            results.append(error)
    return results


async def decide_group(
    ledger: Ledger, group: Sequence[ReservationEvent], write_context: WriteContext
) -> tuple[dict[str, ReservationSnapshot], dict[str, Decision]]:
    """Decide on events of distinct reservations; return snapshots and decisions by external key.

    Journal entries and guests are read only where a document does not suffice.
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
