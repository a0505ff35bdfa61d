"""Deliver an event through each channel and report whether it was acknowledged."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.ingest.events import JSON_MEDIA_TYPE
from shared.ledger.staff_actions import cancel_native_reservation
from shared.quarantine.review import replay_quarantined_event
from shared.quarantine.store import quarantine_event
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant
from tests.channels.channels import (
    SampleEvent,
    sample_as_envelope,
    sample_as_row,
    use_single_row_opentable,
)
from tests.support.reservations import write_native_reservation
from tests.support.webhooks import call_webhook
from tests.support.world import World

DeliveryAttempt = Callable[[], Awaitable[bool]]
PrepareDelivery = Callable[[World, SampleEvent], Awaitable[DeliveryAttempt]]


async def _prepare_webhook(world: World, body: dict[str, Any]) -> DeliveryAttempt:
    async def attempt() -> bool:
        code = await call_webhook(world.context, json.dumps(body).encode())
        assert code in {200, 503}
        return code == 200

    return attempt


async def prepare_envelope_webhook(world: World, event: SampleEvent) -> DeliveryAttempt:
    return await _prepare_webhook(world, sample_as_envelope(event, world.restaurant.id))


async def prepare_row_webhook(world: World, event: SampleEvent) -> DeliveryAttempt:
    return await _prepare_webhook(world, sample_as_row(event, world.restaurant.rid))


async def prepare_poll(world: World, event: SampleEvent) -> DeliveryAttempt:
    async def attempt() -> bool:
        with use_single_row_opentable(world) as counter:
            counter.row = sample_as_row(event, world.restaurant.rid)
            return bool((await world.poll())["status"] == "ok")

    return attempt


async def prepare_reconciliation(world: World, event: SampleEvent) -> DeliveryAttempt:
    async def attempt() -> bool:
        with use_single_row_opentable(world) as counter:
            counter.row = sample_as_row(event, world.restaurant.rid)
            answer = await reconcile_restaurant(
                world.context, ReconciliationOptions(), world.restaurant.id
            )
        assert answer["status"] in {"COMPLETED", "FAILED"}
        return bool(answer["status"] == "COMPLETED") and not answer["divergences"]

    return attempt


async def _prepare_replay(world: World, body: dict[str, Any]) -> DeliveryAttempt:
    rejection = InvalidEventError("held_back", "By the test.")
    entry = await quarantine_event(
        world.restaurant_context(), json.dumps(body), JSON_MEDIA_TYPE, rejection
    )
    item = (await world.quarantine_collection.document(entry.id).get()).to_dict() or {}

    async def attempt() -> bool:
        return await _is_acknowledged(
            replay_quarantined_event(world.restaurant_context(), item, "mara")
        )

    return attempt


async def prepare_envelope_replay(world: World, event: SampleEvent) -> DeliveryAttempt:
    return await _prepare_replay(world, sample_as_envelope(event, world.restaurant.id))


async def prepare_row_replay(world: World, event: SampleEvent) -> DeliveryAttempt:
    return await _prepare_replay(world, sample_as_row(event, world.restaurant.rid))


async def prepare_staff_cancellation(world: World, event: SampleEvent) -> DeliveryAttempt:
    document_id = f"own-{event.version}"
    await write_native_reservation(world, document_id)

    async def attempt() -> bool:
        key = str(event.version)
        return await _is_acknowledged(
            cancel_native_reservation(
                world.restaurant_context(),
                document_id,
                user_uid="staff-1",
                reason=key,
                idempotency_key=key,
            )
        )

    return attempt


async def _is_acknowledged(work: Awaitable[object]) -> bool:
    try:
        await work
    except ServiceUnavailableError:
        return False
    return True
