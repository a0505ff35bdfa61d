"""Into the quarantine, but never with a person who must be forgotten."""

from collections.abc import Iterator
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import DocumentSnapshot

from shared.core import fields
from shared.core.body import parse_object
from shared.core.document import flatten
from shared.core.erasure import scrubbed_text
from shared.core.keys import external_key
from shared.core.settings import Settings
from shared.edge import paths
from shared.edge.quarantine import Kept
from shared.edge.services import Services
from shared.errors import LedgerUnavailableError, RejectedStatementError

_READ_SECONDS = 5.0
_IDS = ("id", "reservationId", "reservation_id", "guest_id")


async def keep_aside(
    services: Services,
    settings: Settings,
    text: str,
    content_type: str,
    rejection: RejectedStatementError,
) -> Kept:
    """Keep a statement that cannot be applied; without the person where that is forgotten.

    Args:
        services: The process's services.
        settings: The restaurant's.
        text: The statement as it came.
        content_type: Its media type.
        rejection: Why it cannot be applied.

    Raises:
        LedgerUnavailableError: When it could not be stored; it must not be acknowledged.
    """
    if await _tells_of_forgotten(services, settings, text):
        text = scrubbed_text(text)
    quarantine = services.quarantine(settings.restaurant_id)
    return await quarantine.keep(text, content_type, rejection)


async def _tells_of_forgotten(services: Services, settings: Settings, text: str) -> bool:
    """Whether a reservation or a guest that a body names belongs to a forgotten person."""
    keys = set(_keys(text, settings.rid))
    client, restaurant_id = services.firestore, settings.restaurant_id
    wanted = [paths.reservation(client, restaurant_id, key) for key in keys]
    wanted += [paths.guests(client, restaurant_id).document(key) for key in keys]
    try:
        found = client.get_all(wanted, retry=None, timeout=_READ_SECONDS)
        return any([_is_forgotten(snapshot) async for snapshot in found])
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None


def _is_forgotten(snapshot: DocumentSnapshot[Any]) -> bool:
    document = snapshot.to_dict() or {}
    joined = flatten(document).get("sync.guest")
    return "forgottenAt" in document or bool(joined and joined.get("forgotten"))


def _keys(text: str, rid: str | None) -> Iterator[str]:
    """Yield the keys of the ids that a body holds, at its top or in ``data``."""
    try:
        body = parse_object(text.encode())
    except ValueError:
        return  # A list's stray item: it has no ids.
    for part in (body, body.get("data")):
        if isinstance(part, dict):
            yield from _keys_in(part, rid)


def _keys_in(part: dict[str, Any], rid: str | None) -> Iterator[str]:
    for identifier in filter(None, map(fields.identifier, map(part.get, _IDS))):
        try:
            yield external_key(identifier, rid)
        except RejectedStatementError:
            continue
