"""Who somebody is, told to themselves."""

from shared.edge import paths
from tests.functions.api.caller import Caller
from tests.world import World


async def test_a_host_is_told_their_role_and_the_zone(host: Caller) -> None:
    told = (await host.get("me")).json()
    assert told == {"uid": "hanna", "role": "host", "timeZone": "America/New_York"}


async def test_a_manager_is_told_so(manager: Caller) -> None:
    assert (await manager.get("me")).json()["role"] == "manager"


async def test_an_operator_is_told_so(operator: Caller) -> None:
    assert (await operator.get("me")).json()["role"] == "operator"


async def test_a_zone_to_be_mended_is_none(host: Caller, world: World) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"timeZone": "Mars/Olympus"})
    assert (await host.get("me")).json()["timeZone"] is None


async def test_a_restaurant_without_settings_has_no_zone(operator: Caller) -> None:
    assert (await operator.at("new-one").get("me")).json()["timeZone"] is None
