"""Cancelling one of Lineup's own reservations, by the same way into the ledger as all else."""

import hashlib
import json
import secrets
from datetime import datetime

from shared.core.change import Change, Source, Speaker, Value, Version
from shared.core.settings import Settings
from shared.core.states import Status
from shared.core.system import System
from shared.edge.ledger import Applied
from shared.edge.services import Services
from shared.edge.staff.tokens import Person


async def cancel_own(  # noqa: PLR0913 -- each is a different thing, and one call site names them
    services: Services,
    settings: Settings,
    document_id: str,
    *,
    by: Person,
    reason: str | None,
    request_key: str | None,
) -> Applied:
    """Cancel a reservation that Lineup made.

    Args:
        services: The process's services.
        settings: The restaurant's, usable.
        document_id: The reservation's document.
        by: Who cancels it.
        reason: Why, in the staff's words.
        request_key: The caller's name for this very wish; asked again, it is one event.

    Raises:
        RejectedStatementError: When there is no such document, or the same request key came
            with another reason before.
        LedgerUnavailableError: When it could not be committed now.
        InvalidSettingsError: When the settings are not usable.
    """
    event_id = _event_id(by, request_key)
    change = _change(document_id, event_id, by, reason, services.clock())
    return await services.ledger(settings, System.LINEUP).apply(change)


def _event_id(by: Person, request_key: str | None) -> str:
    if request_key is None:
        return f"staff-{secrets.token_hex(16)}"
    name = json.dumps([by.uid, request_key])
    return f"staff-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _change(
    document_id: str, event_id: str, by: Person, reason: str | None, now: datetime
) -> Change:
    said: dict[str, Value] = {"status": Status.CANCELLED.value, "cancellationReason": reason}
    return Change(
        external_key=document_id,
        event_id=event_id,
        event_type="staff.cancelled",
        speaker=Speaker.LINEUP,
        version=Version.of_envelope(now, event_id),
        said=said,
        payload=json.dumps({"by": by.uid}),
        source=Source.STAFF,
    )
