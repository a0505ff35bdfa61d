from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from sandbox.server import create_sandbox_app
from sandbox.simulator import Simulator
from tests.sandbox.client import RID, new_simulator


@pytest.fixture(scope="module")
def demo_simulator() -> Simulator:
    return new_simulator(reservations=20)


@pytest_asyncio.fixture
async def control_client(demo_simulator: Simulator) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(create_sandbox_app(demo_simulator))
    async with AsyncClient(transport=transport, base_url="http://testserver") as control_client:
        yield control_client


async def fetch_authorization_headers(control_client: AsyncClient) -> dict[str, str]:
    path = "/api/v2/oauth/token?grant_type=client_credentials"
    reply = await control_client.get(path, auth=("demo-client", "demo-secret"))
    return {"Authorization": f"Bearer {reply.json()['access_token']}"}


async def list_sandbox_rows(control_client: AsyncClient) -> list[dict[str, Any]]:
    answer = await control_client.get(
        "/sync/v2/reservations",
        params={"rid": RID},
        headers=await fetch_authorization_headers(control_client),
    )
    return list(answer.json()["items"])


async def test_sync_is_served_over_http(control_client: AsyncClient) -> None:
    assert len(await list_sandbox_rows(control_client)) >= 20


async def test_the_state_counts_stored_objects(control_client: AsyncClient) -> None:
    answer = await control_client.get("/_control/state")
    assert sum(answer.json()["restaurants"][str(RID)].values()) >= 20


async def test_a_mutation_reaches_the_feed(control_client: AsyncClient) -> None:
    key = (await list_sandbox_rows(control_client))[0]["id"].removeprefix(f"{RID}-")
    body = {"do": "cancel", "rid": RID, "key": key}
    answer = await control_client.post("/_control/mutations", json=body)
    assert answer.status_code == 200
    assert {row["id"]: row["state"] for row in await list_sandbox_rows(control_client)}[
        f"{RID}-{key}"
    ] == "Cancelled"


@pytest.mark.parametrize(
    "body",
    [
        {"do": "explode", "rid": RID},
        {"do": "cancel", "rid": 1, "key": "x"},
        {"do": "store", "rid": RID, "scheduled": "2026-03-14T19:15:00", "party_size": 2},
        [],
    ],
)
async def test_an_unusable_mutation_gets_400(body: object, control_client: AsyncClient) -> None:
    answer = await control_client.post("/_control/mutations", json=body)
    assert answer.status_code == 400


async def test_a_fault_is_scripted_over_http(control_client: AsyncClient) -> None:
    await control_client.post("/_control/faults", json={"kind": "status", "status": 502})
    headers = await fetch_authorization_headers(control_client)
    answer = await control_client.get("/sync/v2/reservations", params={"rid": RID}, headers=headers)
    assert answer.status_code == 502


async def test_webhooks_are_silenced_over_http(
    control_client: AsyncClient, demo_simulator: Simulator
) -> None:
    await control_client.post("/_control/webhooks", json={"silent": True})
    assert demo_simulator.dispatcher.faults.silent


async def test_a_switch_that_does_not_exist_gets_400(control_client: AsyncClient) -> None:
    answer = await control_client.post("/_control/webhooks", json={"loud": True})
    assert answer.status_code == 400


async def test_the_speed_is_set_over_http(
    control_client: AsyncClient, demo_simulator: Simulator
) -> None:
    await control_client.post("/_control/evening", json={"speed": 240})
    assert demo_simulator.loops[0].speed == 240


async def test_the_clock_is_skewed_over_http(
    control_client: AsyncClient, demo_simulator: Simulator
) -> None:
    await control_client.post("/_control/clock", json={"skew_seconds": 90})
    assert demo_simulator.clock.skew.total_seconds() == 90


async def test_the_switches_are_listed_with_examples_that_work(control_client: AsyncClient) -> None:
    listed = (await control_client.get("/_control")).json()
    assert (await control_client.get("/_control/")).json() == listed
    assert "GET /_control/state" in listed
    examples = [
        (name.removeprefix("POST "), example)
        for name, entry in listed.items()
        if name.startswith("POST ")
        for example in entry.get("examples", [])
        if "…" not in str(example.values())
    ]
    assert len(examples) > 8
    for path, example in examples:
        if example.get("wrong_credential"):
            continue  # this station sends no webhooks
        answer = await control_client.post(path, json=example)
        assert answer.status_code == 200, (path, example, answer.text)


@pytest.mark.parametrize(
    "body, sentence",
    [
        ({"rid": 999999}, "999999 is missing or unknown"),
        ({"rid": RID, "zone": "Mars/Phobos"}, f"{RID} is open already, in the zone"),
        ({"rid": 7, "zone": "Mars/Phobos"}, "There is no time zone Mars/Phobos"),
        ({"rid": RID, "wrong_credential": True}, f"{RID} sends no webhooks"),
        ({}, "rid is missing or unknown"),
    ],
)
async def test_a_refused_restaurant_gives_a_sentence(
    body: dict[str, object], sentence: str, control_client: AsyncClient
) -> None:
    answer = await control_client.post("/_control/restaurants", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
