import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google

from shared.context import RestaurantContext
from shared.domain.settings import IntegrationSettings
from shared.domain.webhook_auth import Authentication
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore.paths import quarantine_collection
from shared.ingest.events import QuarantineResult
from shared.quarantine.store import (
    QuarantineBacklog,
    QuarantineEntry,
    build_quarantine_id,
    quarantine_event,
    read_quarantine_backlog,
)
from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.ledger import StoredLedger
from tests.support.restaurants import make_app_context
from tests.support.world import START_TIME, World

BODY = '{"id": "\\ud800 Zoë", "partySize": 0}'
REJECTION = InvalidEventError("invalid_partySize", "partySize must be a whole number.")
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@dataclass
class Quarantine:
    """The quarantine of a restaurant with a clock that advances an hour per event."""

    restaurant: RestaurantContext
    stored_ledger: StoredLedger

    async def add(
        self, body: str = BODY, authentication: Authentication | None = None
    ) -> QuarantineEntry:
        return await quarantine_event(
            self.restaurant, body, "application/json", REJECTION, authentication
        )

    async def read_items(self) -> list[dict[str, Any]]:
        return await self.stored_ledger.quarantine_items()


@pytest.fixture
def quarantine(
    firestore_spy: FirestoreSpy,
    restaurant_settings: IntegrationSettings,
    stored_ledger: StoredLedger,
) -> Quarantine:
    hours = itertools.count()
    context = make_app_context(
        firestore_spy.client, clock=lambda: NOON + timedelta(hours=next(hours))
    )
    return Quarantine(RestaurantContext(context, restaurant_settings), stored_ledger)


async def test_an_event_is_stored_unchanged_with_its_reason(quarantine: Quarantine) -> None:
    await quarantine.add()
    assert await quarantine.read_items() == [
        {
            "reason": "invalid_partySize",
            "detail": "partySize must be a whole number.",
            "receivedAt": NOON,
            "lastSeenAt": NOON,
            "count": 1,
            "contentType": "application/json",
            "body": BODY,
            "summary": {
                "eventType": None,
                "externalId": None,
                "startAt": None,
                "partySize": "0",
                "guest": None,
                "rejectedValue": "0",
            },
            "authentication": None,
            "status": "OPEN",
            "quarantineExpireAt": NOON + timedelta(days=90),
        }
    ]


async def test_the_authentication_result_is_stored_with_the_item(quarantine: Quarantine) -> None:
    await quarantine.add(authentication=Authentication("bearer", 1))
    [item] = await quarantine.read_items()
    assert item["authentication"] == {"scheme": "bearer", "credentialIndex": 1}


async def test_a_repeated_event_is_one_item_counted_twice(quarantine: Quarantine) -> None:
    await quarantine.add()
    await quarantine.add()
    [item] = await quarantine.read_items()
    times = (item["receivedAt"], item["lastSeenAt"])
    assert (item["count"], times) == (2, (NOON, NOON + timedelta(hours=1)))


async def test_only_the_first_event_is_a_new_item(quarantine: Quarantine) -> None:
    assert (await quarantine.add()).is_new
    assert not (await quarantine.add()).is_new


@pytest.mark.parametrize("status", ["DISMISSED", "REPLAYED"])
async def test_a_repeated_event_does_not_reopen_its_item(
    status: str, quarantine: Quarantine
) -> None:
    entry = await quarantine.add()
    restaurant = quarantine.restaurant
    items = quarantine_collection(restaurant.firestore, restaurant.id)
    await items.document(entry.id).update({"status": status})
    await quarantine.add()
    assert [item["status"] for item in await quarantine.read_items()] == [status]


async def test_another_body_is_another_item(quarantine: Quarantine) -> None:
    await quarantine.add()
    await quarantine.add(BODY + " ")
    assert len(await quarantine.read_items()) == 2


def test_another_reason_is_another_item() -> None:
    assert build_quarantine_id("a", BODY) != build_quarantine_id("b", BODY)


async def test_a_first_event_is_one_round_trip(
    quarantine: Quarantine, firestore_spy: FirestoreSpy
) -> None:
    await quarantine.add()
    assert firestore_spy.take_calls() == ["commit"]


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_a_failure_to_store_an_event_is_raised(
    error: type[Exception], quarantine: Quarantine, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.failure = error
    with pytest.raises(ServiceUnavailableError, match=error.__name__):
        await quarantine.add()


async def test_a_failure_to_count_an_event_is_raised(
    quarantine: Quarantine, firestore_spy: FirestoreSpy
) -> None:
    await quarantine.add()
    firestore_spy.before_commit.append(fail_with(google.AlreadyExists))
    firestore_spy.before_commit.append(fail_with(google.ServiceUnavailable))
    with pytest.raises(ServiceUnavailableError):
        await quarantine.add()


async def test_the_beginning_of_a_too_large_body_is_stored(quarantine: Quarantine) -> None:
    await quarantine.add("é" * 600_000)
    [item] = await quarantine.read_items()
    assert item["body"] == "é" * 450_000
    assert item["detail"].endswith("Only the first 900000 bytes are stored.")


async def read_backlog(world: World) -> QuarantineBacklog:
    return await read_quarantine_backlog(world.context, world.restaurant.id)


async def quarantine_envelope(world: World, party_size: int) -> str:
    result = await world.ingest_envelope("created", reservationId="a", partySize=party_size)
    assert isinstance(result, QuarantineResult)
    return result.id


async def test_an_empty_quarantine_has_no_backlog(world: World) -> None:
    assert await read_backlog(world) == QuarantineBacklog(0, None)


async def test_the_oldest_open_item_gives_its_age(world: World) -> None:
    for party_size in (0, -1):
        await quarantine_envelope(world, party_size)
        world.clock.advance(60)
    assert await read_backlog(world) == QuarantineBacklog(2, START_TIME)


async def test_a_resolved_item_is_not_in_the_backlog(world: World) -> None:
    first_id = await quarantine_envelope(world, 0)
    world.clock.advance(60)
    await quarantine_envelope(world, -1)
    await world.quarantine_collection.document(first_id).update({"status": "DISMISSED"})
    assert await read_backlog(world) == QuarantineBacklog(1, START_TIME + timedelta(seconds=60))


def backlog_log_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [backlog] = [line for line in lines if line["event"] == "quarantine"]
    return {name: backlog[name] for name in ("openItems", "oldestOpenSeconds")}


async def test_each_reconciliation_logs_the_backlog(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await quarantine_envelope(world, 0)
    world.clock.advance(90)
    await world.reconcile()
    assert backlog_log_line(capsys) == {"openItems": 1, "oldestOpenSeconds": 90}


async def test_an_empty_backlog_is_logged_too(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.reconcile()
    assert backlog_log_line(capsys) == {"openItems": 0, "oldestOpenSeconds": 0}
