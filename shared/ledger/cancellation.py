"""Cancelling one of Lineup's own reservations, by the same way into the ledger as all else."""

import hashlib
import json
import secrets
from datetime import datetime

from shared.context import AppContext
from shared.domain.ledger.events import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.domain.normalization.fields import ReservationStatus
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.settings import IntegrationSettings
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.staff.auth import AuthenticatedUser


async def cancel_native_reservation(  # noqa: PLR0913 -- each is a different thing, and one call site names them
    context: AppContext,
    settings: IntegrationSettings,
    document_id: str,
    *,
    user: AuthenticatedUser,
    reason: str | None,
    idempotency_key: str | None,
) -> ApplyResult:
    """Cancel a reservation that Lineup made.

    Args:
        context: The process's services.
        settings: The restaurant's, usable.
        document_id: The reservation's document.
        user: Who cancels it.
        reason: Why, in the staff's words.
        idempotency_key: The caller's name for this very wish; asked again, it is one event.

    Raises:
        RejectedStatementError: When there is no such document, or the same request key came
            with another reason before.
        LedgerUnavailableError: When it could not be committed now.
        InvalidSettingsError: When the settings are not usable.
    """
    event_id = _build_event_id(user, idempotency_key)
    event = _build_cancellation_event(document_id, event_id, user, reason, context.clock())
    return await open_ledger(context, settings, ReservationSystem.LINEUP).apply(event)


def _build_event_id(user: AuthenticatedUser, idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return f"staff-{secrets.token_hex(16)}"
    key_source = json.dumps([user.uid, idempotency_key])
    return f"staff-{hashlib.sha256(key_source.encode()).hexdigest()[:32]}"


def _build_cancellation_event(
    document_id: str, event_id: str, user: AuthenticatedUser, reason: str | None, now: datetime
) -> ReservationEvent:
    fields: dict[str, FieldValue] = {
        "status": ReservationStatus.CANCELLED.value,
        "cancellationReason": reason,
    }
    return ReservationEvent(
        external_key=document_id,
        event_id=event_id,
        event_type="staff.cancelled",
        actor=Actor.LINEUP,
        version=Version.from_timestamp(now, event_id),
        fields=fields,
        payload=json.dumps({"by": user.uid}),
        channel=Channel.STAFF,
    )
