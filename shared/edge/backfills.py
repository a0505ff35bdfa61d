"""Which backfill a restaurant has: begun, taken up again, and read; none is carried out here."""

import contextlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import DELETE_FIELD, DocumentSnapshot

from shared.core.backfill import Backfill, backfill_in, backfill_window, begun, ordered
from shared.core.settings import settings_from
from shared.edge import paths
from shared.edge.reading import read_one, unavailable_on_failure
from shared.edge.services import Services
from shared.errors import InvalidSettingsError, LedgerUnavailableError

_MOST_ATTEMPTS = 5
_WRITE_SECONDS = 5.0
_MOVED = (google.Conflict, google.FailedPrecondition, google.NotFound)


async def begin_backfill(
    services: Services, restaurant_id: str, start: date | None = None, end: date | None = None
) -> Backfill:
    """Begin a backfill, or return the one that is under way (see `shared.core.backfill.ordered`).

    The work is done by `shared.edge.backfilling`.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.
        start: The first local date, None for 30 days back.
        end: The last one, None for 365 days ahead.

    Raises:
        BackfillUnderWayError: When one of other days is under way.
        InvalidSettingsError: When the settings must be mended first.
        ValueError: When the range is turned round or too large.
        LedgerUnavailableError: When Firestore did not take it.
    """
    for _ in range(_MOST_ATTEMPTS):
        snapshot = await read_one(paths.integration(services.firestore, restaurant_id))
        document = snapshot.to_dict()
        if document is None:
            raise InvalidSettingsError("This restaurant has no OpenTable settings: add them.")
        wanted = _wanted(services, restaurant_id, document, start, end)
        if wanted == backfill_in(document) or await _begin(services, snapshot, wanted):
            return wanted
    raise LedgerUnavailableError("the settings kept changing while a backfill was begun")


def _wanted(
    services: Services,
    restaurant_id: str,
    document: Mapping[str, Any],
    start: date | None,
    end: date | None,
) -> Backfill:
    settings, now = settings_from(restaurant_id, document), services.clock()
    window = backfill_window(now, settings.usable_zone(), start, end)
    new = begun(window, settings.usable_rid(), now)
    return ordered(backfill_in(document), new, any_days=not (start or end))


async def _begin(services: Services, snapshot: DocumentSnapshot[Any], backfill: Backfill) -> bool:
    """Write unless somebody wrote meanwhile; a run of an earlier backfill loses its lease."""
    unmoved = services.firestore.write_option(last_update_time=snapshot.update_time)
    fields = backfill.stored() | {"backfill.lease": DELETE_FIELD}
    with unavailable_on_failure(), contextlib.suppress(*_MOVED):
        await snapshot.reference.update(fields, option=unmoved, retry=None, timeout=_WRITE_SECONDS)
        return True
    return False


async def read_backfill(services: Services, restaurant_id: str) -> Backfill | None:
    """Return how far a restaurant's backfill is, None where there never was one.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    snapshot = await read_one(paths.integration(services.firestore, restaurant_id))
    return backfill_in(snapshot.to_dict() or {})
