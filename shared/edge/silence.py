"""The silence alarm: raised and ended by the runs, never by a webhook."""

from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, DocumentSnapshot

from shared.core.missed import MissedWebhooks
from shared.core.settings import parse_settings
from shared.core.silence import WebhookSilence, webhook_silence_from_document
from shared.edge import paths
from shared.edge.leases import Lease
from shared.edge.pulse import read_last_webhook_at
from shared.edge.reading import read_document, translate_firestore_errors
from shared.edge.services import AppContext
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import ServiceUnavailableError

_MAX_ATTEMPTS = 5
_WRITE_TIMEOUT_SECONDS = 5.0
_CONFLICT_ERRORS = (google.Conflict, google.FailedPrecondition, google.NotFound)


async def update_webhook_silence(context: AppContext, lease: Lease, missed: MissedWebhooks) -> None:
    """Note what a run tells of a restaurant's webhooks; a change of the alarm is logged once.

    It costs nothing while nothing is missed.

    Args:
        context: The process's services.
        lease: The run's.
        missed: What it found in the webhooks' stead.

    Raises:
        LedgerUnavailableError: When it could not be noted.
    """
    if missed.since is None and webhook_silence_from_document(lease.document) == WebhookSilence():
        return
    client, restaurant_id = context.firestore, lease.restaurant_id
    latest_webhook_at = await read_last_webhook_at(client, restaurant_id)
    for _ in range(_MAX_ATTEMPTS):
        # Polls and reconciliations may end at the same moment: judge by what stands now.
        snapshot = await read_document(paths.integration_document(client, restaurant_id))
        document = snapshot.to_dict() or {}
        before, expects_webhooks = (
            webhook_silence_from_document(document),
            parse_settings(restaurant_id, document).webhook_auth,
        )
        after = (
            before.with_run(missed.since, latest_webhook_at)
            if expects_webhooks
            else WebhookSilence()
        )
        if after == before or await _write_silence(client, snapshot, after.to_update_fields()):
            _log_silence_change(restaurant_id, before, after)
            return
    raise ServiceUnavailableError("the settings kept changing while a silence was noted")


async def _write_silence(
    client: AsyncClient, snapshot: DocumentSnapshot[Any], fields: Mapping[str, Any]
) -> bool:
    """Write unless somebody wrote meanwhile."""
    precondition = client.write_option(last_update_time=snapshot.update_time)
    with translate_firestore_errors():
        try:
            await snapshot.reference.update(
                dict(fields), option=precondition, retry=None, timeout=_WRITE_TIMEOUT_SECONDS
            )
        except _CONFLICT_ERRORS:
            return False
    return True


def _log_silence_change(restaurant_id: str, before: WebhookSilence, after: WebhookSilence) -> None:
    if after.is_silent and not before.is_silent:
        since = after.missed_since.isoformat() if after.missed_since else None
        log_event(Severity.ERROR, LogEvent.WEBHOOKS_SILENT, restaurantId=restaurant_id, since=since)
    elif before.is_silent and not after.is_silent:
        log_event(Severity.INFO, LogEvent.WEBHOOKS_RECOVERED, restaurantId=restaurant_id)
