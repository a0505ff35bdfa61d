"""Real processes of the functions in a quiet hour, and in an hour with every fault."""

import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from dev.local.processes import LOOPBACK, MAIN_FILE, find_free_port, serve_function
from shared.domain.backfill import build_backfill
from shared.domain.days import DateWindow
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient
from tests.support.events import row_body
from tests.support.monitoring import Observation, parse_log_entry
from tests.support.opentable import LocalOpenTable
from tests.support.restaurants import Restaurant, new_restaurant, seed, write_secret

BUGGY_FUNCTION = Path(__file__).with_name("buggy_function.py")
SERVICES = {
    "opentable-webhook": "opentable_webhook",
    "opentable-poll": "opentable_poll",
    "opentable-reconcile": "opentable_reconcile",
}
_CREDENTIALS = {"clientId": "demo-client", "clientSecret": "demo-secret", "bearerTokens": ["proof"]}


@dataclass(slots=True)
class Project:
    """The functions of one project in their own processes, and what the platform sees of them."""

    firestore: FirestoreClient
    opentable: LocalOpenTable
    emulator_host: str
    secrets_file: Path
    observation: Observation = field(default_factory=Observation)
    urls: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Serve every function; after the block, all of their output is in the observation."""
        with ExitStack() as stack:
            for service in SERVICES:
                stack.enter_context(self.serve_variant(service))
            yield

    @contextmanager
    def serve_variant(
        self, service: str, source: Path = MAIN_FILE, **variables: str
    ) -> Iterator[None]:
        """Serve a function with other variables, or another source, for a block."""
        environment = {
            "GOOGLE_CLOUD_PROJECT": self.firestore.project,
            "FIRESTORE_EMULATOR_HOST": self.emulator_host,
            "SECRETS_FILE": str(self.secrets_file),
            "OPENTABLE_API_URL": self.opentable.url,
            "OPENTABLE_OAUTH_URL": self.opentable.url,
            **variables,
        }
        lines: list[str] = []
        with serve_function(SERVICES[service], environment, lines.append, source) as function:
            previous, self.urls[service] = self.urls.get(service), function.url
            yield
            if previous is not None:
                self.urls[service] = previous
        entries = (parse_log_entry(line, service) for line in lines)
        self.observation.entries += [entry for entry in entries if entry is not None]

    def call(self, service: str, body: object, headers: Mapping[str, str] | None = None) -> int:
        """Post to a function as its sender does; return the status."""
        started = time.monotonic()
        response = httpx.post(self.urls[service], json=body, headers=headers, timeout=60)
        milliseconds = (time.monotonic() - started) * 1000
        self.observation.record_request(service, response.status_code, milliseconds)
        return response.status_code

    def run_job(self, service: str, **body: object) -> int:
        """Call a scheduled function as Cloud Scheduler does; return the status."""
        status = self.call(service, body)
        self.observation.record_scheduled_attempt(service, status)
        return status

    def send_webhook(self, restaurant: Restaurant, bearer: str = "proof", **fields: Any) -> int:
        """Send OpenTable's object about a new reservation; return the status."""
        row = {"rid": int(restaurant.rid), "id": f"{restaurant.rid}-{uuid.uuid4()}", **fields}
        headers = {"authorization": f"Bearer {bearer}"}
        return self.call("opentable-webhook", row_body(1, **row), headers)

    async def add_restaurant(self, *, booked: bool = True, **settings: Any) -> Restaurant:
        """Open a restaurant on both sides, with a reservation at OpenTable."""
        restaurant = new_restaurant()
        await seed(self.firestore, restaurant, **{"webhookAuth": ["bearer"], **settings})
        write_secret(self.secrets_file, restaurant.secret, _CREDENTIALS)
        if booked:
            self.opentable.book_tomorrow(restaurant.rid, 2)
        return restaurant


async def run_quiet_hour(project: Project) -> None:
    """Run polls, a reconciliation and webhooks without a fault."""
    restaurant = await project.add_restaurant()
    with project.serve():
        for _ in range(4):
            assert project.run_job("opentable-poll") == 200
        assert project.run_job("opentable-reconcile") == 200
        # Long ago: the reconciliation's window does not contain what OpenTable does not know.
        assert project.send_webhook(restaurant, scheduled_time_utc="2026-01-02T18:00:00Z") == 200


async def run_hour_of_faults(project: Project) -> None:
    """Cause every fault that the functions report."""
    broken_settings = await project.add_restaurant(secret="opentable-missing")
    wrong_claim = await project.add_restaurant()
    claim = paths.rid_claim_document(project.firestore, wrong_claim.rid)
    other = await project.add_restaurant()
    await claim.set({"restaurantId": other.id})
    with project.serve():
        await _fail_polls(project)
        await _skip_polls(project)
        await _diverge(project)
        await _leave_quarantine_item(project)
        await _lose_webhooks(project)
        assert project.send_webhook(broken_settings) == 401
        assert project.send_webhook(wrong_claim) == 401
        for _ in range(11):
            assert project.send_webhook(other, "wrong") == 401
        with project.serve_variant("opentable-poll", RUN_BUDGET_SECONDS="0.001"):
            project.run_job("opentable-poll")
        _lose_firestore(project)
        with project.serve_variant("opentable-poll", BUGGY_FUNCTION):
            assert project.run_job("opentable-poll") == 503


async def _fail_polls(project: Project) -> None:
    """OpenTable rejects a restaurant: four polls, a reconciliation and a backfill fail."""
    restaurant = await project.add_restaurant()
    window = DateWindow(_now().date() - timedelta(days=7), _now().date())
    cursor = {"poll": {"cursor": _now() - timedelta(hours=1), "rid": restaurant.rid}}
    document = paths.integration_document(project.firestore, restaurant.id)
    backfill = build_backfill(window, restaurant.rid, _now())
    await document.update(cursor | backfill.to_update_fields())
    project.opentable.sandbox.revoke_restaurant(int(restaurant.rid))
    for _ in range(4):
        project.run_job("opentable-poll", restaurantId=restaurant.id)
    project.run_job("opentable-reconcile", restaurantId=restaurant.id)
    project.run_job("opentable-poll", restaurantId=restaurant.id, backfill=True)


async def _skip_polls(project: Project) -> None:
    lease = {"owner": "another", "expiresAt": _now() + timedelta(hours=1)}
    restaurant = await project.add_restaurant(poll={"lease": lease})
    for _ in range(3):
        project.run_job("opentable-poll", restaurantId=restaurant.id)


async def _diverge(project: Project) -> None:
    """A webhook brings a reservation that OpenTable does not return."""
    restaurant = await project.add_restaurant()
    tomorrow = project.opentable.tomorrow().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert project.send_webhook(restaurant, scheduled_time_utc=tomorrow) == 200
    assert project.run_job("opentable-reconcile", restaurantId=restaurant.id) == 200


async def _leave_quarantine_item(project: Project) -> None:
    restaurant = await project.add_restaurant()
    assert project.send_webhook(restaurant, party_size=-1) == 202
    items = paths.quarantine_collection(project.firestore, restaurant.id)
    async for item in items.stream():
        await item.reference.update({"receivedAt": _now() - timedelta(days=2)})
    assert project.run_job("opentable-reconcile", restaurantId=restaurant.id) == 200


async def _lose_webhooks(project: Project) -> None:
    """A third poll finds a change without a webhook."""
    restaurant = await project.add_restaurant(booked=False)
    booked = project.opentable.book_tomorrow(restaurant.rid, 2).reservation
    long_ago = _now().replace(microsecond=0) - timedelta(minutes=20)
    rows = project.opentable.sandbox.store._data_by_rid[int(restaurant.rid)].reservations
    rows[booked.key] = replace(booked, updated=long_ago, created=long_ago)
    document = paths.integration_document(project.firestore, restaurant.id)
    hour_ago = _now() - timedelta(hours=1)
    poll = {"cursor": hour_ago, "rid": restaurant.rid, "missedRuns": 2, "missedSince": hour_ago}
    await document.update({"poll": poll})
    assert project.run_job("opentable-poll", restaurantId=restaurant.id) == 200


def _lose_firestore(project: Project) -> None:
    """Neither the webhook nor the scheduled functions reach Firestore."""
    nowhere = f"{LOOPBACK}:{find_free_port()}"
    with project.serve_variant("opentable-poll", FIRESTORE_EMULATOR_HOST=nowhere):
        for _ in range(3):
            assert project.run_job("opentable-poll") == 503
    with socket.create_server((LOOPBACK, 0)) as hanging:
        address = f"{LOOPBACK}:{hanging.getsockname()[1]}"
        with project.serve_variant(
            "opentable-webhook", FIRESTORE_EMULATOR_HOST=address, WEBHOOK_DEADLINE_SECONDS="1"
        ):
            assert project.send_webhook(new_restaurant()) == 503


def _now() -> datetime:
    return datetime.now(UTC)
