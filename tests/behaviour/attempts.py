"""The ways by which a change comes, each telling whether it was acknowledged."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from shared.edge import paths
from shared.edge.intake import JSON_MEDIA_TYPE
from shared.edge.reconciling import ReconciliationRequest, reconcile_restaurant
from shared.edge.staff.cancelling import cancel_native_reservation
from shared.edge.staff.replaying import replay_quarantined_event
from shared.edge.staff.tokens import AuthenticatedUser
from shared.errors import InvalidEventError, ServiceUnavailableError
from tests.behaviour.counter import asking
from tests.behaviour.telling import Telling, as_envelope, as_row
from tests.front_door import knock
from tests.functions.api.book import write_own
from tests.world import World

Attempt = Callable[[], Awaitable[bool]]
Prepare = Callable[[World, Telling], Awaitable[Attempt]]


async def _webhook(world: World, body: dict[str, Any]) -> Attempt:
    async def attempt() -> bool:
        code = await knock(world.services, json.dumps(body).encode())
        assert code in {200, 503}
        return code == 200

    return attempt


async def envelope_webhook(world: World, telling: Telling) -> Attempt:
    return await _webhook(world, as_envelope(telling, world.restaurant.id))


async def object_webhook(world: World, telling: Telling) -> Attempt:
    return await _webhook(world, as_row(telling, world.restaurant.rid))


async def poll(world: World, telling: Telling) -> Attempt:
    async def attempt() -> bool:
        with asking(world) as counter:
            counter.row = as_row(telling, world.restaurant.rid)
            return bool((await world.poll())["status"] == "ok")

    return attempt


async def reconciliation(world: World, telling: Telling) -> Attempt:
    async def attempt() -> bool:
        with asking(world) as counter:
            counter.row = as_row(telling, world.restaurant.rid)
            answer = await reconcile_restaurant(
                world.services, ReconciliationRequest(), world.restaurant.id
            )
        assert answer["status"] in {"COMPLETED", "FAILED"}
        return bool(answer["status"] == "COMPLETED") and not answer["divergences"]

    return attempt


async def _replay(world: World, body: dict[str, Any]) -> Attempt:
    services, rejection = world.services, InvalidEventError("held_back", "By the test.")
    kept = await services.quarantine(world.restaurant.id).add(
        json.dumps(body), JSON_MEDIA_TYPE, rejection
    )
    items = paths.quarantine_collection(services.firestore, world.restaurant.id)
    item = (await items.document(kept.id).get()).to_dict() or {}

    async def attempt() -> bool:
        return await _unless_unavailable(
            replay_quarantined_event(world.services, world.settings(), item)
        )

    return attempt


async def replayed_envelope(world: World, telling: Telling) -> Attempt:
    return await _replay(world, as_envelope(telling, world.restaurant.id))


async def replayed_object(world: World, telling: Telling) -> Attempt:
    return await _replay(world, as_row(telling, world.restaurant.rid))


async def staff(world: World, telling: Telling) -> Attempt:
    own = f"own-{telling.version}"
    await write_own(world, own)

    async def attempt() -> bool:
        by, key = AuthenticatedUser("staff-1", is_operator=False), str(telling.version)
        cancelling = cancel_native_reservation(
            world.services, world.settings(), own, user=by, reason=key, idempotency_key=key
        )
        return await _unless_unavailable(cancelling)

    return attempt


async def _unless_unavailable(work: Awaitable[object]) -> bool:
    try:
        await work
    except ServiceUnavailableError:
        return False
    return True
