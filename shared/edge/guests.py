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
from google.cloud.firestore import DELETE_FIELD, DocumentSnapshot, FieldFilter

from shared.core.change import Change, Source, Speaker, Version
from shared.core.guest import Guest, guest_from, stored_guest
from shared.core.guesting import GUEST_JOINED
from shared.core.joined import Joined, Unknown, join
from shared.core.settings import Settings
from shared.edge import paths
from shared.edge.services import Services
from shared.errors import LedgerUnavailableError

_SECONDS = 5.0
_QUERY_SECONDS = 30.0
_MOST_ATTEMPTS = 5
_GROUP = 200


async def read_guests(
    services: Services, settings: Settings, keys: Iterable[str]
) -> dict[str, Guest]:
    """Return those guests of some keys that are held.

    Raises:
        LedgerUnavailableError: When they could not be read.
    """
    guests = paths.guests(services.firestore, settings.restaurant_id)
    wanted = [guests.document(key) for key in keys]
    held: dict[str, dict[str, Any] | None] = {}
    try:
        for start in range(0, len(wanted), _GROUP):
            group = wanted[start : start + _GROUP]
            found = services.firestore.get_all(group, retry=None, timeout=_SECONDS)
            held |= {snapshot.id: snapshot.to_dict() async for snapshot in found}
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    return {key: guest_from(document) for key, document in held.items() if document is not None}


async def follow_merges(services: Services, settings: Settings, key: str) -> Joined | Unknown:
    """Follow a guest's key to the guest that it leads to (see `shared.core.joined.join`).

    Raises:
        LedgerUnavailableError: When a record could not be read.
    """
    held: dict[str, Guest | None] = {}
    while isinstance(found := join(key, held), Unknown) and not found.was_read:
        held[found.key] = (await read_guests(services, settings, [found.key])).get(found.key)
    return found


async def hold_guest(services: Services, settings: Settings, guest: Guest) -> bool:
    """Keep a guest's record unless a later one is held.

    Returns:
        Whether it was news.

    Raises:
        LedgerUnavailableError: When it could not be stored.
    """
    reference = paths.guests(services.firestore, settings.restaurant_id).document(guest.key)
    for _ in range(_MOST_ATTEMPTS):
        try:
            snapshot = await reference.get(retry=None, timeout=_SECONDS)
            document = snapshot.to_dict()
            if document is not None and not guest.outranks(guest_from(document)):
                return False
            await _write(services, snapshot, guest)
        except (google.Conflict, google.FailedPrecondition, google.NotFound):
            continue
        except google.GoogleAPIError as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        return True
    raise LedgerUnavailableError("the guest's record kept changing")


async def hold_guests(services: Services, settings: Settings, guests: Sequence[Guest]) -> set[str]:
    """Keep many guests' records, each unless a later one is held.

    Returns:
        The keys of those of whom nothing was held before.

    Raises:
        LedgerUnavailableError: When one could not be stored.
    """
    created: set[str] = set()
    for start in range(0, len(guests), _GROUP):
        group = guests[start : start + _GROUP]
        held = await read_guests(services, settings, [guest.key for guest in group])
        new = [guest for guest in group if guest.key not in held]
        later = [guest for guest in group if guest.key in held and guest.outranks(held[guest.key])]
        if await _create_all(services, settings, new):
            created.update(guest.key for guest in new)
        else:
            later += new
        for guest in later:
            await hold_guest(services, settings, guest)
    return created


async def _create_all(services: Services, settings: Settings, guests: Sequence[Guest]) -> bool:
    """Create records in one commit; False where any of them was there, or none could be."""
    references = paths.guests(services.firestore, settings.restaurant_id)
    batch = services.firestore.batch()
    for guest in guests:
        batch.create(references.document(guest.key), stored_guest(guest))
    try:
        await batch.commit(retry=None, timeout=_SECONDS)
    except google.GoogleAPIError:
        return False
    return True


async def _write(services: Services, snapshot: DocumentSnapshot[Any], guest: Guest) -> None:
    """Replace a record whole, on the condition that nobody wrote it since it was read."""
    document = stored_guest(guest)
    if not snapshot.exists:
        await snapshot.reference.create(document, retry=None, timeout=_SECONDS)
        return
    gone = dict.fromkeys((snapshot.to_dict() or {}).keys() - document.keys(), DELETE_FIELD)
    unmoved = services.firestore.write_option(last_update_time=snapshot.update_time)
    await snapshot.reference.update(
        {**document, **gone}, option=unmoved, retry=None, timeout=_SECONDS
    )


async def spread_guest(
    services: Services, settings: Settings, guest_key: str, source: Source
) -> int:
    """Join a guest's record to every reservation that names it.

    Args:
        services: The process's services.
        settings: The restaurant's, usable.
        guest_key: The key of a record that is held.
        source: Which way it came.

    Returns:
        How many reservations changed.

    Raises:
        LedgerUnavailableError: When they could not be found or written.
    """
    ledger = services.ledger(settings)
    changed = 0
    for key in await reservations_naming(services, settings, guest_key):
        applied = await ledger.apply(joining(key, guest_key, services.clock(), source))
        changed += applied.commit is not None
    return changed


async def reservations_naming(
    services: Services, settings: Settings, guest_key: str, most: int = 100_000
) -> list[str]:
    """Return the external keys of the reservations that ever named or led to a guest.

    Args:
        services: The process's services.
        settings: The restaurant's.
        guest_key: The guest's key.
        most: How many are wanted at the most.

    Raises:
        LedgerUnavailableError: When they could not be listed.
    """
    named = FieldFilter("guests.ledTo", "array_contains", guest_key)
    query = paths.reservations(services.firestore, settings.restaurant_id).where(filter=named)
    keys = query.select(["source.externalReservationId"]).limit(most)
    try:
        return [
            snapshot.get("source.externalReservationId")
            async for snapshot in keys.stream(retry=None, timeout=_QUERY_SECONDS)
        ]
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None


def joining(external_key: str, guest_key: str, now: datetime, source: Source) -> Change:
    """Return the change that joins a guest: it says nothing, so its journal entry tells nobody."""
    event_id = f"guest-{secrets.token_hex(8)}"
    return Change(
        external_key=external_key,
        event_id=event_id,
        event_type=GUEST_JOINED,
        speaker=Speaker.LINEUP,
        version=Version.of_envelope(now, event_id),
        said={},
        payload=json.dumps({"guestKey": guest_key}),
        source=source,
    )
