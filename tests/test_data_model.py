"""docs/data-model.md lists exactly the written fields."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cli.api import OperatorClient, open_operator_session
from dev.local.demo_data import build_native_reservations
from functions.api.auth import build_api_context
from sandbox.actions import GuestActions
from sandbox.fault_injection import FailureKind
from sandbox.models import generate_guest_details
from shared.concurrency import Deadline
from shared.domain.normalization.webhook_body import WebhookFormat
from shared.domain.webhook_auth import Authentication
from shared.ingest.deliveries import record_refusal
from shared.polling.backfill import backfill_restaurant
from shared.restaurants.secrets import SecretsFileStore
from tests.support.events import row_body
from tests.support.held_plans import execute_plan, hold_plan_with_missing, hold_plan_with_updates
from tests.support.webhooks import store_refusals
from tests.support.world import NEW_YORK, World

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "data-model.md").read_text()
# Maps with event fields as keys.
BY_FIELD = {"fields", "changes"}


@dataclass(slots=True)
class Documented:
    """The documented fields of one kind of document: dotted path to the names in its row."""

    fields: dict[str, set[str]] = field(default_factory=dict)

    def unknown(self, document: Mapping[str, Any], above: str = "") -> Iterator[str]:
        """Yield the undocumented paths of a document."""
        for name, value in document.items():
            path = f"{above}{name}"
            if path in self.fields:
                yield from self._unknown_parts(path, value)
            elif isinstance(value, Mapping) and value:
                yield from self.unknown(value, f"{path}.")
            else:
                yield path

    def _unknown_parts(self, path: str, value: object) -> Iterator[str]:
        parts = self.fields[path]
        items = value if isinstance(value, list) else [value]
        for item in items:
            if isinstance(item, Mapping) and path not in BY_FIELD:
                yield from (f"{path}.{name}" for name in item if name not in parts)


def documented_fields() -> dict[str, Documented]:
    """Return the documented fields by kind of document."""
    kinds = {}
    for path, anchor in re.findall(r"^\| \[`([^`]+)`\]\(#([a-z]+)\)", PAGE, re.MULTILINE):
        section = PAGE.partition(f"\n## {anchor.capitalize()}\n")[2].partition("\n## ")[0]
        documented_kind = Documented()
        for names, kind, meaning in re.findall(
            r"^\| (`[^|]+) \| ([^|]*) \|(.*)$", section, re.MULTILINE
        ):
            has_parts = {"map", "list"} & set(re.findall(r"\w+", kind))
            parts = set(re.findall(r"`(\w+)`", meaning)) if has_parts else set()
            documented_kind.fields |= dict.fromkeys(re.findall(r"`([^`]+)`", names), parts)
        kinds[kind_of(path.replace("…", "restaurants/{restaurantId}"))] = documented_kind
    return kinds


def kind_of(path: str) -> str:
    """Return a document's kind: its path without ids."""
    return "/".join(path.split("/")[::2])


@pytest.fixture
def operator_client(world: World, tmp_path: Path) -> OperatorClient:
    secrets = tmp_path / "secrets.json"
    secrets.write_text("{}")
    store = SecretsFileStore(str(secrets))
    context = build_api_context(replace(world.context, secret_store=store))
    return open_operator_session(context, "olga").restaurant(world.restaurant.id)


async def ingest_row(world: World, sequence_id: int, **fields: Any) -> None:
    """Take in a webhook of OpenTable's."""
    rid = world.restaurant.rid
    body = row_body(sequence_id, rid=int(rid), id=f"{rid}-ot_1", **fields)
    await world.ingest(body, WebhookFormat.OPENTABLE_RESERVATION, Authentication("bearer", 0))


async def create_reservations(world: World) -> None:
    """Bookings, guests of every kind, and a day of the restaurant's own."""
    guests, rng = GuestActions(world.sandbox.store, int(world.restaurant.rid)), random.Random(0)
    known_guest, merged, leaving = (guests.add(*generate_guest_details(rng)) for _ in range(3))
    for guest in (known_guest, merged, leaving):
        world.actions.create(world.clock() + timedelta(days=1), 2, guest_key=guest.key, request="x")
    refused = "65aa01bb02cc03dd04ee05ff"
    world.actions.create(world.clock() + timedelta(days=1), 2, guest_key=refused)
    world.sandbox.faults.script_failure(
        FailureKind.STATUS, path=f"/sync/v2/guests/{world.restaurant.rid}-{refused}", status=403
    )
    await world.poll()
    guests.merge(merged.key, known_guest.key)
    guests.forget(leaving.key)
    for own in build_native_reservations(world.restaurant.id, NEW_YORK, world.clock()):
        await world.reservations_collection.document(own["id"]).set(own)


async def send_relay_events(world: World) -> None:
    start = (world.clock() + timedelta(days=1)).isoformat()
    fields = {"reservationId": "relayed", "restaurantId": world.restaurant.id}
    more = {"partySize": 2, "reservationDateTime": start, "restaurantName": "X", "dinerName": "A"}
    await world.ingest_envelope("created", **fields, **more)
    await world.ingest_envelope("cancelled", **fields, cancellationReason="y")


async def refuse_webhook(world: World) -> None:
    record_refusal(world.context, world.restaurant.id, "bearer", "no_credential_matches")
    await store_refusals(world.context)


async def resolve_quarantine(world: World, operator: OperatorClient) -> None:
    await ingest_row(world, 1)
    await ingest_row(world, 1, party_size=7)
    await ingest_row(world, 2, party_size=0)
    first, second = (await operator.get("quarantine"))["items"]
    await operator.get(f"quarantine/{first['id']}", unmask=True)
    await operator.call("POST", f"quarantine/{first['id']}/dismiss", body={"reason": "z"})
    mended = json.dumps(row_body(3, rid=int(world.restaurant.rid), id="ot_1"))
    await world.quarantine_collection.document(second["id"]).update({"body": mended})
    await operator.call("POST", f"quarantine/{second['id']}/replay")


async def write_every_field(world: World, operator: OperatorClient) -> None:
    await create_reservations(world)
    await send_relay_events(world)
    await resolve_quarantine(world, operator)
    await operator.call("POST", "staff", body={"email": "hanna@example.com", "role": "host"})
    await operator.call("POST", "reservations/lineup-3/cancel", body={"reason": "z"})
    await operator.call("PUT", "integration", body={"country": "US", "name": "Demo"})
    await operator.call("POST", "integration/backfill")
    await backfill_restaurant(world.context, Deadline.after(60), world.restaurant.id)
    world.clock.advance(600)
    await world.poll()
    await hold_plan_with_missing(world)
    _, held = await hold_plan_with_updates(world)
    await execute_plan(world, held)
    decision = {"decision": "KEPT", "reason": "z"}
    await operator.call("POST", "reservations/opentable-relayed/review", body=decision)
    world.actions.create(world.clock() + timedelta(days=1), 2)
    await world.reconcile()
    await operator.call("PUT", "integration", body={"credentials": {"bearerTokens": ["t"]}})
    await refuse_webhook(world)


@pytest.mark.usefixtures("local_accounts")
async def test_every_field_that_is_written_is_documented(
    world: World, operator_client: OperatorClient
) -> None:
    await write_every_field(world, operator_client)
    known, undocumented, seen = documented_fields(), set(), set()
    for path, document in (await world.all_documents()).items():
        kind = kind_of(path)
        seen.add(kind)
        undocumented |= {f"{kind}: {name}" for name in known[kind].unknown(document)}
    assert undocumented == set()
    assert known.keys() == seen


def test_every_documented_field_is_named_by_the_code() -> None:
    code = "\n".join(
        path.read_text()
        for folder in ("functions", "shared")
        for path in (ROOT / folder).rglob("*.py")
    )
    named = set(re.findall(r"\w+", code))
    assert {
        f"{kind}: {path}"
        for kind, documented_kind in documented_fields().items()
        for path in documented_kind.fields
        if not set(path.split(".")) <= named
    } == set()


def test_a_field_that_is_not_documented_is_found() -> None:
    documented_kind = Documented({"a.b": set(), "list": {"x"}, "fields": set()})
    document = {"a": {"b": 1, "c": 2}, "list": [{"x": 1, "y": 2}], "fields": {"any": 1}, "new": {}}
    assert list(documented_kind.unknown(document)) == ["a.c", "list.y", "new"]
