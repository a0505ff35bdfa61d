"""Who somebody is, told to themselves."""

from shared.edge import paths
from tests.functions.api.caller import StaffApiClient
from tests.world import World


async def test_a_host_receives_role_and_time_zone(host: StaffApiClient) -> None:
    told = (await host.get("me")).json()
    assert told == {"uid": "hanna", "role": "host", "timeZone": "America/New_York"}


async def test_a_manager_receives_the_manager_role(manager: StaffApiClient) -> None:
    assert (await manager.get("me")).json()["role"] == "manager"


async def test_an_operator_receives_the_operator_role(operator: StaffApiClient) -> None:
    assert (await operator.get("me")).json()["role"] == "operator"


async def test_an_invalid_zone_is_null(host: StaffApiClient, world: World) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"timeZone": "Mars/Olympus"})
    assert (await host.get("me")).json()["timeZone"] is None


async def test_a_restaurant_without_settings_has_no_zone(operator: StaffApiClient) -> None:
    assert (await operator.at_restaurant("new-one").get("me")).json()["timeZone"] is None
