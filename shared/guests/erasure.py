"""Forgetting a diner: out of every reservation, journal and quarantined body, for good.

The tombstone is stored before anything is erased: from then on whatever is said about a
reservation of this guest is scrubbed before it is kept, so that no replay brings the person
back. Reports hold no personal values in the first place.
"""

import secrets
from collections.abc import Iterable

from google.api_core import exceptions as google

from shared.context import AppContext
from shared.domain.ledger.document import flatten_document
from shared.domain.ledger.events import Channel
from shared.domain.ledger.registers import reservation_state_from_document
from shared.domain.privacy import (
    collect_personal_values,
    mentions_person,
    redact_json,
    referenced_keys,
)
from shared.domain.settings import IntegrationSettings
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.guests.repository import find_reservations_of_guest, guest_link_event
from shared.ledger.ledger import open_ledger
from shared.log import LogEvent, Severity, log_event

_TIMEOUT_SECONDS = 30.0


async def erase_guest(
    context: AppContext, settings: IntegrationSettings, guest_key: str, aliases: Iterable[str] = ()
) -> int:
    """Erase a forgotten guest from everything that is stored; doing it again does no harm.

    Args:
        context: The process's services.
        settings: The restaurant's, usable.
        guest_key: The guest's key, which leads to a tombstone that is held already.
        aliases: Names, numbers and addresses by which a quarantined body may tell of it.

    Returns:
        In how many places something was erased.

    Raises:
        LedgerUnavailableError: When some of it could not be erased yet.
    """
    reservation_keys = await find_reservations_of_guest(context, settings, guest_key)
    try:
        # The quarantine first: the reservations tell by which names to search it.
        names = {*aliases, *await _collect_names(context, settings, reservation_keys, guest_key)}
        erased_count = await _erase_quarantine(
            context, settings, {guest_key, *reservation_keys}, names
        )
        for key in reservation_keys:
            erased_count += await _erase_reservation(context, settings, key, guest_key)
        if erased_count:
            await _journal_erasure(context, settings, erased_count)
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    return erased_count


async def _collect_names(
    context: AppContext, settings: IntegrationSettings, keys: list[str], guest_key: str
) -> set[str]:
    references = [
        paths.reservation_document(context.firestore, settings.restaurant_id, key) for key in keys
    ]
    documents = context.firestore.get_all(references, retry=None, timeout=_TIMEOUT_SECONDS)
    states = [
        reservation_state_from_document(flatten_document(snapshot.to_dict() or {}))
        async for snapshot in documents
    ]
    return {name for state in states for name in collect_personal_values(state, guest_key)}


async def _erase_quarantine(
    context: AppContext, settings: IntegrationSettings, keys: set[str], names: set[str]
) -> int:
    """Scrub the bodies that tell of the guest or of one of its reservations."""
    items = paths.quarantine_collection(context.firestore, settings.restaurant_id)
    erased_count = 0
    async for item in items.stream(retry=None, timeout=_TIMEOUT_SECONDS):
        body = str(item.get("body"))
        redacted = redact_json(body)
        is_mentioned = keys & referenced_keys(body, settings.rid) or mentions_person(body, names)
        if is_mentioned and body != redacted:
            await item.reference.update({"body": redacted}, retry=None, timeout=_TIMEOUT_SECONDS)
            erased_count += 1
    return erased_count


async def _erase_reservation(
    context: AppContext, settings: IntegrationSettings, key: str, guest_key: str
) -> int:
    ledger = open_ledger(context, settings)
    # The journal again with the commit, for what came in between; here it is counted.
    erased_count = await ledger.repository.scrub_journal(key)
    applied = await ledger.apply(guest_link_event(key, guest_key, context.clock(), Channel.POLL))
    return erased_count + (applied.write is not None)


async def _journal_erasure(
    context: AppContext, settings: IntegrationSettings, erased_count: int
) -> None:
    """Journal the erasure: what kind, when and in how many places, and of whom nothing."""
    erasures = paths.erasures_collection(context.firestore, settings.restaurant_id)
    entry = {"kind": "FORGOTTEN", "erasedAt": context.clock(), "places": erased_count}
    await erasures.document(secrets.token_hex(8)).set(entry, retry=None, timeout=_TIMEOUT_SECONDS)
    log_event(
        Severity.INFO,
        LogEvent.GUEST_ERASED,
        restaurantId=settings.restaurant_id,
        places=erased_count,
    )
