"""No log line contains personal data, a token, a signature or a secret."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec import structs

from dev.local.auth_emulator import LocalAccounts
from functions.api.auth import build_api_context
from functions.poll import opentable_poll
from functions.reconcile import opentable_reconcile
from functions.webhook import opentable_webhook
from sandbox.fault_injection import FailureKind
from sandbox.models import SandboxReservation
from shared import context as process
from shared.config import read_environment
from shared.errors import InvalidSettingsError
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache
from tests.support.firestore import FirestoreSpy
from tests.support.guests import GUEST_VISIT_TIME, GuestScenario, MarkedDiner
from tests.support.restaurants import InMemorySecretSource
from tests.support.staff_api import StaffApiClient, api_transport, unsigned_id_token
from tests.support.webhooks import (
    MARKED_MEDIA_TYPE,
    SIGNATURE_HEADERS,
    TOKEN_HEADERS,
    FunctionCaller,
    lines_with_forbidden_text,
)
from tests.support.world import World, make_world

pytestmark = pytest.mark.slow

ReadLog = Callable[[], str]

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
async def caller(firestore: FirestoreClient) -> AsyncIterator[FunctionCaller]:
    world = await make_world(firestore, country="US")
    secret_source = InMemorySecretSource()
    secret_source.payloads[world.restaurant.secret] = CREDENTIALS
    secrets = CredentialCache(secret_source.read, lambda: 0.0)
    directory = RestaurantDirectory(firestore, secrets, None, lambda: 0.0)
    world.sandbox.tokens.partners[0].client_secret = "marked-secret"
    context = structs.replace(world.context, directory=directory)
    yield FunctionCaller(structs.replace(world, context=context))
    world.executor.shutdown()
    process._contexts_by_loop.clear()


@pytest.fixture
def captured_log(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> ReadLog:
    """Return a function that returns all output, including library logs."""
    caplog.set_level(logging.INFO)

    def read() -> str:
        output = capfd.readouterr()
        # httpx logs the test's own requests.
        records = [each.getMessage() for each in caplog.records if each.name != "httpx"]
        return "\n".join([output.out, output.err, *records])

    return read


def envelope_with_diner(
    caller: FunctionCaller, number: int, kind: str = "updated", **data: Any
) -> dict[str, Any]:
    """Return a relay's envelope about the marked diner."""
    person = {"dinerName": "Zoë Marked", "dinerEmail": "marked@example.com"}
    details = {"dinerPhone": "2125559876", "specialRequests": "marked", "reservationId": "ot_1"}
    return {
        "eventType": f"reservation.{kind}",
        "id": f"letter-{number}",
        "timestamp": caller.world.clock().isoformat(),
        "data": {"restaurantId": caller.world.restaurant.id, **person, **details, **data},
    }


def create_marked_reservation(party: GuestScenario) -> SandboxReservation:
    """Book a reservation for a marked guest."""
    key = party.guests.add("Zoë", "Marked", "marked@example.com", "2125559876").key
    return party.world.actions.create(GUEST_VISIT_TIME, 2, guest_key=key, request="marked wish")


async def test_no_outcome_of_a_webhook(caller: FunctionCaller, captured_log: ReadLog) -> None:
    party, webhook = GuestScenario(caller.world), caller.webhook
    booked = create_marked_reservation(party)
    row, envelope = party.row(booked), partial(envelope_with_diner, caller)
    codes = [
        await webhook(envelope(1, "created", reservationId=booked.key)),
        await webhook(row),
        await webhook(row),
        await webhook(row | {"sequence_id": 0, "venue_notes": "marked"}),
        await webhook(row | {"venue_notes": "marked contradiction"}),
        await webhook(row | {"sequence_id": 99, "state": "Marked"}),
        await webhook(envelope(2, reservationId=booked.key)),
        await webhook(envelope(2, dinerName="Marked again")),
        await webhook(envelope(3, partySize="marked")),
        await webhook(envelope(4, reservationId="marked/../id")),
        await webhook(envelope(5, kind="marked")),
        await webhook(envelope(6, dinerName="Marked" * 30_000)),
        await webhook(envelope(7, restaurantId="marked-nobody")),
        await webhook(b'{"marked": '),
        await webhook(b'{"marked": "' + b"A" * 300_000),
        await webhook(row, authorization="Bearer marked-guess"),
        await webhook(row, authorization="Basic bWFya2VkOm1hcmtlZA=="),
        await webhook(row, **SIGNATURE_HEADERS),
        await webhook(row, **TOKEN_HEADERS, **MARKED_MEDIA_TYPE),
    ]
    assert set(codes) == {200, 202, 400, 401, 413, 415}
    text = captured_log()
    assert '"event": "webhook.refetch"' in text
    assert '"event": "guest"' in text
    assert lines_with_forbidden_text(text) == []


async def test_no_run_that_polls_reconciles_quarantines_and_erases(
    caller: FunctionCaller, captured_log: ReadLog
) -> None:
    diner = MarkedDiner(GuestScenario(caller.world))
    await diner.create_everywhere()
    odd = create_marked_reservation(diner.scenario)
    store = caller.world.sandbox.store
    store.update_reservation(
        odd.rid, odd.key, lambda row: replace(row, party_size=0, venue_notes="marked")
    )
    unreadable: Any = 7  # OpenTable should send a text
    store.update_guest(odd.rid, str(odd.guest_key), lambda guest: replace(guest, notes=unreadable))
    await caller.call(opentable_poll, {})
    caller.world.actions.set_request(diner.reservations[0].key, "marked anew")
    assert await caller.call(opentable_reconcile, {}) == 200
    caller.world.clock.advance(900)
    diner.scenario.guests.forget(diner.key)
    assert await caller.call(opentable_poll, {}) == 200
    await diner.resend_everything()
    assert await caller.call(opentable_reconcile, {}) == 200
    text = captured_log()
    for event in ("poll", "reconciliation", "guest.erased"):
        assert f'"event": "{event}"' in text
    assert lines_with_forbidden_text(text) == []


@pytest.mark.parametrize(
    "order",
    [b'{"restaurantId": "marked@here"}', b'{"startDate": "marked"}', b'["marked"]', b"marked"],
)
async def test_no_order_that_cannot_be_read(
    caller: FunctionCaller, captured_log: ReadLog, order: bytes
) -> None:
    assert await caller.call(opentable_reconcile, order) == 400
    assert lines_with_forbidden_text(captured_log()) == []


@pytest.mark.parametrize(
    "kind", [FailureKind.REVOKED, FailureKind.HTML, FailureKind.TRUNCATED, FailureKind.CLOSE]
)
async def test_no_failure_of_opentable(
    caller: FunctionCaller, captured_log: ReadLog, kind: FailureKind
) -> None:
    party = GuestScenario(caller.world)
    booked = create_marked_reservation(party)
    caller.world.sandbox.faults.script_failure(kind, times=50)
    hurry = {"guest_budget_seconds": 0.1, "run_budget_seconds": 0.3}
    context = caller.world.context
    environment = structs.replace(context.environment, **hurry)
    hurried = structs.replace(context, environment=environment)
    await caller.webhook(party.row(booked), hurried)
    await caller.call(opentable_poll, {}, hurried)
    await caller.call(opentable_reconcile, {}, hurried)
    text = captured_log()
    assert '"status": "error"' in text
    assert lines_with_forbidden_text(text) == []


@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("passing", [0, 1, 2])
async def test_no_fault_of_the_store_or_of_ours(
    caller: FunctionCaller,
    firestore_spy: FirestoreSpy,
    captured_log: ReadLog,
    crash: type[Exception],
    passing: int,
) -> None:
    party = GuestScenario(caller.world)
    booked = create_marked_reservation(party)
    tapped = structs.replace(caller.world.context, firestore=firestore_spy.client)

    async def fail() -> None:
        raise crash("Zoë Marked, marked@example.com, is too long a value")

    for function, body in (
        (opentable_webhook, party.row(booked)),
        (opentable_poll, {}),
        (opentable_reconcile, {}),
    ):
        firestore_spy.before_commit.clear()
        firestore_spy.before_commit.extend([*[_go_on] * passing, *[fail] * 12])
        await caller.call(function, body, tapped, **TOKEN_HEADERS)
        assert len(firestore_spy.before_commit) < 12
    assert lines_with_forbidden_text(captured_log()) == []


async def _go_on() -> None:
    """Let a commit pass."""


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
    assert lines_with_forbidden_text(str(refusal.value)) == []


async def test_no_secret_that_cannot_be_read(
    caller: FunctionCaller, firestore: FirestoreClient, captured_log: ReadLog
) -> None:
    secret_source = InMemorySecretSource()
    directory = RestaurantDirectory(
        firestore, CredentialCache(secret_source.read, lambda: 0.0), None, lambda: 0.0
    )
    context = structs.replace(caller.world.context, directory=directory)
    payloads: list[object] = ["marked, no JSON", {"bearerTokens": "marked"}, {"clientSecret": 5}]
    for payload in payloads:
        secret_source.payloads[caller.world.restaurant.secret] = payload
        await caller.webhook(envelope_with_diner(caller, 1), context)
        await caller.call(opentable_poll, {}, context)
    assert lines_with_forbidden_text(captured_log()) == []


async def test_no_call_of_the_staff(
    caller: FunctionCaller, captured_log: ReadLog, local_accounts: LocalAccounts
) -> None:
    local_accounts.add("mara", "marked@example.org", displayName="marked")
    await caller.webhook(envelope_with_diner(caller, 1, "created", partySize=2))
    await caller.webhook(envelope_with_diner(caller, 2, partySize="marked"))
    manager = await _manager(caller.world)
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
        await manager.post("staff", {"email": "marked@example.com", "role": "host"}),
        await manager.get("staff"),
        await manager.post("integration/webhooks/credentials", {"scheme": "bearer"}),
        await manager.with_token("marked-token").get("integration"),
    ]
    assert {answer.status_code for answer in answers} > {200, 401, 409}
    assert lines_with_forbidden_text(captured_log()) == []


async def _manager(world: World) -> StaffApiClient:
    context = world.context
    api_context = build_api_context(context)
    members = paths.staff_member_document(context.firestore, world.restaurant.id, "mara")
    await members.set({"role": "manager"})
    token = unsigned_id_token(context.firestore.project, "mara")
    return StaffApiClient(api_transport(api_context), world.restaurant.id, token)
