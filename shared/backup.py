"""Back up all documents of a restaurant, and restore the missing ones.

A backup is JSON Lines: a header, a line per document, and a trailer. Values have the JSON form of
Firestore's REST API, so no type is lost. The trailer has the number of documents: a file without it
was cut and is not restored.

A restore overwrites nothing: what exists is newer than the backup. Journals then complete the
documents, and persons who were erased after the backup are erased again.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from google.cloud.firestore_v1.types import Document
from google.protobuf import json_format
from msgspec import Struct, field

from shared.context import AppContext, RestaurantContext
from shared.domain.ledger.guest_link import guest_from_map
from shared.domain.privacy import is_expired
from shared.domain.schedule import poll_cursor_from_document
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.domain.validation import read_map
from shared.errors import InvalidSettingsError, UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.codec import decode_fields, encode_fields
from shared.firestore.documents import (
    LARGE_WRITE_TIMEOUT_SECONDS,
    QUERY_TIMEOUT_SECONDS,
    read_document,
    stream_documents,
    translate_firestore_errors,
    update_if_unmodified,
)
from shared.firestore.raw_client import FirestoreClient
from shared.guests.erasure import erase_guest
from shared.ledger.staff_actions import RebuildResult, rebuild_restaurant
from shared.restaurants.settings import RidTakenError

FORMAT_NAME = "opentable-ledger-backup"
FORMAT_VERSION = 1
# In the order of a restore: a guest's tombstone comes before the guest's reservations.
COLLECTION_IDS = (
    "integrations",
    "webhooks",
    "staff",
    "staffChanges",
    "openTableGuests",
    "reservations",
    "ledgerEvents",
    "openTableGuestFailures",
    "openTableQuarantine",
    "reconciliationReports",
    "continued",
    "reservationAnalytics",
    "openTableErasures",
)
_MAX_BATCH_DOCUMENTS = 200
_MAX_BATCH_BYTES = 4_000_000
_RUN_KINDS = ("poll", "backfill", "reconciliation")
_DocumentPb = Document.pb()


class InvalidBackupError(Exception):
    """A file is no complete backup; the text has the reason."""


class BackupHeader(Struct, frozen=True):
    """The first line of a backup.

    Attributes:
        read_time: The time, UTC, as of which every document was read.
    """

    restaurant_id: str
    project: str
    read_time: datetime


async def iterate_backup_lines(
    client: FirestoreClient, restaurant_id: str, read_time: datetime
) -> AsyncIterator[str]:
    """Yield the lines of a backup as of `read_time`.

    Firestore keeps an hour of older versions, and seven days at full minutes with point-in-time
    recovery.
    """
    count = 0
    yield format_header(BackupHeader(restaurant_id, client.project, read_time))
    restaurant = client.document("restaurants", restaurant_id)
    with translate_firestore_errors():
        for collection_id in COLLECTION_IDS:
            async for path, document in client.rpc.iterate_collection_group(
                restaurant, collection_id, QUERY_TIMEOUT_SECONDS, read_time
            ):
                yield format_document(path, document)
                count += 1
    yield format_trailer(count)


def format_header(header: BackupHeader) -> str:
    """Return the first line."""
    line = {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "restaurantId": header.restaurant_id,
        "project": header.project,
        "readTime": header.read_time.isoformat(),
    }
    return json.dumps(line)


def format_document(path: str, document: Any) -> str:
    """Return the line of a document, given as a protocol buffer."""
    fields = json_format.MessageToDict(document).get("fields", {})
    return json.dumps({"path": path, "fields": fields}, ensure_ascii=False)


def format_trailer(document_count: int) -> str:
    """Return the last line."""
    return json.dumps({"documents": document_count})


def read_header(line: str) -> BackupHeader:
    """Read the first line.

    Raises:
        InvalidBackupError: It is no header of this version.
    """
    fields = _parse_line(line)
    if fields.get("format") != FORMAT_NAME or fields.get("version") != FORMAT_VERSION:
        raise InvalidBackupError(
            f"The file is no backup of version {FORMAT_VERSION}, as `ledger backup` writes it."
        )
    try:
        read_time = datetime.fromisoformat(fields["readTime"])
        return BackupHeader(str(fields["restaurantId"]), str(fields["project"]), read_time)
    except (KeyError, TypeError, ValueError):
        raise InvalidBackupError("The header of the backup is damaged.") from None


def iterate_backup_documents(lines: Iterable[str], restaurant_id: str) -> Iterator[tuple[str, Any]]:
    """Yield path and protocol buffer of each document in the lines after the header.

    Raises:
        InvalidBackupError: The file is cut or damaged, or has a document of something else. Read
            all documents before you write one.
    """
    # A file edited by hand must not write into another restaurant or collection.
    own_path = re.compile(
        rf"restaurants/{re.escape(restaurant_id)}(/({'|'.join(COLLECTION_IDS)})/[^/]+)+"
    )
    count, expected_count = 0, None
    for line in lines:
        fields = _parse_line(line)
        if expected_count is not None:
            raise InvalidBackupError("The backup goes on after its last line.")
        if "documents" in fields:
            expected_count = fields["documents"]
            continue
        path = fields.get("path")
        if not isinstance(path, str) or not own_path.fullmatch(path):
            raise InvalidBackupError(f"Document {count + 1} does not belong to {restaurant_id}.")
        count += 1
        document = None
        with suppress(json_format.ParseError):
            if isinstance(values := fields.get("fields"), dict):
                document = json_format.ParseDict({"fields": values}, _DocumentPb())
        if document is None:
            # Without the parser's text: it quotes values.
            raise InvalidBackupError(f"Document {count} of the backup is damaged.")
        yield path, document
    if expected_count != count:
        raise InvalidBackupError(
            f"The backup is incomplete: it has {count} documents and was to have "
            f"{expected_count or 'more'}."
        )


def _parse_line(line: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise InvalidBackupError("A line of the backup is no JSON object.")
    return fields


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
    # Names, addresses and numbers that the backup has of persons who were erased since.
    identifiers = {key: set[str]() for key in await _list_forgotten_guests(context, restaurant_id)}
    result, now = RestoreResult(), context.clock()
    for batch in _split_into_batches(iterate_backup_documents(lines, restaurant_id), now):
        if reference.path in batch:
            batch.update(await _prepare_settings(context, restaurant_id, batch[reference.path]))
        _collect_identifiers(batch, identifiers)
        with translate_firestore_errors():
            created = await client.rpc.create_documents(batch, LARGE_WRITE_TIMEOUT_SECONDS)
        result.created.update(path.split("/")[-2] for path in created)
        result.existing += len(batch) - len(created)
    restaurant = RestaurantContext(context, await _rewind_runs(context, header))
    # Before the rebuild: it redacts the reservations, whose names are searched in the quarantine.
    for key in await _list_forgotten_guests(context, restaurant_id):
        result.erased_places += await erase_guest(restaurant, key, identifiers.get(key, ()))
    result.rebuilt = await rebuild_restaurant(restaurant, is_dry_run=False)
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


def _collect_identifiers(batch: Mapping[str, Any], identifiers: Mapping[str, set[str]]) -> None:
    """Add what the guests of a batch have of the persons in `identifiers`, by guest key."""
    for path, document in batch.items():
        *_, collection_id, key = path.split("/")
        if collection_id == "openTableGuests" and key in identifiers:
            with suppress(UnreadableDocumentError):
                guest = guest_from_map(decode_fields(document.fields))
                identifiers[key].update(guest.personal_identifiers)


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
    claim_document = _DocumentPb()
    encode_fields({"restaurantId": restaurant_id}, claim_document.fields)
    return {reference.path: claim_document}


async def _rewind_runs(context: AppContext, header: BackupHeader) -> IntegrationSettings:
    """Make the next runs begin at the time of the backup, and return the restored settings.

    The next poll then gets again all guests that were forgotten since, even if their tombstones
    were lost.
    """
    reference = paths.integration_document(context.firestore, header.restaurant_id)

    def compute(document: dict[str, Any] | None) -> dict[str, Any] | None:
        cursor = poll_cursor_from_document(document or {}, context.clock())
        changes: dict[str, Any] = {}
        if cursor is not None and cursor > header.read_time:
            changes["poll.cursor"] = header.read_time
        checked_at = read_map(document or {}, "retention").get("checkedAt")
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
    return [guest.id async for guest in stream_documents(query)]
