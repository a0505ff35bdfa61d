"""Settings are written field by field, whoever writes beside them."""

from datetime import UTC, datetime

import pytest

from shared.edge import paths
from shared.edge.staff.integration import RidTakenError, release_rid, update_settings
from shared.errors import ServiceUnavailableError
from tests.restaurants import Restaurant
from tests.wire import FirestoreSpy

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


async def test_a_concurrent_poll_result_is_not_lost(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def poll_ends() -> None:
        await settings.update({"poll.cursor": NOON})

    firestore_spy.before_commit.append(poll_ends)
    await update_settings(firestore_spy.client, seeded_restaurant.id, {"country": "GB"}, NOON)
    held = (await settings.get()).to_dict() or {}
    assert (held["country"], held["poll"]) == ("GB", {"cursor": NOON})


async def test_a_concurrently_claimed_rid_is_rejected(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    async def another_claims() -> None:
        await paths.rid_claim_document(firestore_spy.client, "777").set(
            {"restaurantId": "elsewhere"}
        )

    firestore_spy.before_commit.append(another_claims)
    with pytest.raises(RidTakenError):
        await update_settings(
            firestore_spy.client, seeded_restaurant.id, {"restaurantId": "777"}, NOON
        )
    held = (
        await paths.integration_document(firestore_spy.client, seeded_restaurant.id).get()
    ).to_dict() or {}
    assert held["restaurantId"] == seeded_restaurant.rid


async def test_constantly_changing_settings_raise(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def moves() -> None:
        firestore_spy.before_commit.clear()
        await settings.update({"poll.count": len(firestore_spy.calls)})
        firestore_spy.before_commit.append(moves)

    firestore_spy.before_commit.append(moves)
    with pytest.raises(ServiceUnavailableError, match="kept changing"):
        await update_settings(firestore_spy.client, seeded_restaurant.id, {"country": "GB"}, NOON)


async def test_a_rid_is_released_with_the_switching_off(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    assert (
        await release_rid(firestore_spy.client, seeded_restaurant.id, NOON) == seeded_restaurant.rid
    )
    held = (
        await paths.integration_document(firestore_spy.client, seeded_restaurant.id).get()
    ).to_dict() or {}
    assert (held["enabled"], "restaurantId" in held) == (False, False)
    assert not (
        await paths.rid_claim_document(firestore_spy.client, seeded_restaurant.rid).get()
    ).exists


async def test_a_poll_that_ends_while_a_rid_is_released_loses_nothing(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    settings = paths.integration_document(firestore_spy.client, seeded_restaurant.id)

    async def poll_ends() -> None:
        await settings.update({"poll.cursor": NOON})

    firestore_spy.before_commit.append(poll_ends)
    assert (
        await release_rid(firestore_spy.client, seeded_restaurant.id, NOON) == seeded_restaurant.rid
    )
    held = (await settings.get()).to_dict() or {}
    assert (held["enabled"], held["poll"]) == (False, {"cursor": NOON})


async def test_a_rid_claimed_by_another_restaurant_is_not_released(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    await paths.rid_claim_document(firestore_spy.client, seeded_restaurant.rid).set(
        {"restaurantId": "elsewhere"}
    )
    await release_rid(firestore_spy.client, seeded_restaurant.id, NOON)
    claim = (
        await paths.rid_claim_document(firestore_spy.client, seeded_restaurant.rid).get()
    ).to_dict()
    assert claim == {"restaurantId": "elsewhere"}


async def test_without_a_rid_claim_nothing_is_released(
    seeded_restaurant: Restaurant, firestore_spy: FirestoreSpy
) -> None:
    await release_rid(firestore_spy.client, seeded_restaurant.id, NOON)
    assert await release_rid(firestore_spy.client, seeded_restaurant.id, NOON) is None
