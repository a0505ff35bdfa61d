"""Compute the expected ledger from OpenTable's rows, without the product's code."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient

from sandbox.models import SandboxGuest, SandboxReservation
from sandbox.store import SandboxStore
from shared.domain.ledger.document import ReservationIdentity, diff_fields, render_document
from shared.domain.ledger.guest_link import guest_from_map, resolve_guest
from shared.domain.ledger.registers import link_guest
from shared.domain.validation import flatten_document
from shared.firestore import paths
from tests.support.oracles import rebuild_state
from tests.support.world import NEW_YORK

LedgerDocuments = Mapping[str, dict[str, Any]]

WINDOW_DAYS = 31
EXPECTED_PLACEHOLDER_NAME = "OpenTable Guest"
STATUSES = {
    "NotConfirmed": "BOOKED",
    "Confirmed": "CONFIRMED",
    "AllArrived": "CHECKED_IN",
    "Seated": "SEATED",
    "Done": "COMPLETED",
    "Cancelled": "CANCELLED",
    "NoShow": "NO_SHOW",
}


def find_mistakes(
    book: SandboxStore,
    rid: int,
    ledger: LedgerDocuments,
    since: date,
    ignored_keys: AbstractSet[str] = frozenset(),
) -> dict[str, Any]:
    """Return the differences between a reservation at OpenTable and in the ledger.

    From the local date `since` on, OpenTable's reservations must be in the ledger, and the ledger's
    must be correct.
    """
    rows = {row.key.lower(): row for row in book.list_reservations(rid)}
    expected_keys = {
        key for key, row in rows.items() if row.scheduled_local[:10] >= since.isoformat()
    }
    expected_keys |= {key for key, document in ledger.items() if _is_in_window(document, since)}
    return {
        key: (shown, expected)
        for key in sorted(expected_keys - ignored_keys)
        if (shown := _shown_document(ledger.get(key)))
        != (expected := _expected_document(rows[key], book))
    }


def _is_in_window(document: Mapping[str, Any], since: date) -> bool:
    last = since + timedelta(days=WINDOW_DAYS)
    day = document["localDate"]
    return day is None or since.isoformat() <= day <= last.isoformat()


def _expected_document(row: SandboxReservation, book: SandboxStore) -> dict[str, Any]:
    guest = _resolve_guest(book, row.rid, row.guest_key)
    forgotten = guest is not None and guest.forgotten
    return {
        "status": STATUSES[row.state],
        "party": row.party_size,
        "start": row.scheduled,
        "day": row.scheduled.astimezone(NEW_YORK).date().isoformat(),
        "tables": list(row.tables),
        "notes": None if forgotten else row.venue_notes,
        "request": None if forgotten else row.guest_request or None,
        "name": EXPECTED_PLACEHOLDER_NAME if guest is None or forgotten else _full_name(guest),
        "reconciled": "RECONCILED",
    }


def _shown_document(document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if document is None:
        return None
    metadata = document["metadata"]
    return {
        "status": document["status"],
        "party": document["partySize"],
        "start": document["startAtTimestamp"],
        "day": document["localDate"],
        "tables": metadata.get("tableNumbers"),
        "notes": metadata.get("venueNotes"),
        "request": metadata.get("specialRequests") or None,
        "name": document["dinerName"],
        "reconciled": document["reconciliation"]["reconciliationStatus"],
    }


def _resolve_guest(book: SandboxStore, rid: int, key: str | None) -> SandboxGuest | None:
    guest = book.get_guest(rid, key)
    while guest is not None and guest.primary is not None:
        guest = book.get_guest(rid, guest.primary)
    return guest


def _full_name(guest: SandboxGuest) -> str:
    return f"{guest.first_name} {guest.last_name}"


async def diff_from_journals(
    client: AsyncClient, restaurant_id: str, ledger: LedgerDocuments
) -> dict[str, Any]:
    """Return the differences between a document and its rebuild from journal and guests."""
    stored = paths.guests_collection(client, restaurant_id).stream()
    guests = {one.id: guest_from_map(one.to_dict() or {}) async for one in stored}
    differences = {}
    for key, document in ledger.items():
        entries = paths.journal_collection(
            paths.reservation_document(client, restaurant_id, key)
        ).stream()
        rebuilt = rebuild_state([entry.to_dict() or {} async for entry in entries])
        linked = {named: resolve_guest(named, guests) for named in rebuilt.guest_references.keys}
        complete = link_guest(rebuilt, linked, is_complete=True)
        identity = ReservationIdentity(restaurant_id, key, NEW_YORK)
        different = diff_fields(flatten_document(document), render_document(identity, complete))
        if different:
            differences[key] = different
    return differences


async def read_update_times(client: AsyncClient) -> dict[str, datetime]:
    """Return the time of the last write of every document of a project."""
    groups = ("integrations", "reservations", "ledgerEvents", "openTableGuests")
    other_groups = ("openTableQuarantine", "reservationAnalytics")
    names = (*groups, *other_groups, "reconciliationReports", "continued")
    return {
        snapshot.reference.path: snapshot.update_time or datetime.min.replace(tzinfo=UTC)
        for name in names
        async for snapshot in client.collection_group(name).select(["id"]).stream()
    }
