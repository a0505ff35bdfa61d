"""What to write when a change meets what is held: the ledger's only judgement.

Pure: it is given the document and the journal entries as they were read, and answers with the
writes that one commit must make, or with the reason for making none. It never learns how an
earlier commit failed, nor in which order things arrived.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from shared.core.change import Change, Speaker
from shared.core.document import FlatDocument, Identity, difference, flatten, is_shown, render
from shared.core.erasure import GUEST_PATHS, PERSONAL_PATHS
from shared.core.guest import Guest
from shared.core.guesting import GUEST_JOINED, GuestNeeded, hear_with_guest
from shared.core.journal import Writing, entry_version, journal_entry, later_entry_id
from shared.core.own import own_statements, render_own
from shared.core.statements import Register, Statements
from shared.core.stored import statements_of
from shared.core.system import System
from shared.core.versions import stored_version


class Outcome(StrEnum):
    """What became of a change."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"
    DUPLICATE = "duplicate"


class Held(Struct, frozen=True):
    """A reservation as it was read.

    Attributes:
        document: The ledger's document, None where there is none.
        entries: Journal entries by id, None where there is none; ids that were not read are
            not in it.
        guests: Guests by key, likewise.
    """

    document: Mapping[str, Any] | None
    entries: Mapping[str, Mapping[str, Any] | None]
    guests: Mapping[str, Guest | None] = field(default_factory=dict)


class Commit(Struct, frozen=True):
    """The writes of one commit, and what is held once it has landed.

    Attributes:
        outcome: What becomes of the change by it.
        creates: Whether the document is created, or updated.
        document: Dotted path to value; empty where the document stays as it is.
        entry_id: The journal entry's id.
        entry: The journal entry.
        statements: All that is then held about the reservation.
        tombstones: The forgotten guests whose it only now turns out to be: what its journal
            and the quarantine hold of them must go too.
    """

    outcome: Outcome
    creates: bool
    document: FlatDocument
    entry_id: str
    entry: dict[str, Any]
    statements: Statements
    tombstones: frozenset[str] = frozenset()


class AlreadyHeld(Struct, frozen=True):
    """Nothing is to be written: this very event was taken before."""

    statements: Statements


class Contradiction(Struct, frozen=True):
    """The same event says something else than it said before; it goes to the quarantine."""


class EntryNeeded(Struct, frozen=True):
    """What was read does not tell; read this journal entry too."""

    entry_id: str


Decision = Commit | AlreadyHeld | Contradiction | EntryNeeded | GuestNeeded


def decide(change: Change, held: Held, identity: Identity, writing: Writing) -> Decision:
    """Judge a change against what is held.

    Args:
        change: What is said.
        held: The document and the journal entries as read.
        identity: Whose reservation it is.
        writing: The times and names that the commit bears.
    """
    flat, own = flatten(held.document or {}), identity.system is System.LINEUP
    statements = statements_in(flat, identity.system)
    if _is_plainly_held(change, held, statements):
        return _same_or_not(_contradicts_register(change, statements), statements)
    found = hear_with_guest(change, statements, held.guests)
    if isinstance(found, GuestNeeded):
        return found
    change, heard = found.change, found.after
    repeated = _met_before(change, held, found.before)
    if repeated is not None:
        return repeated
    rendered = render_own(flat, heard, change) if own else render(identity, heard)
    written = difference(flat, rendered)
    shown = {path: value for path, value in written.items() if is_shown(path)}
    outcome = _outcome(change, held, statements, heard, changed=bool(shown))
    if not written and not change.said and change.speaker is Speaker.LINEUP:
        return AlreadyHeld(heard)
    changes = {
        path: {"from": flat.get(path), "to": value}
        for path, value in shown.items()
        if path not in _untold(statements, heard)
    }
    return Commit(
        outcome=outcome,
        creates=held.document is None,
        document=_dated(written, change, held, identity, writing.now),
        entry_id=_entry_id(change, held),
        entry={
            "restaurantId": identity.restaurant_id,
            **journal_entry(change, outcome, changes, heard, writing),
            **_joined(change, heard),
        },
        statements=heard,
        tombstones=found.tombstones,
    )


def statements_in(flat: Mapping[str, Any], system: System) -> Statements:
    """Read all that was said back from the flattened document of a reservation of either system.

    Raises:
        RejectedStatementError: When there is no document of Lineup's own.
    """
    return own_statements(flat) if system is System.LINEUP else statements_of(flat)


def _joined(change: Change, heard: Statements) -> dict[str, Any]:
    """Return what the journal tells of a join: which guest at which version, and no value."""
    if change.event_type != GUEST_JOINED or heard.guest is None:
        return {}
    version = stored_version(heard.guest.version)
    return {"guest": {"guestKey": heard.guest.key, "version": version}}


def _untold(before: Statements, after: Statements) -> frozenset[str]:
    """Return the fields whose values the journal must not tell: a guest's are never copied."""
    if after.named.forgotten:
        return PERSONAL_PATHS
    return GUEST_PATHS if before.guest or after.guest else frozenset()


def _met_before(
    change: Change, held: Held, statements: Statements
) -> AlreadyHeld | Contradiction | EntryNeeded | None:
    """Tell whether this very event was taken before; None means that it is new.

    OpenTable's object above the highest version held cannot have been taken, which spares the
    poll a read of the journal; its create would fail if that were ever untrue.
    """
    entry_id = _entry_id(change, held)
    entry = held.entries.get(entry_id)
    if entry is not None:
        return _same_or_not(_contradicts(entry["said"], change), statements)
    register = statements.register(change.speaker)
    if register.version == change.version:
        return _same_or_not(_contradicts_register(change, statements), statements)
    if entry_id in held.entries or _is_newer_object(change, register):
        return None
    return EntryNeeded(entry_id)


def _is_plainly_held(change: Change, held: Held, statements: Statements) -> bool:
    """Whether the document alone shows that nothing was said since: so it is with most rows.

    Then no guest need be looked for. What a forgotten guest once said is compared scrubbed.
    """
    same = statements.register(change.speaker).version == change.version
    return same and change.event_id not in held.entries and not statements.named.forgotten


def _contradicts_register(change: Change, statements: Statements) -> bool:
    return statements.register(change.speaker).contradicts(change.version, change.said)


def _is_newer_object(change: Change, register: Register) -> bool:
    above = register.version is None or register.version < change.version
    return above and change.speaker is Speaker.OPENTABLE


def _same_or_not(contradicts: bool, statements: Statements) -> AlreadyHeld | Contradiction:  # noqa: FBT001 -- private, two call sites
    return Contradiction() if contradicts else AlreadyHeld(statements)


def _contradicts(said: Mapping[str, Any], change: Change) -> bool:
    """Judge on the fields that both carry, but not on the spelling of OpenTable's id."""
    both = said.keys() & change.said.keys() - {"openTableId"}
    return any(said[name] != change.said[name] for name in both)


def _entry_id(change: Change, held: Held) -> str:
    """Return the journal id to write under.

    OpenTable may say one ``sequence_id`` again at a later ``updated_at_utc``: two statements,
    of which the second that came gets an id of its own.
    """
    entry = held.entries.get(change.event_id)
    if entry is None or change.speaker is not Speaker.OPENTABLE:
        return change.event_id
    return change.event_id if entry_version(entry) == change.version else later_entry_id(change)


def _outcome(
    change: Change, held: Held, before: Statements, after: Statements, *, changed: bool
) -> Outcome:
    if held.document is None:
        return Outcome.CREATED
    if changed:
        return Outcome.UPDATED
    held_version = before.register(change.speaker).version
    is_news = held_version is None or held_version < change.version
    moved = after.register(change.speaker) != before.register(change.speaker)
    return Outcome.UNCHANGED if moved or is_news else Outcome.STALE


def _dated(
    written: FlatDocument, change: Change, held: Held, identity: Identity, now: datetime
) -> FlatDocument:
    """Add the document's times of writing; where nothing is written, nothing is dated."""
    if not written:
        return {}
    dated: FlatDocument = {**written, "updatedAt": now}
    if identity.system is System.LINEUP:
        return dated
    creates = held.document is None
    if creates:
        dated["createdAt"] = now
    if change.speaker is not Speaker.RELAY:
        dated["reconciliation.lastReconciledAt"] = now
    elif creates:
        dated["reconciliation.lastReconciledAt"] = None
    return dated
