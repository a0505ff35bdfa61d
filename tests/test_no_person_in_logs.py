"""Nothing that is written tells of a person, a token, a signature or a secret, whatever happens."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient
from msgspec import structs

from dev.sandbox.faults import FailureKind
from dev.sandbox.records import SandboxGuest, SandboxReservation
from functions.poll import opentable_poll
from functions.reconcile import opentable_reconcile
from functions.webhook import opentable_webhook
from shared.edge import paths
from shared.edge import services as process
from shared.edge.directory import RestaurantDirectory
from shared.edge.environment import read_environment
from shared.edge.secrets import CredentialCache
from shared.edge.services import AppContext
from shared.edge.staff.staffroom import build_api_context
from shared.errors import InvalidSettingsError
from tests.driver import MARKED_TYPE, SIGNED, TOKEN, Driver, untold
from tests.edge.guest_party import SOON, Party
from tests.edge.marked_diner import MarkedDiner
from tests.functions.api.caller import Caller, served, unsigned
from tests.safe import Safe
from tests.wire import Step, Wire
from tests.world import World, make_world

CREDENTIALS = {
    "clientId": "me",
    "clientSecret": "marked-secret",
    "bearerTokens": ["marked-token"],
    "webhookSecrets": ["whsec_bWFya2VkLW1hcmtlZA=="],
}
CRASHES: list[type[Exception]] = [
    google.InvalidArgument,
    google.PermissionDenied,
    google.ServiceUnavailable,
    RuntimeError,
    ValueError,
    KeyError,
]


@pytest.fixture
async def driver(firestore: AsyncClient) -> AsyncIterator[Driver]:
    world = await make_world(firestore, country="US")
    safe = Safe()
    safe.payloads[world.restaurant.secret] = CREDENTIALS
    secrets = CredentialCache(lambda: safe, lambda: 0.0)
    directory = RestaurantDirectory(firestore, secrets, None, lambda: 0.0)
    world.sandbox.tokens.partners[0].client_secret = "marked-secret"
    services = structs.replace(world.services, directory=directory)
    yield Driver(structs.replace(world, services=services))
    world.executor.shutdown()
    process._contexts_by_loop.clear()


@pytest.fixture
def written(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """Returns all that was written, to the log of any library too."""
    caplog.set_level(logging.INFO)

    def read() -> str:
        output = capfd.readouterr()
        # What httpx logs is the test's own asking.
        records = [each.getMessage() for each in caplog.records if each.name != "httpx"]
        return "\n".join([output.out, output.err, *records])

    return read


def letter(driver: Driver, number: int, kind: str = "updated", **data: Any) -> dict[str, Any]:
    """Return a relay's envelope about the marked diner."""
    person = {"dinerName": "Zoë Marked", "dinerEmail": "marked@example.com"}
    said = {"dinerPhone": "2125559876", "specialRequests": "marked", "reservationId": "ot_1"}
    return {
        "eventType": f"reservation.{kind}",
        "id": f"letter-{number}",
        "timestamp": driver.world.clock().isoformat(),
        "data": {"restaurantId": driver.world.restaurant.id, **person, **said, **data},
    }


def booked_by(party: Party) -> SandboxReservation:
    """Book a table for somebody marked."""
    key = party.guests.add("Zoë", "Marked", "marked@example.com", "2125559876").key
    return party.world.desk.create(SOON, 2, guest_key=key, request="marked wish")


async def test_no_outcome_of_a_webhook(driver: Driver, written: Callable[[], str]) -> None:
    party = Party(driver.world)
    booked = booked_by(party)
    row = party.row(booked)
    codes = [
        await driver.webhook(letter(driver, 1, "created", reservationId=booked.key)),
        await driver.webhook(row),
        await driver.webhook(row),
        await driver.webhook(row | {"sequence_id": 0, "venue_notes": "marked"}),
        await driver.webhook(row | {"venue_notes": "marked contradiction"}),
        await driver.webhook(row | {"sequence_id": 99, "state": "Marked"}),
        await driver.webhook(letter(driver, 2, reservationId=booked.key)),
        await driver.webhook(letter(driver, 2, dinerName="Marked again")),
        await driver.webhook(letter(driver, 3, partySize="marked")),
        await driver.webhook(letter(driver, 4, reservationId="marked/../id")),
        await driver.webhook(letter(driver, 5, kind="marked")),
        await driver.webhook(letter(driver, 6, dinerName="Marked" * 30_000)),
        await driver.webhook(letter(driver, 7, restaurantId="marked-nobody")),
        await driver.webhook(b'{"marked": '),
        await driver.webhook(b'{"marked": "' + b"A" * 300_000),
        await driver.webhook(row, authorization="Bearer marked-guess"),
        await driver.webhook(row, authorization="Basic bWFya2VkOm1hcmtlZA=="),
        await driver.webhook(row, **SIGNED),
        await driver.webhook(row, **TOKEN, **MARKED_TYPE),
    ]
    assert set(codes) == {200, 202, 400, 401, 413, 415}
    text = written()
    assert '"event": "hint"' in text
    assert '"event": "guest"' in text
    assert untold(text) == []


async def test_no_run_that_polls_reconciles_quarantines_and_erases(
    driver: Driver, written: Callable[[], str]
) -> None:
    diner = MarkedDiner(Party(driver.world))
    await diner.settle_in()
    odd = booked_by(diner.party)
    book = driver.world.sandbox.store
    book.update_reservation(
        odd.rid, odd.key, lambda row: replace(row, party_size=0, venue_notes="marked")
    )
    book.update_guest(odd.rid, str(odd.guest_key), _unreadable)
    await driver.call(opentable_poll, {})
    driver.world.desk.set_request(diner.booked[0].key, "marked anew")
    assert await driver.call(opentable_reconcile, {}) == 200
    driver.world.clock.advance(900)
    diner.party.guests.forget(diner.key)
    assert await driver.call(opentable_poll, {}) == 200
    await diner.replay()
    assert await driver.call(opentable_reconcile, {}) == 200
    text = written()
    for event in ("poll", "reconciliation", "guest.erased"):
        assert f'"event": "{event}"' in text
    assert untold(text) == []


def _unreadable(guest: SandboxGuest) -> SandboxGuest:
    return replace(guest, notes=7)  # type: ignore[arg-type] # what OpenTable should never send


@pytest.mark.parametrize(
    "order",
    [
        b'{"restaurantId": "marked@here"}',
        b'{"startDate": "marked"}',
        b'["marked"]',
        b"marked",
    ],
)
async def test_no_order_that_cannot_be_read(
    driver: Driver, written: Callable[[], str], order: bytes
) -> None:
    assert await driver.call(opentable_reconcile, order) == 400
    assert untold(written()) == []


@pytest.mark.parametrize(
    "kind", [FailureKind.REVOKED, FailureKind.HTML, FailureKind.TRUNCATED, FailureKind.CLOSE]
)
async def test_no_failure_of_opentable(
    driver: Driver, written: Callable[[], str], kind: FailureKind
) -> None:
    party = Party(driver.world)
    booked = booked_by(party)
    driver.world.sandbox.faults.script_failure(kind, times=50)
    hurried = _hurried(driver.world.services)
    await driver.webhook(party.row(booked), hurried)
    await driver.call(opentable_poll, {}, hurried)
    await driver.call(opentable_reconcile, {}, hurried)
    text = written()
    assert '"status": "error"' in text
    assert untold(text) == []


def _hurried(services: AppContext) -> AppContext:
    hurry = {"guest_budget_seconds": 0.1, "run_budget_seconds": 0.3}
    return structs.replace(services, environment=structs.replace(services.environment, **hurry))


def _raising(crash: type[Exception]) -> Step:
    async def fail() -> None:
        raise crash("Zoë Marked, marked@example.com, is too long a value")

    return fail


@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("passing", [0, 1, 2])
async def test_no_fault_of_the_store_or_of_ours(
    driver: Driver, wire: Wire, written: Callable[[], str], crash: type[Exception], passing: int
) -> None:
    party = Party(driver.world)
    booked = booked_by(party)
    tapped = structs.replace(driver.world.services, firestore=wire.client)
    for function, body in (
        (opentable_webhook, party.row(booked)),
        (opentable_poll, {}),
        (opentable_reconcile, {}),
    ):
        wire.before.clear()
        wire.before.extend([*[_go_on] * passing, *[_raising(crash)] * 12])
        await driver.call(function, body, tapped, **TOKEN)
        assert len(wire.before) < 12
    assert untold(written()) == []


async def _go_on() -> None:
    """Let a commit pass."""


@pytest.fixture
def wire(firestore: AsyncClient) -> Wire:
    return Wire(firestore)


@pytest.mark.parametrize(
    "name, value",
    [
        ("OPENTABLE_API_URL", "https://me:marked@platform.opentable.com"),
        ("OPENTABLE_API_URL", "marked"),
        ("RUN_BUDGET_SECONDS", "marked"),
        ("SECRETS_FILE", "/marked/secrets.json"),
    ],
)
def test_no_setting_that_cannot_be_used(name: str, value: str) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        read_environment({"GOOGLE_CLOUD_PROJECT": "p", name: value})
    assert untold(str(refusal.value)) == []


async def test_no_secret_that_cannot_be_read(
    driver: Driver, firestore: AsyncClient, written: Callable[[], str]
) -> None:
    safe = Safe()
    directory = RestaurantDirectory(
        firestore, CredentialCache(lambda: safe, lambda: 0.0), None, lambda: 0.0
    )
    services = structs.replace(driver.world.services, directory=directory)
    payloads: list[object] = ["marked, no JSON", {"bearerTokens": "marked"}, {"clientSecret": 5}]
    for payload in payloads:
        safe.payloads[driver.world.restaurant.secret] = payload
        await driver.webhook(letter(driver, 1), services)
        await driver.call(opentable_poll, {}, services)
    assert untold(written()) == []


async def test_no_call_of_the_staff(
    driver: Driver, written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
    await driver.webhook(letter(driver, 1, "created", partySize=2))
    await driver.webhook(letter(driver, 2, partySize="marked"))
    manager = await _manager(driver.world)
    [item] = (await manager.get("quarantine")).json()["items"]
    answers = [
        await manager.get("reservations"),
        await manager.get("reservations/opentable-ot_1/events"),
        await manager.get(f"quarantine/{item['id']}?unmask=true"),
        await manager.post(f"quarantine/{item['id']}/replay"),
        await manager.post(f"quarantine/{item['id']}/dismiss", {"reason": "marked"}),
        await manager.post("reservations/opentable-ot_1/cancel", {"reason": "marked"}),
        await manager.post("reservations/marked@example.com/cancel", {"reason": 5}),
        await manager.put("integration", {"webhookSecrets": ["marked"], "marked": "marked"}),
        await manager.with_token("marked-token").get("integration"),
    ]
    assert {answer.status_code for answer in answers} > {200, 401, 409}
    assert untold(written()) == []


async def _manager(world: World) -> Caller:
    services = world.services
    room = build_api_context(services)
    members = paths.staff_member_document(services.firestore, world.restaurant.id, "mara")
    await members.set({"role": "manager"})
    token = unsigned(services.firestore.project, "mara")
    return Caller(served(room), world.restaurant.id, token)
