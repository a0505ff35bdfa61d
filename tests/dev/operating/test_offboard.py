"""Switched off, with everything kept; the rid is kept too unless it is let go."""

from typing import Any

from google.cloud.firestore import AsyncClient

from dev.operating.endings import ExitCode
from shared.edge import paths
from tests.dev.operating.shop import Shop


async def claim(firestore: AsyncClient, shop: Shop) -> dict[str, Any] | None:
    return (await paths.rid_claim_document(firestore, shop.rid).get()).to_dict()


async def test_it_is_confirmed_first(shop: Shop) -> None:
    await shop.onboard()
    refused = await shop.operate("offboard", "--json")
    assert (refused.code, refused.out) == (ExitCode.FAILED, "")
    assert "--yes" in refused.errors
    assert (await shop.operate("status", "--json")).told["health"]["enabled"] is True


async def test_it_is_switched_off_and_keeps_its_rid(shop: Shop, firestore: AsyncClient) -> None:
    await shop.onboard()
    told = (await shop.operate("offboard", "--yes", "--json")).told
    assert told["integration"]["enabled"] is False
    assert await claim(firestore, shop) == {"restaurantId": shop.id}


async def test_its_reservations_stay(shop: Shop, firestore: AsyncClient) -> None:
    await shop.onboard()
    before = [one.id async for one in paths.reservations_collection(firestore, shop.id).stream()]
    await shop.operate("offboard", "--yes", "--release-rid")
    assert [
        one.id async for one in paths.reservations_collection(firestore, shop.id).stream()
    ] == before


async def test_a_released_rid_is_free_for_another(shop: Shop, firestore: AsyncClient) -> None:
    await shop.onboard()
    told = (await shop.operate("offboard", "--yes", "--release-rid", "--json")).told
    assert told["integration"]["restaurantId"] is None
    assert await claim(firestore, shop) is None


async def test_a_claim_of_another_is_never_released(shop: Shop, firestore: AsyncClient) -> None:
    await shop.onboard()
    await paths.rid_claim_document(firestore, shop.rid).set({"restaurantId": "elsewhere"})
    await shop.operate("offboard", "--yes", "--release-rid")
    assert await claim(firestore, shop) == {"restaurantId": "elsewhere"}


async def test_onboarded_again_it_goes_on_as_before(shop: Shop) -> None:
    await shop.onboard()
    secret = shop.own_secret()
    await shop.operate("offboard", "--yes", "--release-rid")
    again = await shop.onboard("--json")
    assert (again.code, again.told["integration"]["enabled"]) == (ExitCode.SUCCESS, True)
    assert shop.own_secret() == secret


async def test_a_restaurant_that_was_never_onboarded_is_refused(
    shop: Shop, firestore: AsyncClient
) -> None:
    refused = await shop.operate("offboard", "--yes")
    assert refused.code == ExitCode.FAILED
    assert "`onboard` connects it" in refused.errors
    assert not (await paths.integration_document(firestore, shop.id).get()).exists
