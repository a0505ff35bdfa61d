"""Settings are written field by field, whoever writes beside them."""

from datetime import UTC, datetime

import pytest

from shared.edge import paths
from shared.edge.staff.integration import RidTakenError, release_rid, update_settings
from shared.errors import ServiceUnavailableError
from tests.restaurants import Restaurant
from tests.wire import Wire

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


async def test_a_poll_that_ends_meanwhile_loses_nothing(seeded: Restaurant, wire: Wire) -> None:
    settings = paths.integration_document(wire.client, seeded.id)

    async def poll_ends() -> None:
        await settings.update({"poll.cursor": NOON})

    wire.before.append(poll_ends)
    await update_settings(wire.client, seeded.id, {"country": "GB"}, NOON)
    held = (await settings.get()).to_dict() or {}
    assert (held["country"], held["poll"]) == ("GB", {"cursor": NOON})


async def test_a_rid_that_another_claims_meanwhile_is_refused(
    seeded: Restaurant, wire: Wire
) -> None:
    async def another_claims() -> None:
        await paths.rid_claim_document(wire.client, "777").set({"restaurantId": "elsewhere"})

    wire.before.append(another_claims)
    with pytest.raises(RidTakenError):
        await update_settings(wire.client, seeded.id, {"restaurantId": "777"}, NOON)
    held = (await paths.integration_document(wire.client, seeded.id).get()).to_dict() or {}
    assert held["restaurantId"] == seeded.rid


async def test_settings_that_never_stand_still_are_given_up(seeded: Restaurant, wire: Wire) -> None:
    settings = paths.integration_document(wire.client, seeded.id)

    async def moves() -> None:
        wire.before.clear()
        await settings.update({"poll.count": len(wire.calls)})
        wire.before.append(moves)

    wire.before.append(moves)
    with pytest.raises(ServiceUnavailableError, match="kept changing"):
        await update_settings(wire.client, seeded.id, {"country": "GB"}, NOON)


async def test_a_rid_is_released_with_the_switching_off(seeded: Restaurant, wire: Wire) -> None:
    assert await release_rid(wire.client, seeded.id, NOON) == seeded.rid
    held = (await paths.integration_document(wire.client, seeded.id).get()).to_dict() or {}
    assert (held["enabled"], "restaurantId" in held) == (False, False)
    assert not (await paths.rid_claim_document(wire.client, seeded.rid).get()).exists


async def test_a_poll_that_ends_while_a_rid_is_released_loses_nothing(
    seeded: Restaurant, wire: Wire
) -> None:
    settings = paths.integration_document(wire.client, seeded.id)

    async def poll_ends() -> None:
        await settings.update({"poll.cursor": NOON})

    wire.before.append(poll_ends)
    assert await release_rid(wire.client, seeded.id, NOON) == seeded.rid
    held = (await settings.get()).to_dict() or {}
    assert (held["enabled"], held["poll"]) == (False, {"cursor": NOON})


async def test_a_rid_that_another_holds_by_now_stays_theirs(seeded: Restaurant, wire: Wire) -> None:
    await paths.rid_claim_document(wire.client, seeded.rid).set({"restaurantId": "elsewhere"})
    await release_rid(wire.client, seeded.id, NOON)
    claim = (await paths.rid_claim_document(wire.client, seeded.rid).get()).to_dict()
    assert claim == {"restaurantId": "elsewhere"}


async def test_where_no_rid_is_held_none_is_released(seeded: Restaurant, wire: Wire) -> None:
    await release_rid(wire.client, seeded.id, NOON)
    assert await release_rid(wire.client, seeded.id, NOON) is None
