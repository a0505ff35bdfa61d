"""Guests: what is kept of them, and how a change to one reaches the reservations that name it.

A guest is stored before the reservations that name it are looked for, and a reservation is
stored before its guest is read; so of two that come at once, the later one sees the other.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import DELETE_FIELD, FieldFilter

from shared.context import AppContext
from shared.domain.ledger.events import Actor, Channel, ReservationEvent, Version
from shared.domain.ledger.guest_link import LinkedGuest, UnresolvedGuest, resolve_guest
from shared.domain.ledger.merge import GUEST_LINKED_EVENT_TYPE
from shared.domain.normalization.opentable_guest import Guest, guest_from_map, guest_to_map
from shared.domain.settings import IntegrationSettings
from shared.firestore import paths
from shared.firestore.documents import (
    QUERY_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    WRITE_TIMEOUT_SECONDS,
    translate_firestore_errors,
    update_if_unmodified,
)
from shared.ledger.ledger import open_ledger

_GROUP_SIZE = 200


async def read_guests(
    context: AppContext, settings: IntegrationSettings, keys: Iterable[str]
) -> dict[str, Guest]:
    """Return those guests of some keys that are held.

    Raises:
        LedgerUnavailableError: When they could not be read.
    """
    guests = paths.guests_collection(context.firestore, settings.restaurant_id)
    references = [guests.document(key) for key in keys]
    documents: dict[str, dict[str, Any] | None] = {}
    with translate_firestore_errors():
        for start in range(0, len(references), _GROUP_SIZE):
            group = references[start : start + _GROUP_SIZE]
            snapshots = context.firestore.get_all(group, retry=None, timeout=READ_TIMEOUT_SECONDS)
            documents |= {snapshot.id: snapshot.to_dict() async for snapshot in snapshots}
    return {
        key: guest_from_map(document) for key, document in documents.items() if document is not None
    }


async def follow_merges(
    context: AppContext, settings: IntegrationSettings, key: str
) -> LinkedGuest | UnresolvedGuest:
    """Follow a guest's key to the guest that it leads to (`resolve_guest`).

    Raises:
        LedgerUnavailableError: When a record could not be read.
    """
    records: dict[str, Guest | None] = {}
    while (
        isinstance(resolved := resolve_guest(key, records), UnresolvedGuest)
        and not resolved.was_read
    ):
        records[resolved.key] = (await read_guests(context, settings, [resolved.key])).get(
            resolved.key
        )
    return resolved


async def save_guest(context: AppContext, settings: IntegrationSettings, guest: Guest) -> bool:
    """Keep a guest's record unless a later one is held.

    Returns:
        Whether it was news.

    Raises:
        LedgerUnavailableError: When it could not be stored.
    """
    reference = paths.guests_collection(context.firestore, settings.restaurant_id).document(
        guest.key
    )

    def compute(document: dict[str, Any] | None) -> dict[str, Any] | None:
        if document is not None and not guest.supersedes(guest_from_map(document)):
            return None
        # The record is replaced: fields that the new one does not have are deleted.
        new_document = guest_to_map(guest)
        return dict.fromkeys((document or {}).keys() - new_document.keys(), DELETE_FIELD) | (
            new_document
        )

    return (await update_if_unmodified(reference, compute)).changes is not None


async def save_guests(
    context: AppContext, settings: IntegrationSettings, guests: Sequence[Guest]
) -> set[str]:
    """Keep many guests' records, each unless a later one is held.

    Returns:
        The keys of those of whom nothing was held before.

    Raises:
        LedgerUnavailableError: When one could not be stored.
    """
    created: set[str] = set()
    for start in range(0, len(guests), _GROUP_SIZE):
        group = guests[start : start + _GROUP_SIZE]
        stored = await read_guests(context, settings, [guest.key for guest in group])
        new = [guest for guest in group if guest.key not in stored]
        newer = [
            guest for guest in group if guest.key in stored and guest.supersedes(stored[guest.key])
        ]
        if await _create_records(context, settings, new):
            created.update(guest.key for guest in new)
        else:
            newer += new
        for guest in newer:
            await save_guest(context, settings, guest)
    return created


async def _create_records(
    context: AppContext, settings: IntegrationSettings, guests: Sequence[Guest]
) -> bool:
    """Create records in one commit; False where any of them was there, or none could be."""
    references = paths.guests_collection(context.firestore, settings.restaurant_id)
    batch = context.firestore.batch()
    for guest in guests:
        batch.create(references.document(guest.key), guest_to_map(guest))
    try:
        await batch.commit(retry=None, timeout=WRITE_TIMEOUT_SECONDS)
    except google.GoogleAPIError:
        return False
    return True


async def propagate_guest(
    context: AppContext, settings: IntegrationSettings, guest_key: str, channel: Channel
) -> int:
    """Join a guest's record to every reservation that names it.

    Args:
        context: The process's services.
        settings: The restaurant's, usable.
        guest_key: The key of a record that is held.
        channel: Which way it came.

    Returns:
        How many reservations changed.

    Raises:
        LedgerUnavailableError: When they could not be found or written.
    """
    ledger = open_ledger(context, settings)
    changed_count = 0
    for key in await find_reservations_of_guest(context, settings, guest_key):
        applied = await ledger.apply(guest_link_event(key, guest_key, context.clock(), channel))
        changed_count += applied.write is not None
    return changed_count


async def find_reservations_of_guest(
    context: AppContext, settings: IntegrationSettings, guest_key: str, limit: int = 100_000
) -> list[str]:
    """Return the external keys of the reservations that ever named or led to a guest.

    Args:
        context: The process's services.
        settings: The restaurant's.
        guest_key: The guest's key.
        limit: How many are wanted at the most.

    Raises:
        LedgerUnavailableError: When they could not be listed.
    """
    guest_filter = FieldFilter("guests.resolvedGuestKeys", "array_contains", guest_key)
    query = paths.reservations_collection(context.firestore, settings.restaurant_id).where(
        filter=guest_filter
    )
    key_query = query.select(["source.externalReservationId"]).limit(limit)
    with translate_firestore_errors():
        return [
            snapshot.get("source.externalReservationId")
            async for snapshot in key_query.stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS)
        ]


def guest_link_event(
    external_key: str, guest_key: str, now: datetime, channel: Channel
) -> ReservationEvent:
    """Return the change that joins a guest: it says nothing, so its journal entry tells nobody."""
    event_id = f"guest-{secrets.token_hex(8)}"
    return ReservationEvent(
        external_key=external_key,
        event_id=event_id,
        event_type=GUEST_LINKED_EVENT_TYPE,
        actor=Actor.LINEUP,
        version=Version.from_timestamp(now, event_id),
        fields={},
        payload=json.dumps({"guestKey": guest_key}),
        channel=channel,
    )
