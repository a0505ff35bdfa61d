"""Erase a guest from every reservation, journal entry and quarantined body.

The guest's tombstone is stored before anything is erased, so later events about its reservations
are redacted before they are stored. No replay can restore the personal data. Reports contain none.
"""

import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import timedelta

from google.cloud.firestore import FieldFilter

from shared.context import RestaurantContext
from shared.domain.ledger.document import reservation_state_from_document
from shared.domain.ledger.events import Channel
from shared.domain.ledger.registers import collect_personal_values
from shared.domain.privacy import collect_referenced_keys, mentions_person, redact_json
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.documents import (
    QUERY_TIMEOUT_SECONDS,
    WRITE_TIMEOUT_SECONDS,
    translate_firestore_errors,
)
from shared.guests.repository import find_reservations_of_guest, link_guests
from shared.ledger.ledger import Ledger
from shared.log import LogEvent, Severity, log_event, log_unreadable_document

ERASURE_REPEAT_WINDOW = timedelta(days=2)


async def repeat_erasures(restaurant: RestaurantContext) -> None:
    """Erase again the guests that were forgotten in the last two days.

    A concurrent writer may have read a reservation before the erasure and written it afterwards.
    """
    since = restaurant.context.clock() - ERASURE_REPEAT_WINDOW
    guests = paths.guests_collection(restaurant.firestore, restaurant.id).where(
        filter=FieldFilter("forgottenAt", ">=", since)
    )
    with translate_firestore_errors():
        keys = [
            guest.id async for guest in guests.stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS)
        ]
    for key in keys:
        await erase_guest(restaurant, key)


async def erase_guest(
    restaurant: RestaurantContext,
    guest_key: str,
    aliases: Iterable[str] = (),
    damaged_keys: Collection[str] = (),
) -> int:
    """Erase a guest everywhere; return in how many places something was erased.

    The guest's tombstone must be stored before. A repeated erasure finds nothing. `aliases` are
    names, phone numbers and addresses to search quarantined bodies for, and `damaged_keys`
    reservations from which the guest could not be erased before.
    """
    reservation_keys = await find_reservations_of_guest(restaurant, guest_key, damaged_keys)
    ledger = Ledger(restaurant)
    with translate_firestore_errors():
        # The quarantine first: the names to search it for come from the reservations.
        names = await _collect_names(restaurant, guest_key, reservation_keys)
        erased_count = await _redact_quarantine(
            restaurant, {guest_key, *reservation_keys}, names.union(aliases)
        )
        for key in reservation_keys:
            # The commit redacts the journal as well, but does not count the entries.
            erased_count += await ledger.repository.redact_journal(key)
        links = [(key, guest_key) for key in reservation_keys]
        linked = await link_guests(restaurant, links, Channel.POLL)
        erased_count += linked.changed_count
        for key, error in linked.damaged.items():
            log_unreadable_document(
                restaurant.id,
                "reservations",
                error,
                external_id=key,
                severity=Severity.ERROR,
            )
        if erased_count:
            await _record_erasure(restaurant, erased_count)
    return erased_count


async def _collect_names(
    restaurant: RestaurantContext, guest_key: str, reservation_keys: list[str]
) -> set[str]:
    """Return the guest's names, phone numbers and addresses in the stored reservations."""
    names: set[str] = set()
    references = [
        paths.reservation_document(restaurant.firestore, restaurant.id, key)
        for key in reservation_keys
    ]
    async for snapshot in restaurant.firestore.get_all(
        references, retry=None, timeout=QUERY_TIMEOUT_SECONDS
    ):
        with suppress(UnreadableDocumentError):
            state = reservation_state_from_document(flatten_document(snapshot.to_dict() or {}))
            names |= {*collect_personal_values(state, guest_key)}
    return names


async def _redact_quarantine(restaurant: RestaurantContext, keys: set[str], names: set[str]) -> int:
    """Redact quarantined bodies that contain one of the keys or names; return how many."""
    items = paths.quarantine_collection(restaurant.firestore, restaurant.id)
    redacted_count = 0
    async for item in items.stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS):
        body = str((item.to_dict() or {}).get("body"))
        redacted = redact_json(body)
        is_referenced = keys & collect_referenced_keys(body, restaurant.settings.rid)
        if (is_referenced or mentions_person(body, names)) and body != redacted:
            await item.reference.update(
                {"body": redacted, "summary.guest": None},
                retry=None,
                timeout=WRITE_TIMEOUT_SECONDS,
            )
            redacted_count += 1
    return redacted_count


async def _record_erasure(restaurant: RestaurantContext, erased_count: int) -> None:
    """Store and log an erasure; the record must not identify the guest."""
    entry = {"kind": "FORGOTTEN", "erasedAt": restaurant.context.clock(), "places": erased_count}
    erasures = paths.erasures_collection(restaurant.firestore, restaurant.id)
    await erasures.document(secrets.token_hex(8)).set(
        entry, retry=None, timeout=WRITE_TIMEOUT_SECONDS
    )
    log_event(Severity.INFO, LogEvent.GUEST_ERASED, restaurantId=restaurant.id, places=erased_count)
