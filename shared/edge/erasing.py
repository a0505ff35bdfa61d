"""Forgetting a diner: out of every reservation, journal and quarantined body, for good.

The tombstone is stored before anything is erased: from then on whatever is said about a
reservation of this guest is scrubbed before it is kept, so that no replay brings the person
back. Reports hold no personal values in the first place.
"""

import secrets
from collections.abc import Iterable
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference

from shared.core.change import Source
from shared.core.document import UNKNOWN_DINER
from shared.core.erasure import GUEST_PATHS, scrubbed_entry, scrubbed_text
from shared.core.guest import Guest
from shared.core.settings import Settings
from shared.edge import paths
from shared.edge.guests import joining, reservations_naming
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import LedgerUnavailableError

_SECONDS = 30.0


async def erase_guest(
    services: Services, settings: Settings, guest: Guest, known_as: Iterable[str] = ()
) -> int:
    """Erase a forgotten guest from everything that is stored; doing it again does no harm.

    Args:
        services: The process's services.
        settings: The restaurant's, usable.
        guest: The tombstone, which is held already.
        known_as: Names, numbers and addresses by which a quarantined body may tell of it.

    Returns:
        In how many places something was erased.

    Raises:
        LedgerUnavailableError: When some of it could not be erased yet.
    """
    places = 0
    keys = await reservations_naming(services, settings, guest.key)
    ledger = services.ledger(settings)
    try:
        marks = {guest.key, *keys, *known_as, *await _known_as(services, settings, keys)}
        for key in keys:
            applied = await ledger.apply(joining(key, guest.key, services.clock(), Source.POLL))
            places += applied.commit is not None
            places += await _erase_journal(services, settings, key)
        places += await _erase_quarantine(services, settings, marks)
        if places:
            await _note(services, settings, places)
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    return places


async def _known_as(services: Services, settings: Settings, keys: list[str]) -> set[str]:
    """Return the names, numbers and addresses that reservations show."""
    wanted = [paths.reservation(services.firestore, settings.restaurant_id, key) for key in keys]
    shown = services.firestore.get_all(wanted, retry=None, timeout=_SECONDS)
    documents = [snapshot.to_dict() or {} async for snapshot in shown]
    values = {document.get(path) for document in documents for path in GUEST_PATHS}
    return {value for value in values if value and value != UNKNOWN_DINER}


async def _erase_journal(services: Services, settings: Settings, key: str) -> int:
    reservation = paths.reservation(services.firestore, settings.restaurant_id, key)
    places = 0
    async for entry in paths.journal(reservation).stream(retry=None, timeout=_SECONDS):
        scrubbed = scrubbed_entry(entry.to_dict() or {})
        if scrubbed:
            await _update(entry.reference, scrubbed)
            places += 1
    return places


async def _erase_quarantine(services: Services, settings: Settings, marks: set[str]) -> int:
    """Scrub the bodies that tell of the guest or of one of its reservations."""
    items = paths.quarantine(services.firestore, settings.restaurant_id)
    places = 0
    async for item in items.stream(retry=None, timeout=_SECONDS):
        body = str(item.get("body"))
        scrubbed = scrubbed_text(body)
        if body != scrubbed and any(mark in body.lower() for mark in map(str.lower, marks)):
            await _update(item.reference, {"body": scrubbed})
            places += 1
    return places


async def _update(reference: AsyncDocumentReference, fields: dict[str, Any]) -> None:
    await reference.update(fields, retry=None, timeout=_SECONDS)


async def _note(services: Services, settings: Settings, places: int) -> None:
    """Journal the erasure: what kind, when and in how many places, and of whom nothing."""
    erasures = paths.erasures(services.firestore, settings.restaurant_id)
    entry = {"kind": "FORGOTTEN", "erasedAt": services.clock(), "places": places}
    await erasures.document(secrets.token_hex(8)).set(entry, retry=None, timeout=_SECONDS)
    log(Severity.INFO, Event.ERASED, restaurantId=settings.restaurant_id, places=places)
