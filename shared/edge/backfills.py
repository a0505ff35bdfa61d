"""Which backfill a restaurant has: begun, taken up again, and read; none is carried out here."""

import contextlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import DELETE_FIELD, DocumentSnapshot

from shared.core.backfill import (
    Backfill,
    backfill_from_document,
    new_backfill,
    resolve_backfill_request,
    resolve_backfill_window,
)
from shared.core.settings import parse_settings
from shared.edge import paths
from shared.edge.reading import read_document, translate_firestore_errors
from shared.edge.services import AppContext
from shared.errors import InvalidSettingsError, ServiceUnavailableError

_MAX_ATTEMPTS = 5
_WRITE_TIMEOUT_SECONDS = 5.0
_CONFLICT_ERRORS = (google.Conflict, google.FailedPrecondition, google.NotFound)


async def start_backfill(
    context: AppContext, restaurant_id: str, start: date | None = None, end: date | None = None
) -> Backfill:
    """Start a backfill, or return the one in progress (`resolve_backfill_request`).

    The work is done by `shared.edge.backfilling`.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        start: The first local date, None for 30 days back.
        end: The last one, None for 365 days ahead.

    Raises:
        BackfillUnderWayError: When one of other days is under way.
        InvalidSettingsError: When the settings must be mended first.
        ValueError: When the range is turned round or too large.
        LedgerUnavailableError: When Firestore did not take it.
    """
    for _ in range(_MAX_ATTEMPTS):
        snapshot = await read_document(paths.integration_document(context.firestore, restaurant_id))
        document = snapshot.to_dict()
        if document is None:
            raise InvalidSettingsError("This restaurant has no OpenTable settings: add them.")
        requested = _resolve_request(context, restaurant_id, document, start, end)
        if requested == backfill_from_document(document) or await _write_backfill(
            context, snapshot, requested
        ):
            return requested
    raise ServiceUnavailableError("the settings kept changing while a backfill was begun")


def _resolve_request(
    context: AppContext,
    restaurant_id: str,
    document: Mapping[str, Any],
    start: date | None,
    end: date | None,
) -> Backfill:
    settings, now = parse_settings(restaurant_id, document), context.clock()
    window = resolve_backfill_window(now, settings.require_zone(), start, end)
    new = new_backfill(window, settings.require_rid(), now)
    return resolve_backfill_request(
        backfill_from_document(document), new, accept_any_dates=not (start or end)
    )


async def _write_backfill(
    context: AppContext, snapshot: DocumentSnapshot[Any], backfill: Backfill
) -> bool:
    """Write unless somebody wrote meanwhile; a run of an earlier backfill loses its lease."""
    precondition = context.firestore.write_option(last_update_time=snapshot.update_time)
    fields = backfill.to_update_fields() | {"backfill.lease": DELETE_FIELD}
    with translate_firestore_errors(), contextlib.suppress(*_CONFLICT_ERRORS):
        await snapshot.reference.update(
            fields, option=precondition, retry=None, timeout=_WRITE_TIMEOUT_SECONDS
        )
        return True
    return False


async def read_backfill(context: AppContext, restaurant_id: str) -> Backfill | None:
    """Return how far a restaurant's backfill is, None where there never was one.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    snapshot = await read_document(paths.integration_document(context.firestore, restaurant_id))
    return backfill_from_document(snapshot.to_dict() or {})
