"""Writing a restaurant's integration settings: field by field, with the claim of its rid."""

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import (
    DELETE_FIELD,
    AsyncClient,
    AsyncWriteBatch,
    DocumentSnapshot,
)

from shared.core.settings import Settings, settings_from
from shared.edge import paths
from shared.edge.reading import read_one, unavailable_on_failure
from shared.errors import LedgerUnavailableError

_WRITE_SECONDS = 5.0
_MOST_ATTEMPTS = 5
_MOVED = (google.Conflict, google.FailedPrecondition, google.NotFound)


class RidTakenError(Exception):
    """Another restaurant holds this OpenTable number."""


async def read_settings(client: AsyncClient, restaurant_id: str) -> Settings | None:
    """Read a restaurant's settings past every cache, None where it has none.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    document = await read_integration(client, restaurant_id)
    return None if document is None else settings_from(restaurant_id, document)


async def read_integration(client: AsyncClient, restaurant_id: str) -> dict[str, Any] | None:
    """Read a restaurant's settings document, run state included; as `read_settings`."""
    return (await read_one(paths.integration(client, restaurant_id))).to_dict()


async def change_settings(
    client: AsyncClient, restaurant_id: str, fields: Mapping[str, Any], now: datetime
) -> None:
    """Write some settings, and claim the rid in the same commit where it is among them.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        fields: Settings field to value, at least one; all others stay as they are.
        now: The time, UTC.

    Raises:
        InvalidSettingsError: When the integration would be switched on without being usable.
        RidTakenError: When another restaurant holds the rid.
        LedgerUnavailableError: When it could not be committed now.
    """
    reference = paths.integration(client, restaurant_id)
    for _ in range(_MOST_ATTEMPTS):
        held = await read_one(reference)
        _refuse_unusable(restaurant_id, {**(held.to_dict() or {}), **fields})
        batch = client.batch()
        await _claim(client, batch, held, fields.get("restaurantId"))
        _write(client, batch, held, {**fields, "updatedAt": now})
        with unavailable_on_failure(), contextlib.suppress(*_MOVED):
            await batch.commit(retry=None, timeout=_WRITE_SECONDS)
            return
    raise LedgerUnavailableError("the settings kept changing while they were written")


async def release_rid(client: AsyncClient, restaurant_id: str, now: datetime) -> str | None:
    """Give a restaurant's rid up, so that another may claim it; the integration is switched off.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        now: The time, UTC.

    Returns:
        The rid that was released, None where the restaurant held none.

    Raises:
        LedgerUnavailableError: When it could not be committed now.
    """
    reference = paths.integration(client, restaurant_id)
    for _ in range(_MOST_ATTEMPTS):
        held = await read_one(reference)
        rid = (held.to_dict() or {}).get("restaurantId")
        if not isinstance(rid, str):
            return None
        batch = client.batch()
        await _release(client, batch, restaurant_id, rid)
        gone = {"enabled": False, "restaurantId": DELETE_FIELD, "updatedAt": now}
        _write(client, batch, held, gone)
        with unavailable_on_failure(), contextlib.suppress(*_MOVED):
            await batch.commit(retry=None, timeout=_WRITE_SECONDS)
            return rid
    raise LedgerUnavailableError("the settings kept changing while the rid was released")


def _refuse_unusable(restaurant_id: str, whole: Mapping[str, Any]) -> None:
    settings = settings_from(restaurant_id, whole)
    if settings.enabled:
        settings.usable_zone()
        settings.usable_rid()


async def _claim(
    client: AsyncClient, batch: AsyncWriteBatch, held: DocumentSnapshot[Any], rid: str | None
) -> None:
    """Add to a commit the claim of a new rid, and the release of the one held before.

    Raises:
        RidTakenError: When another restaurant holds the new one.
    """
    restaurant_id = held.reference.parent.parent.id
    before = (held.to_dict() or {}).get("restaurantId")
    if rid is None:
        return
    claim = (await read_one(paths.route(client, rid))).to_dict()
    if claim is None:
        batch.create(paths.route(client, rid), {"restaurantId": restaurant_id})
    elif claim.get("restaurantId") != restaurant_id:
        raise RidTakenError
    if isinstance(before, str) and before != rid:
        await _release(client, batch, restaurant_id, before)


async def _release(
    client: AsyncClient, batch: AsyncWriteBatch, restaurant_id: str, rid: str
) -> None:
    """Add to a commit the release of a rid, where its claim is this restaurant's."""
    claim = await read_one(paths.route(client, rid))
    if (claim.to_dict() or {}).get("restaurantId") == restaurant_id:
        unmoved = client.write_option(last_update_time=claim.update_time)
        batch.delete(claim.reference, option=unmoved)


def _write(
    client: AsyncClient,
    batch: AsyncWriteBatch,
    held: DocumentSnapshot[Any],
    fields: dict[str, Any],
) -> None:
    """Add to a commit the fields, on the condition that nobody wrote the document meanwhile.

    A poll that ends in between moves it too; then all is read and judged again.
    """
    if held.exists:
        unmoved = client.write_option(last_update_time=held.update_time)
        batch.update(held.reference, fields, option=unmoved)
    else:
        batch.create(held.reference, fields)
