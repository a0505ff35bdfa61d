"""From an admitted statement to the ledger, or to the quarantine: nothing is dropped."""

import json
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shared.core.body import Shape
from shared.core.change import Change, Source
from shared.core.envelope import change_from_envelope
from shared.core.settings import Settings
from shared.core.signature import Verdict
from shared.core.snapshot import change_from_object
from shared.edge.keeping import keep_aside
from shared.edge.ledger import Applied
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import InvalidSettingsError, RejectedStatementError

JSON = "application/json"
LARGEST_BYTES = 256 * 1024  # as large as a webhook may be; a row of OpenTable's has some 2 KiB

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Statement(Struct, frozen=True):
    """A statement whose sender was admitted.

    Attributes:
        shape: Its format.
        body: The parsed object.
        text: The same, as it came.
        content_type: Its media type.
        received_at: When it first came, UTC.
        source: Which way it came.
        verdict: How its sender proved who it is; None for what we asked OpenTable for.
        vouched: Whether a person has looked at it and wants it in.
    """

    shape: Shape
    body: dict[str, Any]
    text: str
    content_type: str
    received_at: datetime
    source: Source
    verdict: Verdict | None = None
    vouched: bool = False


def statement_of_row(item: object, received_at: datetime, source: Source) -> Statement:
    """Return one item of the API's lists as a statement; equal rows have equal texts."""
    body = item if isinstance(item, dict) else {}
    return Statement(Shape.OBJECT, body, text_of(item), JSON, received_at, source)


def text_of(item: object) -> str:
    """Return the JSON text of an item of the API's lists; equal items have equal texts."""
    return _encode(item)


class Quarantined(Struct, frozen=True):
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


async def take_in(
    services: Services, settings: Settings, statement: Statement
) -> Applied | Quarantined:
    """Apply a statement, or keep it whole in the quarantine where it cannot be applied.

    Raises:
        LedgerUnavailableError: When neither could be stored; it must not be acknowledged.
    """
    try:
        change = replace(read_statement(settings, statement), proof=statement.verdict)
        applied = await services.ledger(settings).apply(change)
    except RejectedStatementError as rejection:
        text, content_type, verdict = statement.text, statement.content_type, statement.verdict
        kept = await keep_aside(services, settings, text, content_type, rejection, verdict=verdict)
        return Quarantined(rejection.reason, kept.id)
    _note_unknown_state(settings, change)
    return applied


def read_statement(settings: Settings, statement: Statement) -> Change:
    """Read a statement in either format.

    Raises:
        RejectedStatementError: When it cannot be applied, unusable settings included.
    """
    if len(statement.text) > LARGEST_BYTES:
        raise RejectedStatementError("too_large", f"It is larger than {LARGEST_BYTES} bytes.")
    try:
        zone = settings.usable_zone()
        if statement.shape is Shape.OBJECT:
            return change_from_object(
                statement.body,
                statement.text,
                rid=settings.usable_rid(),
                zone=zone,
                source=statement.source,
            )
    except InvalidSettingsError as error:
        log(
            Severity.ERROR,
            Event.SETTINGS_UNUSABLE,
            restaurantId=settings.restaurant_id,
            problem=str(error),
        )
        raise RejectedStatementError("unusable_settings", str(error)) from None
    return change_from_envelope(
        statement.body,
        statement.text,
        rid=settings.rid,
        zone=zone,
        received_at=statement.received_at,
        vouched=statement.vouched,
        source=statement.source,
    )


def _note_unknown_state(settings: Settings, change: Change) -> None:
    if change.said.get("state") is not None and "status" not in change.said:
        log(Severity.WARNING, Event.UNKNOWN_STATE, restaurantId=settings.restaurant_id)
