"""Apply incoming events to the ledger, and put those that cannot be applied in the quarantine."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from shared.context import RestaurantContext
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.opentable_reservation import parse_opentable_reservation
from shared.domain.normalization.webhook_body import WebhookFormat, parse_envelope
from shared.domain.webhook_auth import Authentication
from shared.errors import InvalidEventError, InvalidSettingsError, ServiceUnavailableError
from shared.ledger.ledger import ApplyResult, BatchResult, Ledger
from shared.log import LogEvent, Severity, log_event, log_unusable_settings
from shared.quarantine.store import QuarantineEntry, quarantine_event

JSON_MEDIA_TYPE = "application/json"
MAX_EVENT_BYTES = 256 * 1024  # the limit of a webhook's body; OpenTable's rows have about 2 KiB


class IncomingEvent(Struct, frozen=True):
    """An event as received from an authenticated sender, or a row of OpenTable's API.

    Attributes:
        body: The JSON object in `text`.
        received_at: The time of the first receipt, UTC.
        authentication: The webhook's authentication. None for a row.
        accepts_future_timestamp: A staff member replays the event and has seen it.
    """

    format: WebhookFormat
    body: dict[str, Any]
    text: str
    content_type: str
    received_at: datetime
    channel: Channel
    authentication: Authentication | None = None
    accepts_future_timestamp: bool = False


class QuarantineResult(Struct, frozen=True):
    """An event in the quarantine: the code of the reason and the item's id."""

    reason: str
    id: str

    @property
    def outcome(self) -> str:
        """The outcome for the log."""
        return "quarantined"


class UnreadableRow(Struct, frozen=True):
    """A row of OpenTable's API that is in the quarantine."""

    item: object
    rejection: InvalidEventError
    entry: QuarantineEntry


class NormalizedRows(Struct):
    """The events of a page, and the rows that cannot be read."""

    events: list[ReservationEvent] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)


async def ingest_event(
    restaurant: RestaurantContext, incoming: IncomingEvent
) -> ApplyResult | QuarantineResult:
    """Apply an event, or quarantine it if it cannot be applied.

    Raises:
        ServiceUnavailableError: It is not stored. Do not acknowledge it.
    """
    try:
        # The authentication is stored in the journal: `ledger webhooks check` reads it there.
        event = replace(
            normalize_event(restaurant, incoming), authentication=incoming.authentication
        )
        applied = await Ledger(restaurant).apply(event)
    except InvalidEventError as rejection:
        entry = await quarantine_event(
            restaurant,
            incoming.text,
            incoming.content_type,
            rejection,
            authentication=incoming.authentication,
        )
        return QuarantineResult(rejection.reason, entry.id)
    # OpenTable may add states at any time. The text is stored; the status stays as it was.
    if event.fields.get("state") is not None and "status" not in event.fields:
        log_event(Severity.WARNING, LogEvent.STATE_UNKNOWN, restaurantId=restaurant.id)
    return applied


async def normalize_or_quarantine_rows(
    restaurant: RestaurantContext, items: Iterable[object], channel: Channel
) -> NormalizedRows:
    """Normalize rows of OpenTable's API, and quarantine those that cannot be read.

    `items` are the decoded rows, which need not be objects.
    """
    batch = NormalizedRows()
    now = restaurant.context.clock()
    for item in items:
        incoming = wrap_row(item, now, channel)
        try:
            batch.events.append(normalize_event(restaurant, incoming))
        except InvalidEventError as rejection:
            # One unreadable row must not stop the page.
            entry = await quarantine_event(restaurant, incoming.text, JSON_MEDIA_TYPE, rejection)
            batch.unreadable.append(UnreadableRow(item, rejection, entry))
    return batch


async def quarantine_if_rejected(
    restaurant: RestaurantContext, event: ReservationEvent, result: BatchResult
) -> QuarantineEntry | None:
    """Quarantine a row that the ledger rejected; return None for one that it applied.

    Raises:
        ServiceUnavailableError: The row is not stored.
    """
    # Not stored: the caller must not move its cursor.
    if isinstance(result, ServiceUnavailableError):
        raise result
    if not isinstance(result, InvalidEventError):
        return None
    return await quarantine_event(restaurant, event.payload, JSON_MEDIA_TYPE, result)


def wrap_row(item: object, received_at: datetime, channel: Channel) -> IncomingEvent:
    """Wrap a row of OpenTable's API like a received body. Equal rows have equal texts."""
    body = item if isinstance(item, dict) else {}  # an empty object is rejected with a reason
    return IncomingEvent(
        WebhookFormat.OPENTABLE_RESERVATION,
        body,
        encode_canonical_json(item),
        JSON_MEDIA_TYPE,
        received_at,
        channel,
    )


def encode_canonical_json(item: object) -> str:
    """Return compact JSON with sorted keys. Equal values have equal texts."""
    return json.dumps(item, sort_keys=True, separators=(",", ":"))


def normalize_event(restaurant: RestaurantContext, incoming: IncomingEvent) -> ReservationEvent:
    """Convert an event of either format to the ledger's.

    Raises:
        InvalidEventError: It cannot be applied, or the settings cannot be used.
    """
    # In characters, which is cheap: a webhook's body was limited in bytes before.
    if len(incoming.text) > MAX_EVENT_BYTES:
        raise InvalidEventError("too_large", f"It is larger than {MAX_EVENT_BYTES} bytes.")
    settings = restaurant.settings
    max_text_bytes = restaurant.context.environment.max_text_bytes
    try:
        zone = settings.require_zone()
        if incoming.format is WebhookFormat.OPENTABLE_RESERVATION:
            return parse_opentable_reservation(
                incoming.body,
                incoming.text,
                rid=settings.require_rid(),
                zone=zone,
                channel=incoming.channel,
                max_text_bytes=max_text_bytes,
            )
    except InvalidSettingsError as error:
        log_unusable_settings(error, restaurant.id)
        # In the quarantine the event waits for a correction of the settings.
        raise InvalidEventError("unusable_settings", str(error)) from None
    return parse_envelope(
        incoming.body,
        incoming.text,
        rid=settings.rid,
        zone=zone,
        received_at=incoming.received_at,
        accept_future_timestamp=incoming.accepts_future_timestamp,
        channel=incoming.channel,
        max_text_bytes=max_text_bytes,
    )
