"""Restore the missing documents of a restaurant from a backup.

Nothing that exists is overwritten: it is newer than the backup. Journals then complete the
documents, and persons who were erased after the backup are erased again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from google.cloud.firestore_v1.types import Document
from msgspec import Struct, field

from shared.backup.archive import BackupHeader, iterate_backup_documents
from shared.context import AppContext
from shared.domain.ledger.guest_link import guest_from_map
from shared.domain.polling import poll_cursor_from_document, read_run_state
from shared.domain.privacy import is_expired
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.errors import InvalidSettingsError, UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.codec import decode_fields, encode_fields
from shared.firestore.documents import (
    LARGE_WRITE_TIMEOUT_SECONDS,
    QUERY_TIMEOUT_SECONDS,
    read_document,
    translate_firestore_errors,
    update_if_unmodified,
)
from shared.guests.erasure import erase_guest
from shared.ledger.rebuild import RebuildResult, rebuild_restaurant
from shared.restaurants.settings import RidTakenError

_MAX_BATCH_DOCUMENTS = 200
_MAX_BATCH_BYTES = 4_000_000
_RUN_KINDS = ("poll", "backfill", "reconciliation")


class IntegrationEnabledError(Exception):
    """The integration is enabled, so runs would work on a half restored ledger."""


class RestoreResult(Struct):
    """What a restore did.

    Attributes:
        created: Documents by collection.
        existing: Documents that were left as they are.
        erased_places: Places from which erased persons were removed again.
        rebuilt: Reservations that were completed from their journals, or cannot be.
    """

    created: Counter[str] = field(default_factory=Counter)
    existing: int = 0
    erased_places: int = 0
    rebuilt: list[RebuildResult] = field(default_factory=list)


async def restore_restaurant(
    context: AppContext, header: BackupHeader, lines: Iterable[str]
) -> RestoreResult:
    """Create the missing documents of a backup; the integration stays disabled.

    Check all lines with `iterate_backup_documents` first. After a failure, a restore may be
    repeated.

    Raises:
        IntegrationEnabledError: The integration must be disabled first.
        InvalidBackupError: The file is no complete backup.
        InvalidSettingsError: The settings have no usable time zone, so nothing can be rebuilt.
        RidTakenError: Another restaurant has claimed the rid of the backup.
    """
    client, restaurant_id = context.firestore, header.restaurant_id
    reference = paths.integration_document(client, restaurant_id)
    stored = (await read_document(reference)).to_dict()
    if stored is not None and parse_settings(restaurant_id, stored).is_enabled:
        raise IntegrationEnabledError
    aliases = {key: set[str]() for key in await _list_forgotten_guests(context, restaurant_id)}
    result, now = RestoreResult(), context.clock()
    for batch in _split_into_batches(iterate_backup_documents(lines, restaurant_id), now):
        if reference.path in batch:
            batch.update(await _prepare_settings(context, restaurant_id, batch[reference.path]))
        # The names and addresses that the backup has of persons who were erased since.
        for path, document in batch.items():
            *_, collection_id, key = path.split("/")
            if collection_id == "openTableGuests" and key in aliases:
                with suppress(UnreadableDocumentError):
                    guest = guest_from_map(decode_fields(document.fields))
                    aliases[key].update(guest.personal_identifiers)
        with translate_firestore_errors():
            created = await client.rpc.create_documents(batch, LARGE_WRITE_TIMEOUT_SECONDS)
        result.created.update(path.split("/")[-2] for path in created)
        result.existing += len(batch) - len(created)
    settings = await _rewind_runs(context, header)
    # Before the rebuild, which redacts the names to search the quarantine for.
    for key in await _list_forgotten_guests(context, restaurant_id):
        result.erased_places += await erase_guest(context, settings, key, aliases.get(key, ()))
    result.rebuilt = await rebuild_restaurant(context, settings, is_dry_run=False)
    return result


def _split_into_batches(
    documents: Iterable[tuple[str, Any]], now: datetime
) -> Iterator[dict[str, Any]]:
    """Yield documents in batches for one call, without the expired ones."""
    batch: dict[str, Any] = {}
    batch_bytes = 0
    for path, document in documents:
        expiry_field = paths.EXPIRY_FIELDS.get(path.split("/")[-2])
        if expiry_field and is_expired(decode_fields(document.fields), expiry_field, now):
            continue
        if len(batch) == _MAX_BATCH_DOCUMENTS or batch_bytes > _MAX_BATCH_BYTES:
            yield batch
            batch, batch_bytes = {}, 0
        batch[path] = document
        batch_bytes += document.ByteSize()
    if batch:
        yield batch


async def _prepare_settings(
    context: AppContext, restaurant_id: str, document: Any
) -> dict[str, Any]:
    """Disable the settings, end their leases, and return the claim of their rid."""
    fields = decode_fields(document.fields)
    fields["enabled"] = False
    for kind in _RUN_KINDS:
        if isinstance(state := fields.get(kind), dict):
            state.pop("lease", None)
    document.fields.clear()
    encode_fields(fields, document.fields)
    rid = fields.get("restaurantId")
    if not isinstance(rid, str):
        return {}
    reference = paths.rid_claim_document(context.firestore, rid)
    claim = (await read_document(reference)).to_dict()
    if claim is not None and claim.get("restaurantId") != restaurant_id:
        raise RidTakenError
    claim_document = Document.pb()()
    encode_fields({"restaurantId": restaurant_id}, claim_document.fields)
    return {reference.path: claim_document}


async def _rewind_runs(context: AppContext, header: BackupHeader) -> IntegrationSettings:
    """Make the next runs begin at the backup, and return the restored settings.

    OpenTable then repeats which guests were forgotten since, also if their tombstones were lost.
    """
    reference = paths.integration_document(context.firestore, header.restaurant_id)

    def compute(document: dict[str, Any] | None) -> dict[str, Any] | None:
        cursor = poll_cursor_from_document(document or {}, context.clock())
        changes: dict[str, Any] = {}
        if cursor is not None and cursor > header.read_time:
            changes["poll.cursor"] = header.read_time
        checked_at = read_run_state(document or {}, "retention").get("checkedAt")
        if isinstance(checked_at, datetime) and checked_at > header.read_time:
            # Restored reservations may be past their retention.
            changes["retention.anonymizedThrough"] = None
        return changes or None

    updated = await update_if_unmodified(reference, compute)
    if updated.document is None:
        raise InvalidSettingsError("The backup has no settings: connect the restaurant first.")
    settings = parse_settings(header.restaurant_id, updated.document)
    settings.require_zone()
    return settings


async def _list_forgotten_guests(context: AppContext, restaurant_id: str) -> list[str]:
    guests = paths.guests_collection(context.firestore, restaurant_id)
    # Every tombstone has the field; the query needs no further index.
    query = guests.order_by("forgottenAt").select([])
    with translate_firestore_errors():
        return [guest.id async for guest in query.stream(retry=None, timeout=QUERY_TIMEOUT_SECONDS)]
