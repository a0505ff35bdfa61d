"""Writing a restaurant's integration settings: field by field, with the claim of its rid.

Trying a restaurant's connection to OpenTable: a real token, and one row.

A look at what would keep a restaurant's webhooks out, once a poll.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore import (
    DELETE_FIELD,
    AsyncClient,
    AsyncWriteBatch,
    DocumentSnapshot,
)
from msgspec import Struct

from shared.concurrency import Deadline
from shared.context import AppContext, RestaurantContext
from shared.domain.settings import IntegrationSettings, parse_settings, webhook_config_problems
from shared.errors import InvalidSettingsError, OpenTableError
from shared.firestore import paths
from shared.firestore.documents import WRITE_TIMEOUT_SECONDS, read_document, retry_on_conflict
from shared.log import LogEvent, Severity, log_event
from shared.opentable.query import OpenTableAccess


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

    async def update_once() -> None:
        snapshot = await read_document(reference)
        _check_usable_if_enabled(restaurant_id, {**(snapshot.to_dict() or {}), **fields})
        batch = client.batch()
        await _add_rid_claim(client, batch, snapshot, fields.get("restaurantId"))
        _add_settings_write(client, batch, snapshot, {**fields, "updatedAt": now})
        await batch.commit(retry=None, timeout=WRITE_TIMEOUT_SECONDS)

    await retry_on_conflict(update_once)


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

    async def release_once() -> str | None:
        snapshot = await read_document(reference)
        rid = (snapshot.to_dict() or {}).get("restaurantId")
        if not isinstance(rid, str):
            return None
        batch = client.batch()
        await _add_rid_release(client, batch, restaurant_id, rid)
        release_fields = {"enabled": False, "restaurantId": DELETE_FIELD, "updatedAt": now}
        _add_settings_write(client, batch, snapshot, release_fields)
        await batch.commit(retry=None, timeout=WRITE_TIMEOUT_SECONDS)
        return rid

    return await retry_on_conflict(release_once)


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


CONNECTION_TEST_TIMEOUT_SECONDS = 12.0


class ConnectionTestResult(Struct, frozen=True):
    """How a trial of the connection ended.

    Attributes:
        is_working: Whether OpenTable answered with the restaurant's rows.
        row_count: How many of its rows came, of the one asked for; a new book may be empty.
        problem: What to do where it did not, in words.
    """

    is_working: bool
    row_count: int = 0
    problem: str | None = None


async def probe_connection(
    context: AppContext, settings: IntegrationSettings
) -> ConnectionTestResult:
    """Ask OpenTable for one of the restaurant's reservations, with its present credentials.

    Args:
        context: The process's services.
        settings: The restaurant's, as they are stored now.

    Raises:
        LedgerUnavailableError: When the credentials cannot be read now.
    """
    context.directory.invalidate(settings)
    deadline = Deadline.after(CONNECTION_TEST_TIMEOUT_SECONDS)
    try:
        settings.require_zone()
        access = OpenTableAccess(
            settings.require_rid(), await context.directory.load_credentials(settings)
        )
        row_count = await context.opentable.probe_listing(access, deadline)
    except (InvalidSettingsError, OpenTableError) as error:
        return ConnectionTestResult(is_working=False, problem=str(error))
    return ConnectionTestResult(is_working=True, row_count=row_count)


async def check_webhook_settings(restaurant: RestaurantContext) -> list[str]:
    """Return what is to be mended, a sentence each, having logged it; it costs one read.

    Args:
        restaurant: To the restaurant's book.

    Raises:
        LedgerUnavailableError: When the claim of the restaurant's rid cannot be read.
    """
    client, settings = restaurant.context.firestore, restaurant.settings
    claim = (
        await read_document(paths.rid_claim_document(client, settings.require_rid()))
    ).to_dict() or {}
    claimant = claim.get("restaurantId")
    claimed_by = claimant if isinstance(claimant, str) else None
    problems = webhook_config_problems(settings, restaurant.access.credentials, claimed_by)
    for problem in problems:
        log_event(
            Severity.WARNING,
            LogEvent.SETTINGS_WARNING,
            restaurantId=settings.restaurant_id,
            problem=problem,
        )
    return list(problems)
