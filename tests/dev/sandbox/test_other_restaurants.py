"""Another restaurant at a station that is built already, and what its webhooks are sent with."""

import pytest
from httpx import ASGITransport, AsyncClient, Response

from dev.sandbox.clock import read_system_time
from dev.sandbox.courier import WebhookDispatcher
from dev.sandbox.desk import ReservationActions
from dev.sandbox.server import create_sandbox_app
from dev.sandbox.signing import encode_signing_secret
from dev.sandbox.station import Simulator, SimulatorConfig, build_simulator
from tests.dev.sandbox.caller import RID, TONIGHT

OTHER = 555002
SIGNING = encode_signing_secret(b"0123456789abcdef01234567")


@pytest.fixture
def sent() -> list[dict[str, str]]:
    """The headers of what is sent."""
    return []


@pytest.fixture
def station(sent: list[dict[str, str]]) -> Simulator:
    plan = SimulatorConfig(
        zones={RID: "America/New_York"},
        base_url="http://testserver",
        reservations=0,
        webhook_url="http://webhook",
        authorization="Bearer first",
        signing_secret=SIGNING,
        relay_share=1.0,
    )
    station = build_simulator(plan)

    def post(_url: str, headers: dict[str, str], _body: bytes) -> int:
        sent.append(headers)
        return 200

    courier = WebhookDispatcher(post, read_system_time)
    assert station.direct_sender is not None
    assert station.relay is not None
    station.dispatcher = station.direct_sender.dispatcher = station.relay.dispatcher = courier
    return station


async def control(station: Simulator, **said: object) -> Response:
    transport = ASGITransport(create_sandbox_app(station))
    async with AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.post("/_control/restaurants", json={"rid": OTHER, **said})


async def opened(station: Simulator, **said: object) -> Response:
    return await control(station, zone="Europe/London", reservations=10, **said)


def book(station: Simulator, rid: int) -> None:
    ReservationActions(station.api.store, rid).create(TONIGHT, 2)
    station.dispatcher.send_due()


async def test_it_has_a_book_of_its_own(station: Simulator) -> None:
    assert (await opened(station)).json() == {"rid": OTHER, "reservations": 10}
    assert station.api.store.get_restaurant(OTHER).zone.key == "Europe/London"


async def test_opened_again_it_stays_as_it_is(station: Simulator) -> None:
    await opened(station)
    book(station, OTHER)
    assert (await opened(station)).json()["reservations"] == 11
    assert len(station.loops) == 2


async def test_the_partner_may_ask_for_it(station: Simulator) -> None:
    await opened(station)
    assert OTHER in station.api.tokens.partners[0].rids


async def test_nothing_is_sent_before_its_credential_is_told(
    station: Simulator, sent: list[dict[str, str]]
) -> None:
    await opened(station)
    book(station, OTHER)
    assert sent == []


async def test_its_webhooks_carry_its_own_credential(
    station: Simulator, sent: list[dict[str, str]]
) -> None:
    await opened(station)
    await control(station, authorization="Bearer own")
    book(station, OTHER)
    book(station, RID)
    direct = [headers["authorization"] for headers in sent if "authorization" in headers]
    assert direct == ["Bearer own", "Bearer first"]


async def test_its_relay_signs_with_its_own_secret(
    station: Simulator, sent: list[dict[str, str]]
) -> None:
    await opened(station)
    await control(station, signing_secret=SIGNING)
    book(station, OTHER)
    assert [headers.keys() >= {"webhook-signature"} for headers in sent] == [True]


async def test_its_evenings_are_played(station: Simulator) -> None:
    with station.run_threads():
        await opened(station)
    assert [life.simulated_time is not None for life in station.loops] == [True, True]


@pytest.mark.parametrize(
    "said", [{}, {"zone": "Nowhere/Town"}, {"zone": "Europe/London", "authorization": 1}]
)
async def test_what_cannot_be_used_gets_400(said: dict[str, object], station: Simulator) -> None:
    assert (await control(station, **said)).status_code == 400
