"""Write and read backups: JSON Lines with a header, a line per document, and a trailer.

Values have the JSON form of Firestore's REST API, so no type is lost. The trailer has the number of
documents: a file without it was cut and is not restored.
"""

import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from google.cloud.firestore_v1.types import Document
from google.protobuf import json_format
from msgspec import Struct

from shared.firestore.documents import QUERY_TIMEOUT_SECONDS, translate_firestore_errors
from shared.firestore.raw_client import FirestoreClient

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
_DocumentPb = Document.pb()


class InvalidBackupError(Exception):
    """A file is no complete backup; the text has the reason."""


class BackupHeader(Struct, frozen=True):
    """The first line of a backup.

    Attributes:
        read_time: Every document is as of then, UTC.
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
            async for path, document in client.rpc.iterate_documents(
                restaurant,
                collection_id,
                QUERY_TIMEOUT_SECONDS,
                is_group=True,
                read_time=read_time,
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
            f"The file is no backup of version {FORMAT_VERSION}: pass a file that "
            "`ledger backup` wrote."
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
            f"{expected_count or 'more'}. Use another backup."
        )


def _parse_line(line: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise InvalidBackupError("A line of the backup is no JSON object.")
    return fields
