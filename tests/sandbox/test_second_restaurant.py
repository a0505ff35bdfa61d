"""A restaurant added to a running simulator, and its webhook credentials."""

import pytest
from httpx import ASGITransport, AsyncClient, Response

from sandbox.actions import ReservationActions
from sandbox.clock import read_system_time
from sandbox.server import create_sandbox_app
from sandbox.simulator import Simulator
from sandbox.webhook_delivery import WebhookDispatcher
from sandbox.webhook_senders import encode_signing_secret
from tests.sandbox.client import RID, SANDBOX_VISIT_TIME, new_simulator

OTHER_RID = 555002
SIGNING = encode_signing_secret(b"0123456789abcdef01234567")


@pytest.fixture
def sent_headers() -> list[dict[str, str]]:
    """The headers of the sent webhooks."""
    return []


@pytest.fixture
def simulator(sent_headers: list[dict[str, str]]) -> Simulator:
    simulator = new_simulator(
        webhook_url="http://webhook", authorization="Bearer first", signing_secret=SIGNING
    )

    def post(_url: str, headers: dict[str, str], _body: bytes) -> int:
        sent_headers.append(headers)
        return 200

    dispatcher = WebhookDispatcher(post, read_system_time)
    assert simulator.direct_sender is not None
    assert simulator.relay is not None
    simulator.dispatcher = simulator.direct_sender.dispatcher = simulator.relay.dispatcher = (
        dispatcher
    )
    return simulator


async def post_control(simulator: Simulator, **body: object) -> Response:
    transport = ASGITransport(create_sandbox_app(simulator))
    async with AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.post("/_control/restaurants", json={"rid": OTHER_RID, **body})


async def open_restaurant(simulator: Simulator, **body: object) -> Response:
    return await post_control(simulator, zone="Europe/London", reservations=10, **body)


def book_and_deliver(simulator: Simulator, rid: int) -> None:
    ReservationActions(simulator.api.store, rid).create(SANDBOX_VISIT_TIME, 2)
    simulator.dispatcher.send_due()


async def test_a_second_restaurant_has_separate_reservations(simulator: Simulator) -> None:
    assert (await open_restaurant(simulator)).json() == {
        "rid": OTHER_RID,
        "zone": "Europe/London",
        "reservations": 10,
        "webhookAuth": [],
    }
    assert simulator.api.store.get_restaurant(OTHER_RID).zone.key == "Europe/London"


async def test_adding_a_restaurant_twice_changes_nothing(simulator: Simulator) -> None:
    await open_restaurant(simulator)
    book_and_deliver(simulator, OTHER_RID)
    assert (await open_restaurant(simulator)).json()["reservations"] == 11
    assert len(simulator.loops) == 2


async def test_the_partner_has_access_to_a_second_restaurant(simulator: Simulator) -> None:
    await open_restaurant(simulator)
    assert OTHER_RID in simulator.api.tokens.partners[0].rids


async def test_no_webhook_is_sent_before_its_credential_is_set(
    simulator: Simulator, sent_headers: list[dict[str, str]]
) -> None:
    await open_restaurant(simulator)
    book_and_deliver(simulator, OTHER_RID)
    assert sent_headers == []


async def test_its_webhooks_carry_its_own_credential(
    simulator: Simulator, sent_headers: list[dict[str, str]]
) -> None:
    await open_restaurant(simulator)
    await post_control(simulator, authorization="Bearer own")
    book_and_deliver(simulator, OTHER_RID)
    book_and_deliver(simulator, RID)
    direct = [headers["authorization"] for headers in sent_headers if "authorization" in headers]
    assert direct == ["Bearer own", "Bearer first"]


async def test_its_relay_signs_with_its_own_secret(
    simulator: Simulator, sent_headers: list[dict[str, str]]
) -> None:
    await open_restaurant(simulator)
    await post_control(simulator, signing_secret=SIGNING)
    book_and_deliver(simulator, OTHER_RID)
    assert [headers.keys() >= {"webhook-signature"} for headers in sent_headers] == [True]


async def test_only_a_credential_in_use_is_spoiled(
    simulator: Simulator, sent_headers: list[dict[str, str]]
) -> None:
    await open_restaurant(simulator)
    await post_control(simulator, authorization="Bearer own")
    spoiled = await post_control(simulator, wrong_credential=True)
    assert spoiled.json()["webhookAuth"] == ["bearer"]
    book_and_deliver(simulator, OTHER_RID)
    [headers] = sent_headers  # no relay: it had no secret before
    assert headers["authorization"].startswith("Bearer ")
    assert headers["authorization"] != "Bearer own"


async def test_every_credential_in_use_is_spoiled(simulator: Simulator) -> None:
    await open_restaurant(simulator)
    await post_control(simulator, authorization="Basic dTpw", signing_secret=SIGNING)
    spoiled = await post_control(simulator, wrong_credential=True)
    assert spoiled.json()["webhookAuth"] == ["basic", "standard-webhooks"]
    assert simulator.relay is not None
    assert simulator.relay.secrets[OTHER_RID] != SIGNING


async def test_services_of_a_second_restaurant_are_simulated(simulator: Simulator) -> None:
    with simulator.run_threads():
        await open_restaurant(simulator)
    assert [life.simulated_time is not None for life in simulator.loops] == [True, True]


@pytest.mark.parametrize(
    "body", [{}, {"zone": "Nowhere/Town"}, {"zone": "Europe/London", "authorization": 1}]
)
async def test_what_cannot_be_used_gets_400(body: dict[str, object], simulator: Simulator) -> None:
    assert (await post_control(simulator, **body)).status_code == 400
