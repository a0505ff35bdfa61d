"""Cancel a reservation that was made in Lineup, by an event like any other."""

import hashlib
import json
import secrets

from shared.context import AppContext
from shared.domain.ledger.events import Actor, Channel, ReservationEvent, Version
from shared.domain.normalization.field_values import ReservationStatus
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.settings import IntegrationSettings
from shared.ledger.ledger import ApplyResult, open_ledger


async def cancel_native_reservation(  # noqa: PLR0913 -- keywords at each call name them
    context: AppContext,
    settings: IntegrationSettings,
    document_id: str,
    *,
    user_uid: str,
    reason: str | None,
    idempotency_key: str | None,
) -> ApplyResult:
    """Cancel a reservation; requests of a user with the same idempotency key are one event.

    Raises:
        InvalidEventError: There is no such reservation, or the idempotency key was used with
            another reason.
    """
    suffix = secrets.token_hex(16)
    if idempotency_key is not None:
        key_source = json.dumps([user_uid, idempotency_key])
        suffix = hashlib.sha256(key_source.encode()).hexdigest()[:32]
    event_id = f"staff-{suffix}"
    event = ReservationEvent(
        external_key=document_id,
        event_id=event_id,
        event_type="staff.cancelled",
        actor=Actor.LINEUP,
        version=Version.from_timestamp(context.clock(), event_id),
        fields={"status": ReservationStatus.CANCELLED.value, "cancellationReason": reason},
        payload="{}",
        channel=Channel.STAFF,
        requested_by=user_uid,
    )
    return await open_ledger(context, settings, ReservationSystem.LINEUP).apply(event)
