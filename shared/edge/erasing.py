"""Forgetting a diner: out of every reservation, journal and quarantined body, for good.

The tombstone is stored before anything is erased: from then on whatever is said about a
reservation of this guest is scrubbed before it is kept, so that no replay brings the person
back. Reports hold no personal values in the first place.
"""

import secrets
from collections.abc import Iterable

from google.api_core import exceptions as google

from shared.core.change import Source
from shared.core.document import flatten
from shared.core.erasure import names_held, scrubbed_text
from shared.core.settings import Settings
from shared.core.stored import statements_of
from shared.core.telling import keys_told, tells_of
from shared.edge import paths
from shared.edge.guests import joining, reservations_naming
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import LedgerUnavailableError

_SECONDS = 30.0


async def erase_guest(
    services: Services, settings: Settings, guest_key: str, known_as: Iterable[str] = ()
) -> int:
    """Erase a forgotten guest from everything that is stored; doing it again does no harm.

    Args:
        services: The process's services.
        settings: The restaurant's, usable.
        guest_key: The guest's key, which leads to a tombstone that is held already.
        known_as: Names, numbers and addresses by which a quarantined body may tell of it.

    Returns:
        In how many places something was erased.

    Raises:
        LedgerUnavailableError: When some of it could not be erased yet.
    """
    keys = await reservations_naming(services, settings, guest_key)
    try:
        # The quarantine first: the reservations tell by which names to search it.
        names = {*known_as, *await _names_held(services, settings, keys, guest_key)}
        places = await _erase_quarantine(services, settings, {guest_key, *keys}, names)
        for key in keys:
            places += await _erase_reservation(services, settings, key, guest_key)
        if places:
            await _note(services, settings, places)
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    return places


async def _names_held(
    services: Services, settings: Settings, keys: list[str], guest_key: str
) -> set[str]:
    wanted = [paths.reservation(services.firestore, settings.restaurant_id, key) for key in keys]
    found = services.firestore.get_all(wanted, retry=None, timeout=_SECONDS)
    held = [statements_of(flatten(snapshot.to_dict() or {})) async for snapshot in found]
    return {name for statements in held for name in names_held(statements, guest_key)}


async def _erase_quarantine(
    services: Services, settings: Settings, keys: set[str], names: set[str]
) -> int:
    """Scrub the bodies that tell of the guest or of one of its reservations."""
    items = paths.quarantine(services.firestore, settings.restaurant_id)
    places = 0
    async for item in items.stream(retry=None, timeout=_SECONDS):
        body = str(item.get("body"))
        scrubbed = scrubbed_text(body)
        told = keys & keys_told(body, settings.rid) or tells_of(body, names)
        if told and body != scrubbed:
            await item.reference.update({"body": scrubbed}, retry=None, timeout=_SECONDS)
            places += 1
    return places


async def _erase_reservation(
    services: Services, settings: Settings, key: str, guest_key: str
) -> int:
    ledger = services.ledger(settings)
    # The journal again with the commit, for what came in between; here it is counted.
    places = await ledger.shelf.scrub_journal(key)
    applied = await ledger.apply(joining(key, guest_key, services.clock(), Source.POLL))
    return places + (applied.commit is not None)


async def _note(services: Services, settings: Settings, places: int) -> None:
    """Journal the erasure: what kind, when and in how many places, and of whom nothing."""
    erasures = paths.erasures(services.firestore, settings.restaurant_id)
    entry = {"kind": "FORGOTTEN", "erasedAt": services.clock(), "places": places}
    await erasures.document(secrets.token_hex(8)).set(entry, retry=None, timeout=_SECONDS)
    log(Severity.INFO, Event.ERASED, restaurantId=settings.restaurant_id, places=places)
