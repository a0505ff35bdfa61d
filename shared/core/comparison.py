"""Comparing OpenTable's rows with the ledger's documents, and knowing when not to believe it."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.core.change import Change, Speaker
from shared.core.document import (
    Identity,
    difference,
    flatten,
    is_shown,
    render,
    standing_divergence,
)
from shared.core.statements import Statements
from shared.core.stored import statements_of
from shared.core.visits import Visit

BRAKE_FLOOR = 20
BRAKE_SHARE = 0.3

# What only envelopes, guests or the bundle itself say is not the feed's to compare.
_FROM_THE_FEED = (
    "source.openTableId",
    "source.confirmationId",
    "source.guestId",
    "source.state",
    "startAt",
    "startAtTimestamp",
    "localDate",
    "partySize",
    "status",
    "bookedAt",
    "arrivedAt",
    "seatedAt",
    "completedAt",
    "metadata.specialRequests",
    "metadata.venueNotes",
    "metadata.openTableNotes",
    "metadata.tableNumbers",
    "metadata.tableCategory",
    "metadata.server",
    "metadata.origin",
    "metadata.visitTags",
)

COMPARED = (
    "source.system",
    "source.externalReservationId",
    "sync.opentable",
    "sync.lineup",
    "sync.guest",
    *_FROM_THE_FEED,
)


class Mark(Struct, frozen=True):
    """What is remembered of a held document, so that a large window fits in memory.

    Attributes:
        fingerprint: Over every field that the feed carries, and OpenTable's version.
        divergence: The type of the divergence that stands flagged on it.
        dated: Whether it has a start time; one without is not in any window.
        open_table_id: The id by which OpenTable is asked for it.
        lacking_guest: The id of the guest that it names, where nothing is held of that guest.
        visit: As what it was counted in the patterns, None where it was not.
    """

    fingerprint: bytes
    divergence: str | None
    dated: bool
    open_table_id: str
    lacking_guest: str | None
    visit: Visit | None


def mark_of(document: Mapping[str, Any], visit: Visit | None) -> Mark:
    """Return a held document's mark.

    Args:
        document: As stored, its `COMPARED` fields at least.
        visit: As what it was counted in the patterns.
    """
    flat = flatten(document)
    statements = statements_of(flat)
    return Mark(
        _fingerprint(flat, statements),
        standing_divergence(statements),
        dated=flat.get("startAt") is not None,
        open_table_id=flat.get("source.openTableId") or flat["source.externalReservationId"],
        lacking_guest=_lacking_guest(statements),
        visit=visit,
    )


def _lacking_guest(statements: Statements) -> str | None:
    """Return the named guest's id; one whose id cannot be a key leads to nobody."""
    if statements.guest is not None or statements.shown("guestKey") is None:
        return None
    return str(statements.shown("guestId"))


def row_fingerprint(change: Change, restaurant_id: str, zone: ZoneInfo) -> bytes:
    """Return the fingerprint of the document that a row alone would make.

    An equal one proves that the ledger shows just what the row says. An unequal one proves
    nothing (a row may leave fields out): the full comparison then decides.
    """
    statements = Statements().hear(change)
    return _fingerprint(
        render(Identity(restaurant_id, change.external_key, zone), statements), statements
    )


def _fingerprint(flat: Mapping[str, Any], statements: Statements) -> bytes:
    version = statements.register(Speaker.OPENTABLE).version
    told = version and (version.sequence_id, _plain(version.at))
    content = repr((told, [_plain(flat.get(path)) for path in _FROM_THE_FEED]))
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _plain(value: Any) -> object:
    """Return an instant as a number: clients of Firestore have kinds of instants of their own."""
    return value.timestamp() if isinstance(value, datetime) else value


def must_brake(rows_in_ledger: int, corrections: int, missing: int) -> bool:
    """Tell whether an answer would change so much that a person should look first.

    Args:
        rows_in_ledger: The ledger's rows in the window.
        corrections: Updates and cancellations together; creations never count.
        missing: Rows of the ledger that OpenTable's answer lacks and nothing explained yet.
    """
    most = max(BRAKE_FLOOR, BRAKE_SHARE * rows_in_ledger)
    return corrections > most or missing > most


def drift(flat: Mapping[str, Any], identity: Identity, statements: Statements) -> bool:
    """Whether a document shows something else than what was said, by whoever's hand."""
    return any(map(is_shown, difference(flat, render(identity, statements))))
