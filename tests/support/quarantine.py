"""Quarantined events of the test restaurant."""

from datetime import datetime, timedelta
from typing import Any

from shared.domain.normalization.webhook_body import WebhookFormat
from shared.domain.webhook_auth import Authentication
from shared.ingest.events import QuarantineResult
from tests.support.events import envelope_body, row_body
from tests.support.world import START_TIME, World

AUTHENTICATION = Authentication("bearer", 1)
HOUR = timedelta(hours=1)


async def quarantine_event_body(
    world: World, body: dict[str, Any], shape: WebhookFormat = WebhookFormat.ENVELOPE
) -> str:
    """Quarantine an event and return the item's id."""
    result = await world.ingest(body, shape)
    assert isinstance(result, QuarantineResult)
    return result.id


async def quarantine_row_of_unknown_rid(world: World) -> str:
    """Quarantine a row for a rid missing in the settings."""
    return await quarantine_event_body(world, row_body(7), WebhookFormat.OPENTABLE_RESERVATION)


async def set_rid(world: World) -> None:
    await world.change_settings(restaurantId="555001")


async def read_item(world: World, id_: str) -> dict[str, Any]:
    return (await world.quarantine_collection.document(id_).get()).to_dict() or {}


async def ingest_envelope_body(world: World, body: dict[str, Any]) -> str | None:
    """Ingest a webhook and return the id of its quarantine item, if any."""
    result = await world.ingest(body, WebhookFormat.ENVELOPE, AUTHENTICATION)
    return result.id if isinstance(result, QuarantineResult) else None


def envelope_at(moment: datetime, kind: str = "created", **data: Any) -> dict[str, Any]:
    overrides = {"id": f"{kind}-{moment:%H%M}", "timestamp": moment.isoformat()}
    return envelope_body(kind, **data) | overrides


async def quarantine_event_from_future(world: World, **data: Any) -> str:
    """Quarantine an event of a relay whose clock is two hours ahead."""
    body = envelope_at(START_TIME + 2 * HOUR, partySize=7, **data)
    id_ = await ingest_envelope_body(world, body)
    assert id_
    return id_
