"""Many changes at once: read in groups, decided one by one, committed in groups.

A few groups are under way at a time: while Firestore is busy with one, another is decided on.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from google.api_core import exceptions as google

from shared.core.change import Change
from shared.core.decision import Commit, Decision, EntryNeeded
from shared.core.guesting import GuestNeeded
from shared.core.journal import Writing
from shared.edge.ledger import Applied, Ledger, Wanted, applied_by
from shared.edge.shelf import Reading, Write
from shared.errors import LedgerUnavailableError, RejectedStatementError

GROUP_SIZE = 100
_AT_ONCE = 4

Result = Applied | RejectedStatementError | LedgerUnavailableError


async def apply_all(ledger: Ledger, changes: Sequence[Change]) -> list[Result]:
    """Apply many changes through the same decision and the same commit as one.

    Args:
        ledger: The restaurant's ledger.
        changes: In any order; several may speak of one reservation.

    Returns:
        A result a change: one that cannot be applied never sinks its neighbours.
    """
    results: list[Result] = []
    places = asyncio.Semaphore(_AT_ONCE)

    async def apply(group: Sequence[Change]) -> list[Result]:
        async with places:
            return await _apply_group(ledger, group)

    for run in _runs(changes):
        for done in await asyncio.gather(*map(apply, _parts(run))):
            results += done
    return results


def groups(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield groups in which no reservation is spoken of twice: one commit writes it once."""
    for run in _runs(changes):
        yield from _parts(run)


def _runs(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield the longest runs in which no reservation is spoken of twice."""
    run: dict[str, Change] = {}
    for change in changes:
        if change.external_key in run:
            yield list(run.values())
            run = {}
        run[change.external_key] = change
    yield list(run.values())


def _parts(run: Sequence[Change]) -> Iterator[list[Change]]:
    for start in range(0, len(run), GROUP_SIZE):
        yield list(run[start : start + GROUP_SIZE])


async def _apply_group(ledger: Ledger, group: Sequence[Change]) -> list[Result]:
    writing = ledger.writing()
    try:
        readings, decisions = await decide_group(ledger, group, writing)
        await _commit(ledger, readings, decisions)
    except google.GoogleAPIError:
        decisions = {}
    return [
        await _apply_alone(ledger, change, writing)
        if isinstance(
            decision := decisions.get(change.external_key), EntryNeeded | GuestNeeded | None
        )
        else _result(change, decision)
        for change in group
    ]


async def decide_group(
    ledger: Ledger, group: Sequence[Change], writing: Writing
) -> tuple[dict[str, Reading], dict[str, Decision]]:
    """Judge changes by the documents, and by a journal entry only where a document does not tell.

    Args:
        ledger: The restaurant's ledger.
        group: Changes, no two of one reservation.
        writing: The times and names of the commit that may follow.

    Returns:
        What was read and what was decided, by external key.
    """
    wanted = {change.external_key: Wanted() for change in group}
    readings: dict[str, Reading] = {}
    decisions: dict[str, Decision] = {}
    undecided = list(group)
    while undecided:
        readings |= await ledger.shelf.read(
            {change.external_key: wanted[change.external_key].entry_ids for change in undecided},
            {key for change in undecided for key in wanted[change.external_key].guest_keys},
            readings,
        )
        for change in undecided:
            key = change.external_key
            decisions[key] = ledger.decide(change, readings[key].held, writing)
        undecided = [
            change
            for change in undecided
            if wanted[change.external_key].take(decisions[change.external_key])
        ]
    return readings, decisions


async def _commit(
    ledger: Ledger, readings: Mapping[str, Reading], decisions: Mapping[str, Decision]
) -> None:
    writes = [
        Write(key, decision, readings[key].update_time)
        for key, decision in decisions.items()
        if isinstance(decision, Commit)
    ]
    if writes:
        await ledger.shelf.commit(writes)


def _result(change: Change, decision: Decision) -> Result:
    try:
        return applied_by(change, decision)
    except RejectedStatementError as error:
        return error


async def _apply_alone(ledger: Ledger, change: Change, writing: Writing) -> Result:
    try:
        return await ledger.apply(change, writing)
    except (RejectedStatementError, LedgerUnavailableError) as error:
        return error
