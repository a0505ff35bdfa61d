"""The one way into the ledger: read, decide, one commit; again on conflict, within bounds."""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient
from msgspec import Struct, field

from shared.core.change import Change, Speaker
from shared.core.decision import (
    Commit,
    Contradiction,
    Decision,
    EntryNeeded,
    Held,
    Outcome,
    decide,
    statements_in,
)
from shared.core.document import Identity, flatten
from shared.core.envelope import EventType
from shared.core.guesting import GuestNeeded
from shared.core.journal import Writing, later_entry_id
from shared.core.settings import Settings
from shared.core.statements import Statements
from shared.core.system import System
from shared.edge.lately import Lately
from shared.edge.shelf import Reading, Shelf, Write
from shared.errors import LedgerUnavailableError, RejectedStatementError

MOST_ATTEMPTS = 10
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.8

_READ_AGAIN = (
    google.Conflict,  # AlreadyExists and Aborted are its children
    google.FailedPrecondition,
    google.NotFound,
    google.ServerError,  # Unavailable, deadline exceeded, internal, unknown
    google.TooManyRequests,
    google.Cancelled,
    google.RetryError,
)


class Wanted(Struct):
    """What must be read beside a document before it can be decided on.

    Attributes:
        entry_ids: Journal entries.
        guest_keys: Guests, a merged one's survivors among them.
    """

    entry_ids: set[str] = field(default_factory=set)
    guest_keys: set[str] = field(default_factory=set)

    def take(self, decision: Decision) -> bool:
        """Add what a decision asks for; False where it asks for nothing that was not read."""
        if isinstance(decision, EntryNeeded) and decision.entry_id not in self.entry_ids:
            self.entry_ids.add(decision.entry_id)
            return True
        if isinstance(decision, GuestNeeded) and decision.key not in self.guest_keys:
            self.guest_keys.add(decision.key)
            return True
        return False


class Applied(Struct, frozen=True):
    """What the ledger did with a change.

    Attributes:
        change: The change.
        outcome: What became of it.
        statements: All that is now held about the reservation.
        commit: What was written; None where nothing was, or where an earlier try of this very
            writer turned out to have landed.
    """

    change: Change
    outcome: Outcome
    statements: Statements
    commit: Commit | None

    @property
    def lacking_guest(self) -> str | None:
        """The key of the guest that the reservation names and nothing is held of."""
        named = self.statements.shown("guestKey")
        return named if isinstance(named, str) and self.statements.guest is None else None

    @property
    def guest_id(self) -> str:
        """The id of the guest that the reservation names, as OpenTable wrote it."""
        return str(self.statements.shown("guestId") or "")

    @property
    def is_hint(self) -> bool:
        """Whether OpenTable's own row should be fetched: a relay spoke where OpenTable had."""
        spoken = self.statements.register(Speaker.OPENTABLE).version is not None
        news = self.outcome is not Outcome.DUPLICATE
        return spoken and news and self.change.speaker is Speaker.RELAY


class Ledger:
    """A restaurant's ledger.

    Args:
        client: The process's Firestore client.
        settings: The restaurant's settings, which must be usable.
        clock: The current time, UTC.
        journal_life: How long after its start a reservation's journal is kept.
        lately: The reservations that the process met lately.
        system: Where the reservations that it speaks of were made; keys of Lineup's own are
            their document ids.

    Raises:
        InvalidSettingsError: When the settings are not usable.
    """

    def __init__(  # noqa: PLR0913 -- each is a different thing, and one call site
        self,
        client: AsyncClient,
        settings: Settings,
        clock: Callable[[], datetime],
        journal_life: timedelta,
        *,
        lately: Lately,
        system: System = System.OPENTABLE,
    ) -> None:
        self.shelf = Shelf(client, settings.restaurant_id, system)
        self._system = system
        self._restaurant_id = settings.restaurant_id
        self._zone = settings.usable_zone()
        self._clock = clock
        self._journal_life = journal_life
        self._lately = lately

    def writing(self) -> Writing:
        """Return the times and the name of one writer's try."""
        return Writing(self._clock(), secrets.token_hex(8), self._journal_life)

    async def apply(self, change: Change, writing: Writing | None = None) -> Applied:
        """Apply one change: a creation in one round trip, all else in two.

        A creation that meets what another process wrote takes three: see the decision on
        preconditions.

        Args:
            change: What was said.
            writing: The try that this continues, where a larger commit failed before.

        Raises:
            RejectedStatementError: When the same event said something else before, or when
                Firestore cannot store it.
            LedgerUnavailableError: When no commit was possible within the attempts.
        """
        writing = writing or self.writing()
        reading, own_ids = self._presumed_new(change), {change.event_id}
        self._lately.note(self._restaurant_id, change.external_key)
        for pause in _pauses():
            await asyncio.sleep(pause)
            try:
                return await self._attempt(
                    change, reading or await self._read(change, own_ids), writing
                )
            except _READ_AGAIN:
                # What this try wrote, unseen, may stand under either id: look for both.
                reading, own_ids = None, {change.event_id, later_entry_id(change)}
            except google.InvalidArgument:
                raise RejectedStatementError(
                    "unstorable",
                    "Firestore cannot store this statement; see its documented limits.",
                ) from None
            except google.GoogleAPIError as error:
                raise LedgerUnavailableError(type(error).__name__) from None
        raise LedgerUnavailableError(f"no commit in {MOST_ATTEMPTS} attempts")

    def _presumed_new(self, change: Change) -> Reading | None:
        """Spare a creation the read: its commit of creates fails where anything is held."""
        known = self._lately.knows(self._restaurant_id, change.external_key)
        if known or change.event_type != EventType.CREATED:
            return None
        return Reading(Held(None, {change.event_id: None}), None)

    async def _attempt(self, change: Change, reading: Reading, writing: Writing) -> Applied:
        own = self._landed(change, reading.held, writing)
        if own is not None:
            return own
        decision = self.decide(change, reading.held, writing)
        wanted = Wanted(set(reading.held.entries))
        while wanted.take(decision):
            reading = await self._read_beside(change, wanted, reading)
            decision = self.decide(change, reading.held, writing)
        applied = applied_by(change, decision)
        if applied.commit is not None:
            await self.shelf.commit(
                [Write(change.external_key, applied.commit, reading.update_time)]
            )
        return applied

    def _landed(self, change: Change, held: Held, writing: Writing) -> Applied | None:
        """Return what this writer's own earlier try did, where its commit had landed unseen."""
        for entry in held.entries.values():
            if entry is not None and entry["attempt"] == writing.attempt:
                statements = statements_in(flatten(held.document or {}), self._system)
                return Applied(change, Outcome(entry["outcome"]), statements, None)
        return None

    async def _read(self, change: Change, entry_ids: Iterable[str]) -> Reading:
        key = change.external_key
        return (await self.shelf.read({key: entry_ids}))[key]

    async def _read_beside(self, change: Change, wanted: Wanted, known: Reading) -> Reading:
        key = change.external_key
        found = await self.shelf.read({key: wanted.entry_ids}, wanted.guest_keys, {key: known})
        return found[key]

    def decide(self, change: Change, held: Held, writing: Writing) -> Decision:
        """Judge a change against what is held (see `shared.core.decision`)."""
        return decide(change, held, self.identity(change.external_key), writing)

    def identity(self, external_key: str) -> Identity:
        """Return whose reservation a document of this ledger is."""
        return Identity(self._restaurant_id, external_key, self._zone, self._system)


def applied_by(change: Change, decision: Decision) -> Applied:
    """Return what a decision amounts to.

    Raises:
        RejectedStatementError: When the same event said something else before.
    """
    if isinstance(decision, Commit):
        return Applied(change, decision.outcome, decision.statements, decision)
    if isinstance(decision, Contradiction):
        raise RejectedStatementError(
            "conflicting_version" if change.speaker is Speaker.OPENTABLE else "conflicting_event",
            "The same event was taken before and said something else.",
        )
    if isinstance(decision, EntryNeeded | GuestNeeded):
        raise LedgerUnavailableError("what was read does not suffice to decide")
    return Applied(change, Outcome.DUPLICATE, decision.statements, None)


def _pauses() -> Iterator[float]:
    """Yield the pause before each attempt: none, then growing ones with full jitter."""
    yield 0.0
    for attempt in range(MOST_ATTEMPTS - 1):
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
        yield random.uniform(0, longest)  # noqa: S311 -- jitter, not a secret
