"""Into the quarantine, but never with a person who must be forgotten."""

from google.api_core import exceptions as google

from shared.core.document import flatten
from shared.core.erasure import scrubbed_text
from shared.core.joined import Joined
from shared.core.keys import is_document_id
from shared.core.settings import Settings
from shared.core.signature import Verdict
from shared.core.telling import keys_told
from shared.edge import paths
from shared.edge.guests import follow_merges
from shared.edge.quarantine import Kept
from shared.edge.services import Services
from shared.errors import LedgerUnavailableError, RejectedStatementError

_READ_SECONDS = 5.0


async def keep_aside(  # noqa: PLR0913 -- one more than five, and it is seldom given
    services: Services,
    settings: Settings,
    text: str,
    content_type: str,
    rejection: RejectedStatementError,
    *,
    verdict: Verdict | None = None,
) -> Kept:
    """Keep a statement that cannot be applied; without the person where that is forgotten.

    Args:
        services: The process's services.
        settings: The restaurant's.
        text: The statement as it came.
        content_type: Its media type.
        rejection: Why it cannot be applied.
        verdict: How its sender proved who it is; None for what we asked OpenTable for.

    Raises:
        LedgerUnavailableError: When it could not be stored; it must not be acknowledged.
    """
    keys = keys_told(text, settings.rid)
    forgotten = await _any_reservation(services, settings, keys)
    if forgotten or await _any_guest(services, settings, keys):
        text = scrubbed_text(text)
    quarantine = services.quarantine(settings.restaurant_id)
    return await quarantine.keep(text, content_type, rejection, verdict)


async def _any_reservation(services: Services, settings: Settings, keys: set[str]) -> bool:
    """Whether any of these reservations is a forgotten guest's."""
    client, restaurant_id = services.firestore, settings.restaurant_id
    wanted = [paths.reservation(client, restaurant_id, key) for key in keys]
    try:
        found = client.get_all(wanted, retry=None, timeout=_READ_SECONDS)
        documents = [flatten(snapshot.to_dict() or {}) async for snapshot in found]
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    return any(document.get("guests.forgotten") for document in documents)


async def _any_guest(services: Services, settings: Settings, keys: set[str]) -> bool:
    """Whether any of these leads to a guest who must be forgotten."""
    for key in filter(is_document_id, sorted(keys)):
        found = await follow_merges(services, settings, key)
        if isinstance(found, Joined) and found.forgotten:
            return True
    return False
