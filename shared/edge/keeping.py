"""Into the quarantine, but never with a person who must be forgotten."""

from google.api_core import exceptions as google

from shared.core.document import flatten_document
from shared.core.erasure import redact_json
from shared.core.joined import LinkedGuest
from shared.core.keys import is_document_id
from shared.core.settings import IntegrationSettings
from shared.core.signature import Verification
from shared.core.telling import referenced_keys
from shared.edge import paths
from shared.edge.guests import follow_merges
from shared.edge.quarantine import QuarantineEntry
from shared.edge.services import AppContext
from shared.errors import InvalidEventError, ServiceUnavailableError

_READ_TIMEOUT_SECONDS = 5.0


async def quarantine_event(  # noqa: PLR0913 -- one more than five, and it is seldom given
    context: AppContext,
    settings: IntegrationSettings,
    text: str,
    content_type: str,
    rejection: InvalidEventError,
    *,
    verdict: Verification | None = None,
) -> QuarantineEntry:
    """Keep a statement that cannot be applied; without the person where that is forgotten.

    Args:
        context: The process's services.
        settings: The restaurant's.
        text: The statement as it came.
        content_type: Its media type.
        rejection: Why it cannot be applied.
        verdict: How its sender proved who it is; None for what we asked OpenTable for.

    Raises:
        LedgerUnavailableError: When it could not be stored; it must not be acknowledged.
    """
    keys = referenced_keys(text, settings.rid)
    is_forgotten = await _has_forgotten_reservation(context, settings, keys)
    if is_forgotten or await _has_forgotten_guest(context, settings, keys):
        text = redact_json(text)
    quarantine = context.quarantine(settings.restaurant_id)
    return await quarantine.add(text, content_type, rejection, verdict)


async def _has_forgotten_reservation(
    context: AppContext, settings: IntegrationSettings, keys: set[str]
) -> bool:
    """Whether any of these reservations is a forgotten guest's."""
    client, restaurant_id = context.firestore, settings.restaurant_id
    references = [paths.reservation_document(client, restaurant_id, key) for key in keys]
    try:
        snapshots = client.get_all(references, retry=None, timeout=_READ_TIMEOUT_SECONDS)
        documents = [flatten_document(snapshot.to_dict() or {}) async for snapshot in snapshots]
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    return any(document.get("guests.forgotten") for document in documents)


async def _has_forgotten_guest(
    context: AppContext, settings: IntegrationSettings, keys: set[str]
) -> bool:
    """Whether any of these leads to a guest who must be forgotten."""
    for key in filter(is_document_id, sorted(keys)):
        resolved = await follow_merges(context, settings, key)
        if isinstance(resolved, LinkedGuest) and resolved.is_forgotten:
            return True
    return False
