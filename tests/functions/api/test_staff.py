"""Staff of a restaurant: list, add, change and remove members."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dev.local.auth_emulator import LocalAccounts
from dev.local.processes import LOOPBACK, find_free_port
from shared.firestore import paths
from tests.functions.api.conftest import create_member_client
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import World

PASSWORD = {"providerUserInfo": [{"providerId": "password", "rawId": "x"}]}
CONFIRMED = {"emailVerified": True, **PASSWORD}


@pytest.fixture
def people(local_accounts: LocalAccounts) -> LocalAccounts:
    """The accounts of the staff, and of a person who is not on it."""
    local_accounts.add("mara", "mara@example.com", displayName="Mara", **CONFIRMED)
    local_accounts.add("hanna", "hanna@example.com", displayName="Hanna", **CONFIRMED)
    local_accounts.add("nils", "nils@example.com", **CONFIRMED)
    return local_accounts


async def add(client: StaffApiClient, email: str, role: str = "host") -> dict[str, Any]:
    response = await client.post("staff", {"email": email, "role": role})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def roles_in(body: dict[str, Any]) -> dict[str, str]:
    return {member["uid"]: member["role"] for member in body["staff"]}


@pytest.mark.usefixtures("people", "host")
async def test_staff_is_listed_with_names_managers_first(manager: StaffApiClient) -> None:
    body = (await manager.get("staff")).json()
    assert [(each["uid"], each["role"], each["name"], each["email"]) for each in body["staff"]] == [
        ("mara", "manager", "Mara", "mara@example.com"),
        ("hanna", "host", "Hanna", "hanna@example.com"),
    ]
    assert body["changes"] == []


@pytest.mark.usefixtures("people")
async def test_a_person_with_an_account_is_added_and_may_work_at_once(
    manager: StaffApiClient, world: World
) -> None:
    nils = manager.sign_in("nils")
    assert error_code(await nils.get("me")) == (403, "FORBIDDEN")
    body = await add(manager, "Nils@Example.com")
    assert (roles_in(body)["nils"], body["accountIsNew"]) == ("host", False)
    assert (await nils.get("me")).status_code == 200
    [change] = body["changes"]
    assert change == {
        "person": "nils@example.com",
        "previousRole": None,
        "role": "host",
        "changedBy": "Mara",
        "changedAt": "2026-03-14T15:00:00Z",
    }
    member = paths.staff_member_document(world.context.firestore, world.restaurant.id, "nils")
    assert (await member.get()).to_dict() == {
        "uid": "nils",
        "role": "host",
        "addedBy": "mara",
        "addedAt": world.clock(),
    }


async def test_a_person_without_an_account_is_invited(
    manager: StaffApiClient, people: LocalAccounts
) -> None:
    body = await add(manager, "new@example.com")
    [invited] = [each for each in body["staff"] if each["email"] == "new@example.com"]
    assert (body["accountIsNew"], invited["isInvited"], invited["role"]) == (True, True, "host")
    again = await add(manager, "new@example.com")
    assert again["accountIsNew"] is False
    people.users[invited["uid"]] |= CONFIRMED
    staff = (await manager.get("staff")).json()["staff"]
    [member] = [each for each in staff if each["uid"] == invited["uid"]]
    assert member["isInvited"] is False


async def test_an_account_with_an_unconfirmed_address_is_added_by_an_operator_only(
    manager: StaffApiClient, operator: StaffApiClient, people: LocalAccounts
) -> None:
    people.add("eve", "boss@example.com", **PASSWORD)
    request = {"email": "boss@example.com", "role": "manager"}
    assert error_code(await manager.post("staff", request)) == (409, "EMAIL_NOT_CONFIRMED")
    assert "eve" not in roles_in((await manager.get("staff")).json())
    assert (await operator.post("staff", request)).status_code == 200


@pytest.mark.usefixtures("people", "host")
async def test_a_role_is_changed_by_adding_the_person_again(
    manager: StaffApiClient, world: World
) -> None:
    body = await add(manager, "hanna@example.com", "manager")
    assert roles_in(body) == {"mara": "manager", "hanna": "manager"}
    [change] = body["changes"]
    assert (change["previousRole"], change["role"]) == ("host", "manager")
    await add(manager, "hanna@example.com", "manager")
    changes = paths.staff_changes_collection(world.context.firestore, world.restaurant.id)
    assert len([change async for change in changes.stream()]) == 1


@pytest.mark.usefixtures("people")
async def test_a_removed_member_loses_access_and_the_removal_is_recorded(
    manager: StaffApiClient, host: StaffApiClient
) -> None:
    assert (await host.get("me")).status_code == 200
    body = (await manager.delete("staff/hanna")).json()
    assert roles_in(body) == {"mara": "manager"}
    assert error_code(await host.get("me")) == (403, "FORBIDDEN")
    [change] = body["changes"]
    assert (change["person"], change["role"], change["changedBy"]) == ("Hanna", None, "Mara")


@pytest.mark.usefixtures("people")
async def test_a_recorded_change_expires_after_1100_days(
    manager: StaffApiClient, world: World
) -> None:
    await add(manager, "nils@example.com")
    changes = paths.staff_changes_collection(world.context.firestore, world.restaurant.id)
    [change] = [each async for each in changes.stream()]
    assert change.get("staffChangeExpireAt") == world.clock() + timedelta(days=1100)


@pytest.mark.usefixtures("people")
async def test_the_last_manager_can_be_neither_removed_nor_made_a_host(
    manager: StaffApiClient,
) -> None:
    assert error_code(await manager.delete("staff/mara")) == (409, "LAST_MANAGER")
    request = {"email": "mara@example.com", "role": "host"}
    assert error_code(await manager.post("staff", request)) == (409, "LAST_MANAGER")
    await add(manager, "nils@example.com", "manager")
    assert (await manager.delete("staff/mara")).status_code == 200


@pytest.mark.usefixtures("people")
async def test_two_managers_who_remove_each_other_leave_one(
    manager: StaffApiClient, world: World
) -> None:
    await add(manager, "nils@example.com", "manager")
    nils = manager.sign_in("nils")
    await asyncio.gather(manager.get("me"), nils.get("me"))
    answers = await asyncio.gather(manager.delete("staff/nils"), nils.delete("staff/mara"))
    # 403: the second request was checked after the first one had removed its sender.
    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409], [200, 503])
    members = paths.staff_collection(world.context.firestore, world.restaurant.id)
    assert len([member async for member in members.stream()]) == 1


@pytest.mark.usefixtures("people")
async def test_members_without_an_account_are_listed_without_a_name(
    manager: StaffApiClient, world: World
) -> None:
    for uid in ("gone", "x" * 300):
        await create_member_client(manager, world, uid, "host")
    staff = (await manager.get("staff")).json()["staff"]
    names = {member["uid"]: (member["name"], member["email"]) for member in staff}
    assert names == {
        "mara": ("Mara", "mara@example.com"),
        "gone": (None, None),
        "x" * 300: (None, None),
    }


@pytest.mark.usefixtures("people")
async def test_damaged_documents_do_not_hide_the_others(
    manager: StaffApiClient, world: World
) -> None:
    client, restaurant_id = world.context.firestore, world.restaurant.id
    documents: dict[str, dict[str, Any]]
    documents = {"a": {"role": 5}, "b": {}, "c": {"role": "host", "addedAt": "x"}}
    for uid, fields in documents.items():
        await paths.staff_member_document(client, restaurant_id, uid).set(fields)
    changes = paths.staff_changes_collection(client, restaurant_id)
    for damaged in ({"changedAt": "x"}, {"changedAt": world.clock(), "uid": 5}):
        await changes.add(damaged)
    body = (await manager.get("staff")).json()
    assert (roles_in(body), body["changes"]) == ({"mara": "manager", "c": "host"}, [])


async def test_without_firebase_the_staff_is_unavailable(
    manager: StaffApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"{LOOPBACK}:{find_free_port()}")
    assert error_code(await manager.get("staff")) == (503, "UNAVAILABLE")
