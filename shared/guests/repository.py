"""Store OpenTable's guest records and find the reservations linked to a guest.

A guest is stored before its reservations are searched, and a reservation is stored before its
guest is read. Of two concurrent writers, the later one therefore sees the other's write.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import DELETE_FIELD, FieldFilter
from msgspec import Struct, field

from shared.concurrency import batched
from shared.context import RestaurantContext
from shared.domain.ledger.events import (
    GUEST_LINKED_EVENT_TYPE,
    Channel,
    build_lineup_event,
)
from shared.domain.ledger.guest_link import (
    Guest,
    LinkedGuest,
    UnresolvedGuest,
    guest_to_map,
    resolve_guest,
)
from shared.domain.normalization.identifiers import OPENTABLE_DOCUMENT_PREFIX
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import (
    LARGE_WRITE_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    read_documents,
    translate_firestore_errors,
    update_if_unmodified,
)
from shared.guests.failures import store_link_failure, update_guest_failure_summary
from shared.ledger.ledger import Ledger, apply_events
from shared.ledger.repository import read_guest_record

_GROUP_SIZE = 200  # documents per commit
_MAX_RESERVATIONS = 100_000  # of one guest


class LinkResult(Struct):
    """The result of linking guests to reservations.

    Attributes:
        changed_count: The number of written reservations.
        damaged: Reservations with a damaged document, by external key.
    """

    changed_count: int = 0
    damaged: dict[str, InvalidEventError] = field(default_factory=dict)


async def read_guests(restaurant: RestaurantContext, keys: Iterable[str]) -> dict[str, Guest]:
    """Return the stored guests among some keys, by key."""
    collection = paths.guests_collection(restaurant.firestore, restaurant.id)
    references = [collection.document(key) for key in keys]
    with translate_firestore_errors():
        documents = await restaurant.firestore.rpc.read_existing(references, READ_TIMEOUT_SECONDS)
    guests = {
        key: read_guest_record(restaurant.id, document) for key, document in documents.items()
    }
    return {key: guest for key, guest in guests.items() if guest is not None}


async def follow_merges(restaurant: RestaurantContext, key: str) -> LinkedGuest | UnresolvedGuest:
    """Return the guest at the end of a key's merges; see `resolve_guest`."""
    guests: dict[str, Guest | None] = {}
    while True:
        resolved = resolve_guest(key, guests)
        if isinstance(resolved, LinkedGuest) or resolved.was_read:
            return resolved
        stored = await read_guests(restaurant, [resolved.key])
        guests[resolved.key] = stored.get(resolved.key)


async def save_guest(restaurant: RestaurantContext, guest: Guest) -> bool:
    """Store a guest unless the stored record supersedes it; return whether it was written."""
    guests = paths.guests_collection(restaurant.firestore, restaurant.id)

    def replace_record(stored: dict[str, Any] | None) -> dict[str, Any] | None:
        document = guest_to_map(guest)
        if stored is None:
            return document
        current = read_guest_record(restaurant.id, stored)
        if current is not None and not guest.supersedes(current):
            return None
        # An update sets single fields. Delete the others: a merged or forgotten guest must keep
        # no personal data.
        return document | dict.fromkeys(stored.keys() - document.keys(), DELETE_FIELD)

    result = await update_if_unmodified(guests.document(guest.key), replace_record)
    return result.changes is not None


async def save_guests(restaurant: RestaurantContext, guests: Sequence[Guest]) -> set[str]:
    """Store many guests as `save_guest` does; return the keys of new records."""
    collection = paths.guests_collection(restaurant.firestore, restaurant.id)
    created_keys: set[str] = set()
    for group in batched(guests, _GROUP_SIZE):
        stored = await read_guests(restaurant, [guest.key for guest in group])
        new = [guest for guest in group if guest.key not in stored]
        newer = [
            guest for guest in group if guest.key in stored and guest.supersedes(stored[guest.key])
        ]
        batch = restaurant.firestore.batch()
        for guest in new:
            batch.create(collection.document(guest.key), guest_to_map(guest))
        try:
            await batch.commit(retry=None, timeout=LARGE_WRITE_TIMEOUT_SECONDS)
            created_keys.update(guest.key for guest in new)
        except google.GoogleAPIError:
            # One record created by another writer fails the commit: store them one by one.
            newer += new
        for guest in newer:
            await save_guest(restaurant, guest)
    return created_keys


async def propagate_guest(
    restaurant: RestaurantContext,
    guest_key: str,
    damaged_keys: Collection[str] = (),
) -> LinkResult:
    """Link a stored guest to all its reservations (`find_reservations_of_guest`)."""
    reservation_keys = await find_reservations_of_guest(restaurant, guest_key, damaged_keys)
    links = [(key, guest_key) for key in reservation_keys]
    return await link_guests(restaurant, links, Channel.POLL)


async def link_guests(
    restaurant: RestaurantContext,
    links: Sequence[tuple[str, str]],
    channel: Channel,
) -> LinkResult:
    """Link stored guests to reservations; `links` are pairs of a reservation's and a guest's key.

    A failure is stored for each guest of a damaged reservation: a later run links it, once the
    document is corrected.
    """
    events = [
        # Without fields, the event puts no data of the guest in the journal.
        build_lineup_event(
            reservation_key,
            event_id=f"guest-{secrets.token_hex(8)}",
            event_type=GUEST_LINKED_EVENT_TYPE,
            occurred_at=restaurant.context.clock(),
            channel=channel,
            payload=json.dumps({"guestKey": guest_key}),
        )
        for reservation_key, guest_key in links
    ]
    linked = LinkResult()
    keys_by_guest: dict[str, tuple[list[str], list[str]]] = {}
    results = await apply_events(Ledger(restaurant), events)
    for (reservation_key, guest_key), result in zip(links, results, strict=True):
        linked_keys, damaged_keys = keys_by_guest.setdefault(guest_key, ([], []))
        if isinstance(result, ServiceUnavailableError):
            raise result
        if isinstance(result, InvalidEventError):
            linked.damaged[reservation_key] = result
            damaged_keys.append(reservation_key)
        else:
            linked.changed_count += result.write is not None
            linked_keys.append(reservation_key)
    for guest_key, (linked_keys, damaged_keys) in keys_by_guest.items():
        if damaged_keys:
            await store_link_failure(
                restaurant, guest_key, damaged_keys=damaged_keys, linked_keys=linked_keys
            )
    if linked.damaged:
        await update_guest_failure_summary(restaurant)
    return linked


async def is_guest_referenced(
    restaurant: RestaurantContext,
    guest_key: str,
    damaged_keys: Collection[str] = (),
) -> bool:
    """Return whether `find_reservations_of_guest` finds any; this reads one of them only."""
    found = await _query_reservation_keys(restaurant, guest_key, 1)
    return bool(found or await _read_existing_keys(restaurant, damaged_keys))


async def find_reservations_of_guest(
    restaurant: RestaurantContext,
    guest_key: str,
    damaged_keys: Collection[str] = (),
) -> list[str]:
    """Return the external keys of a guest's present and earlier reservations, merges included.

    `damaged_keys` are reservations that could not be linked before (`GuestFailure`): the damage may
    be in their list of guests. They are included as far as they exist.
    """
    keys = await _query_reservation_keys(restaurant, guest_key, _MAX_RESERVATIONS)
    return sorted({*keys, *await _read_existing_keys(restaurant, damaged_keys)})


async def _read_existing_keys(restaurant: RestaurantContext, keys: Collection[str]) -> list[str]:
    """Return the external keys that have a document."""
    references = {
        key: paths.reservation_document(restaurant.firestore, restaurant.id, key) for key in keys
    }
    with translate_firestore_errors():
        stored = await restaurant.firestore.rpc.read_existing(
            list(references.values()), READ_TIMEOUT_SECONDS
        )
    return [key for key, reference in references.items() if stored.get(reference.id)]


async def _query_reservation_keys(
    restaurant: RestaurantContext, guest_key: str, limit: int
) -> list[str]:
    """Return the external keys of reservations whose list of guests has the guest.

    The keys come from the document ids, since a damaged document may have lost its other key.
    """
    reservations = paths.reservations_collection(restaurant.firestore, restaurant.id)
    guest_filter = FieldFilter("guests.resolvedGuestKeys", "array_contains", guest_key)
    query = reservations.where(filter=guest_filter).select([])
    return [
        snapshot.id.removeprefix(OPENTABLE_DOCUMENT_PREFIX)
        for snapshot in await read_documents(query, limit)
        if snapshot.id.startswith(OPENTABLE_DOCUMENT_PREFIX)
    ]
