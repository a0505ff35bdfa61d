"""The names of actors in a history and in the quarantine, also without Firebase."""

import socket
import time

import pytest

from dev.local.auth_emulator import LocalAccounts
from dev.local.processes import LOOPBACK, find_free_port
from tests.functions.api.test_cancellation import PATH
from tests.support.clocks import FakeTimer
from tests.support.events import envelope_body
from tests.support.quarantine import quarantine_event_body
from tests.support.reservations import write_native_reservation
from tests.support.staff_api import StaffApiClient
from tests.support.world import World

EVENTS = "reservations/own-1/events"


@pytest.fixture
def named_accounts(local_accounts: LocalAccounts) -> LocalAccounts:
    local_accounts.add("hanna", "hanna@example.com", displayName="Hanna")
    local_accounts.add("mara", "mara@example.com")
    return local_accounts


@pytest.fixture
async def cancelled_reservation(host: StaffApiClient, world: World) -> None:
    """A reservation that Hanna cancelled."""
    await write_native_reservation(world)
    await host.post(PATH)


async def read_cancelling_user(client: StaffApiClient) -> tuple[str, str | None]:
    [event] = (await client.get(EVENTS)).json()["events"]
    return event["by"], event["byName"]


@pytest.mark.usefixtures("named_accounts", "cancelled_reservation")
async def test_a_history_names_who_cancelled(host: StaffApiClient) -> None:
    assert await read_cancelling_user(host) == ("hanna", "Hanna")


@pytest.mark.usefixtures("named_accounts")
async def test_an_account_without_a_name_is_shown_by_its_address(
    manager: StaffApiClient, world: World
) -> None:
    id_ = await quarantine_event_body(world, envelope_body(partySize=0))
    await manager.get(f"quarantine/{id_}?unmask=true")
    await manager.post(f"quarantine/{id_}/dismiss", {"reason": "known"})
    [listed] = (await manager.get("quarantine")).json()["items"]
    item = (await manager.get(f"quarantine/{id_}")).json()
    assert listed["resolvedByName"] == item["resolvedByName"] == "mara@example.com"
    assert [view["byName"] for view in item["views"]] == ["mara@example.com"]


@pytest.mark.usefixtures("cancelled_reservation")
async def test_after_the_deletion_of_an_account_the_id_remains(
    host: StaffApiClient, named_accounts: LocalAccounts, timer: FakeTimer
) -> None:
    await host.get(EVENTS)
    del named_accounts.users["hanna"]
    timer.advance(301)
    assert await read_cancelling_user(host) == ("hanna", None)


@pytest.mark.usefixtures("cancelled_reservation")
async def test_a_name_is_read_once_in_five_minutes(
    host: StaffApiClient, named_accounts: LocalAccounts, timer: FakeTimer
) -> None:
    for _ in range(3):
        await host.get(EVENTS)
        timer.advance(60)
    assert named_accounts.lookup_count == 1


@pytest.mark.usefixtures("cancelled_reservation")
async def test_a_history_is_shown_without_firebase(
    host: StaffApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"{LOOPBACK}:{find_free_port()}")
    assert await read_cancelling_user(host) == ("hanna", None)


@pytest.mark.usefixtures("cancelled_reservation")
async def test_a_history_does_not_wait_for_a_firebase_that_hangs(
    host: StaffApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        address = f"{LOOPBACK}:{silent.getsockname()[1]}"
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", address)
        started_at = time.monotonic()
        for _ in range(5):
            assert await read_cancelling_user(host) == ("hanna", None)
        assert time.monotonic() - started_at < 5
