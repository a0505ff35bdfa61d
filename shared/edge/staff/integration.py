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

from shared.core.settings import IntegrationSettings, parse_settings
from shared.edge import paths
from shared.edge.reading import read_document, translate_firestore_errors
from shared.errors import ServiceUnavailableError

_WRITE_TIMEOUT_SECONDS = 5.0
_MAX_ATTEMPTS = 5
_CONCURRENT_WRITE_ERRORS = (google.Conflict, google.FailedPrecondition, google.NotFound)


class RidTakenError(Exception):
    """Another restaurant holds this OpenTable number."""


async def read_settings(client: AsyncClient, restaurant_id: str) -> IntegrationSettings | None:
    """Read a restaurant's settings past every cache, None where it has none.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    document = await read_integration_document(client, restaurant_id)
    return None if document is None else parse_settings(restaurant_id, document)


async def read_integration_document(
    client: AsyncClient, restaurant_id: str
) -> dict[str, Any] | None:
    """Read a restaurant's settings document, run state included; as `read_settings`."""
    return (await read_document(paths.integration_document(client, restaurant_id))).to_dict()


async def update_settings(
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
    reference = paths.integration_document(client, restaurant_id)
    for _ in range(_MAX_ATTEMPTS):
        snapshot = await read_document(reference)
        _check_usable_if_enabled(restaurant_id, {**(snapshot.to_dict() or {}), **fields})
        batch = client.batch()
        await _add_rid_claim(client, batch, snapshot, fields.get("restaurantId"))
        _add_settings_write(client, batch, snapshot, {**fields, "updatedAt": now})
        with translate_firestore_errors(), contextlib.suppress(*_CONCURRENT_WRITE_ERRORS):
            await batch.commit(retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
            return
    raise ServiceUnavailableError("the settings kept changing while they were written")


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
    reference = paths.integration_document(client, restaurant_id)
    for _ in range(_MAX_ATTEMPTS):
        snapshot = await read_document(reference)
        rid = (snapshot.to_dict() or {}).get("restaurantId")
        if not isinstance(rid, str):
            return None
        batch = client.batch()
        await _add_rid_release(client, batch, restaurant_id, rid)
        release_fields = {"enabled": False, "restaurantId": DELETE_FIELD, "updatedAt": now}
        _add_settings_write(client, batch, snapshot, release_fields)
        with translate_firestore_errors(), contextlib.suppress(*_CONCURRENT_WRITE_ERRORS):
            await batch.commit(retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
            return rid
    raise ServiceUnavailableError("the settings kept changing while the rid was released")


def _check_usable_if_enabled(restaurant_id: str, fields: Mapping[str, Any]) -> None:
    settings = parse_settings(restaurant_id, fields)
    if settings.is_enabled:
        settings.require_zone()
        settings.require_rid()


async def _add_rid_claim(
    client: AsyncClient, batch: AsyncWriteBatch, snapshot: DocumentSnapshot[Any], rid: str | None
) -> None:
    """Add to a commit the claim of a new rid, and the release of the one held before.

    Raises:
        RidTakenError: When another restaurant holds the new one.
    """
    restaurant_id = snapshot.reference.parent.parent.id
    previous_rid = (snapshot.to_dict() or {}).get("restaurantId")
    if rid is None:
        return
    claim = (await read_document(paths.rid_claim_document(client, rid))).to_dict()
    if claim is None:
        batch.create(paths.rid_claim_document(client, rid), {"restaurantId": restaurant_id})
    elif claim.get("restaurantId") != restaurant_id:
        raise RidTakenError
    if isinstance(previous_rid, str) and previous_rid != rid:
        await _add_rid_release(client, batch, restaurant_id, previous_rid)


async def _add_rid_release(
    client: AsyncClient, batch: AsyncWriteBatch, restaurant_id: str, rid: str
) -> None:
    """Add to a commit the release of a rid, where its claim is this restaurant's."""
    claim = await read_document(paths.rid_claim_document(client, rid))
    if (claim.to_dict() or {}).get("restaurantId") == restaurant_id:
        precondition = client.write_option(last_update_time=claim.update_time)
        batch.delete(claim.reference, option=precondition)


def _add_settings_write(
    client: AsyncClient,
    batch: AsyncWriteBatch,
    snapshot: DocumentSnapshot[Any],
    fields: dict[str, Any],
) -> None:
    """Add to a commit the fields, on the condition that nobody wrote the document meanwhile.

    A poll that ends in between moves it too; then all is read and judged again.
    """
    if snapshot.exists:
        precondition = client.write_option(last_update_time=snapshot.update_time)
        batch.update(snapshot.reference, fields, option=precondition)
    else:
        batch.create(snapshot.reference, fields)
