"""The silence alarm: raised and ended by the runs, never by a webhook."""

from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, DocumentSnapshot

from shared.core.missed import Missed
from shared.core.settings import settings_from
from shared.core.silence import Silence, silence_in
from shared.edge import paths
from shared.edge.leases import Lease
from shared.edge.pulse import last_webhook_at
from shared.edge.reading import read_one, unavailable_on_failure
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import LedgerUnavailableError

_MOST_ATTEMPTS = 5
_WRITE_SECONDS = 5.0
_MOVED = (google.Conflict, google.FailedPrecondition, google.NotFound)


async def note_webhooks(services: Services, lease: Lease, missed: Missed) -> None:
    """Note what a run tells of a restaurant's webhooks; a change of the alarm is logged once.

    It costs nothing while nothing is missed.

    Args:
        services: The process's services.
        lease: The run's.
        missed: What it found in the webhooks' stead.

    Raises:
        LedgerUnavailableError: When it could not be noted.
    """
    if missed.since is None and silence_in(lease.document) == Silence():
        return
    client, restaurant_id = services.firestore, lease.restaurant_id
    heard_at = await last_webhook_at(client, restaurant_id)
    for _ in range(_MOST_ATTEMPTS):
        # Polls and reconciliations may end at the same moment: judge by what stands now.
        snapshot = await read_one(paths.integration(client, restaurant_id))
        document = snapshot.to_dict() or {}
        before, expected = silence_in(document), settings_from(restaurant_id, document).webhook_auth
        after = before.after_run(missed.since, heard_at) if expected else Silence()
        if after == before or await _write(client, snapshot, after.stored()):
            _tell(restaurant_id, before, after)
            return
    raise LedgerUnavailableError("the settings kept changing while a silence was noted")


async def _write(
    client: AsyncClient, snapshot: DocumentSnapshot[Any], fields: Mapping[str, Any]
) -> bool:
    """Write unless somebody wrote meanwhile."""
    unmoved = client.write_option(last_update_time=snapshot.update_time)
    with unavailable_on_failure():
        try:
            await snapshot.reference.update(
                dict(fields), option=unmoved, retry=None, timeout=_WRITE_SECONDS
            )
        except _MOVED:
            return False
    return True


def _tell(restaurant_id: str, before: Silence, after: Silence) -> None:
    if after.alarms and not before.alarms:
        since = after.since.isoformat() if after.since else None
        log(Severity.ERROR, Event.WEBHOOKS_SILENT, restaurantId=restaurant_id, since=since)
    elif before.alarms and not after.alarms:
        log(Severity.INFO, Event.WEBHOOKS_HEARD, restaurantId=restaurant_id)
