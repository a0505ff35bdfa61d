"""From an admitted statement to the ledger, or to the quarantine: nothing is dropped.

OpenTable's rows by the page: read as changes, and the unreadable ones kept aside.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from shared.context import AppContext
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.envelope import parse_envelope
from shared.domain.normalization.opentable_reservation import parse_opentable_reservation
from shared.domain.normalization.strict_json import WebhookFormat
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth.verify import Verification
from shared.errors import InvalidEventError, InvalidSettingsError, ServiceUnavailableError
from shared.ledger.batch import BatchResult
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.log import LogEvent, Severity, log_event
from shared.quarantine.store import QuarantineEntry, quarantine_event

JSON_MEDIA_TYPE = "application/json"
MAX_EVENT_BYTES = 256 * 1024  # as large as a webhook may be; a row of OpenTable's has some 2 KiB
_encode_compact_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class IncomingEvent(Struct, frozen=True):
    """A statement whose sender was admitted.

    Attributes:
        shape: Its format.
        body: The parsed object.
        text: The same, as it came.
        content_type: Its media type.
        received_at: When it first came, UTC.
        channel: Which way it came.
        verdict: How its sender proved who it is; None for what we asked OpenTable for.
        is_reviewed: Whether a person has looked at it and wants it in.
    """

    shape: WebhookFormat
    body: dict[str, Any]
    text: str
    content_type: str
    received_at: datetime
    channel: Channel
    verdict: Verification | None = None
    is_reviewed: bool = False


def incoming_event_from_row(item: object, received_at: datetime, channel: Channel) -> IncomingEvent:
    """Return one item of the API's lists as a statement; equal rows have equal texts."""
    body = item if isinstance(item, dict) else {}
    return IncomingEvent(
        WebhookFormat.OPENTABLE_RESERVATION,
        body,
        encode_canonical_json(item),
        JSON_MEDIA_TYPE,
        received_at,
        channel,
    )


def encode_canonical_json(item: object) -> str:
    """Return the JSON text of an item of the API's lists; equal items have equal texts."""
    return _encode_compact_json(item)


class QuarantineResult(Struct, frozen=True):
    """A statement that was kept aside.

    Attributes:
        reason: Why, as a code.
        id: The quarantine item's id.
    """

    reason: str
    id: str

    @property
    def outcome(self) -> str:
        """What became of the statement."""
        return "quarantined"


async def ingest_event(
    context: AppContext, settings: IntegrationSettings, incoming: IncomingEvent
) -> ApplyResult | QuarantineResult:
    """Apply a statement, or keep it whole in the quarantine where it cannot be applied.

    Raises:
        LedgerUnavailableError: When neither could be stored; it must not be acknowledged.
    """
    try:
        event = replace(normalize_event(settings, incoming), authentication=incoming.verdict)
        applied = await open_ledger(context, settings).apply(event)
    except InvalidEventError as rejection:
        text, content_type, verdict = incoming.text, incoming.content_type, incoming.verdict
        entry = await quarantine_event(
            context, settings, text, content_type, rejection, verdict=verdict
        )
        return QuarantineResult(rejection.reason, entry.id)
    _log_unknown_state(settings, event)
    return applied


def normalize_event(settings: IntegrationSettings, incoming: IncomingEvent) -> ReservationEvent:
    """Read a statement in either format.

    Raises:
        RejectedStatementError: When it cannot be applied, unusable settings included.
    """
    if len(incoming.text) > MAX_EVENT_BYTES:
        raise InvalidEventError("too_large", f"It is larger than {MAX_EVENT_BYTES} bytes.")
    try:
        zone = settings.require_zone()
        if incoming.shape is WebhookFormat.OPENTABLE_RESERVATION:
            return parse_opentable_reservation(
                incoming.body,
                incoming.text,
                rid=settings.require_rid(),
                zone=zone,
                channel=incoming.channel,
            )
    except InvalidSettingsError as error:
        log_event(
            Severity.ERROR,
            LogEvent.SETTINGS_UNUSABLE,
            restaurantId=settings.restaurant_id,
            problem=str(error),
        )
        raise InvalidEventError("unusable_settings", str(error)) from None
    return parse_envelope(
        incoming.body,
        incoming.text,
        rid=settings.rid,
        zone=zone,
        received_at=incoming.received_at,
        accept_future_timestamp=incoming.is_reviewed,
        channel=incoming.channel,
    )


def _log_unknown_state(settings: IntegrationSettings, event: ReservationEvent) -> None:
    if event.fields.get("state") is not None and "status" not in event.fields:
        log_event(Severity.WARNING, LogEvent.STATE_UNKNOWN, restaurantId=settings.restaurant_id)


class UnreadableRow(Struct, frozen=True):
    """A row that cannot be applied.

    Attributes:
        item: The row as OpenTable sent it.
        rejection: Why.
        entry: Its place in the quarantine.
    """

    item: object
    rejection: InvalidEventError
    entry: QuarantineEntry


class NormalizedRows(Struct):
    """A page's rows as changes, and those that cannot be read."""

    events: list[ReservationEvent] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)


async def normalize_rows(
    context: AppContext, settings: IntegrationSettings, items: Iterable[object], channel: Channel
) -> NormalizedRows:
    """Read rows as changes; one that cannot be read goes to the quarantine and stops nobody.

    Args:
        context: The process's services.
        settings: The restaurant's, usable.
        items: Rows as OpenTable sent them, objects or not.
        channel: Which way they came.

    Raises:
        LedgerUnavailableError: When an unreadable row could not be kept.
    """
    batch = NormalizedRows()
    now = context.clock()
    for item in items:
        incoming = incoming_event_from_row(item, now, channel)
        try:
            batch.events.append(normalize_event(settings, incoming))
        except InvalidEventError as rejection:
            entry = await quarantine_event(
                context, settings, incoming.text, JSON_MEDIA_TYPE, rejection
            )
            batch.unreadable.append(UnreadableRow(item, rejection, entry))
    return batch


async def quarantine_if_rejected(
    context: AppContext, settings: IntegrationSettings, event: ReservationEvent, result: BatchResult
) -> QuarantineEntry | None:
    """Keep a row that the ledger refused; None where it took it.

    Raises:
        LedgerUnavailableError: When the ledger could not take it now, or it could not be kept.
    """
    if isinstance(result, ServiceUnavailableError):
        raise result
    if not isinstance(result, InvalidEventError):
        return None
    return await quarantine_event(context, settings, event.payload, JSON_MEDIA_TYPE, result)
