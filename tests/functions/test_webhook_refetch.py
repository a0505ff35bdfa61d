"""A relay's event about a reservation of OpenTable makes the webhook fetch OpenTable's row.

A fetch after the commit never delays the response beyond the deadline.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from functions.webhook import fetch_after_commit
from sandbox.fault_injection import FailureKind
from sandbox.sync_rows import RenderContext, build_webhook_row
from shared.domain.normalization.identifiers import build_external_key
from shared.ledger.ledger import ApplyResult
from shared.opentable.client import OpenTableClient
from tests.support.events import row_body
from tests.support.opentable import BookedReservation, LocalOpenTable
from tests.support.processes import ServedFunction
from tests.support.webhooks import WebhookSender, call_webhook, response_status
from tests.support.world import START_TIME, World

pytestmark = pytest.mark.slow

MAX_RESPONSE_SECONDS = 6.0  # a budget of 1.5 s, and time for a slow machine


@pytest.fixture
def booked_reservation(local_opentable: LocalOpenTable, sender: WebhookSender) -> BookedReservation:
    return local_opentable.book_at(sender.restaurant.rid, party_size=4)


@pytest.fixture
async def stored_key(
    booked_reservation: BookedReservation, local_opentable: LocalOpenTable, sender: WebhookSender
) -> str:
    """The key of a reservation from a webhook of OpenTable."""
    reservation = booked_reservation.reservation
    zone = local_opentable.sandbox.store.get_restaurant(reservation.rid).zone
    body = build_webhook_row(reservation, RenderContext("gold", zone, local_opentable.url))
    assert response_status(await sender.send(body)) == (200, "created")
    return build_external_key(reservation.key, sender.restaurant.rid)


def relay_event_ahead(sender: WebhookSender, key: str, **data: Any) -> dict[str, Any]:
    """Return the envelope of a relay with a clock two minutes ahead."""
    ahead = datetime.now(UTC) + timedelta(minutes=2)
    event = sender.envelope("updated", reservationId=key, **data)
    return event | {"timestamp": ahead.isoformat()}


async def test_a_relay_event_triggers_a_refetch_from_opentable(
    sender: WebhookSender, booked_reservation: BookedReservation, stored_key: str
) -> None:
    booked_reservation.actions.change_party_size(booked_reservation.reservation.key, 7)
    await sender.send(relay_event_ahead(sender, stored_key, specialRequests="Quiet"))
    assert (await sender.stored_ledger.document(stored_key))["partySize"] == 7


async def test_a_relay_clock_two_minutes_ahead_leaves_no_wrong_value(
    sender: WebhookSender, booked_reservation: BookedReservation, stored_key: str
) -> None:
    await sender.send(relay_event_ahead(sender, stored_key, partySize=9, status="cancelled"))
    document = await sender.stored_ledger.document(stored_key)
    assert (document["partySize"], document["status"]) == (4, "BOOKED")
    booked_reservation.actions.change_party_size(booked_reservation.reservation.key, 5)
    await sender.send(relay_event_ahead(sender, stored_key, partySize=9) | {"id": "again"})
    assert (await sender.stored_ledger.document(stored_key))["partySize"] == 5


async def test_both_the_relay_event_and_the_row_are_journaled(
    sender: WebhookSender, booked_reservation: BookedReservation, stored_key: str
) -> None:
    changed = booked_reservation.actions.change_party_size(booked_reservation.reservation.key, 7)
    await sender.send(relay_event_ahead(sender, stored_key, partySize=7))
    journal = await sender.stored_ledger.journal(stored_key)
    assert journal["evt-updated_0"]["source"] == "WEBHOOK"
    assert journal[f"seq-{changed.sequence_id}"]["source"] == "POLL"


async def test_the_response_describes_the_envelope_not_the_row(
    sender: WebhookSender, booked_reservation: BookedReservation, stored_key: str
) -> None:
    booked_reservation.actions.cancel(booked_reservation.reservation.key)
    response = await sender.send(relay_event_ahead(sender, stored_key, partySize=9))
    assert response.json()["eventId"] == "evt-updated_0"


@pytest.mark.usefixtures("booked_reservation")
async def test_an_envelope_without_an_opentable_row_is_not_refetched(
    sender: WebhookSender, local_opentable: LocalOpenTable
) -> None:
    before = local_opentable.sandbox.request_counts.total()
    await sender.send(sender.envelope())
    await sender.send(sender.envelope("updated", 1, partySize=6))
    assert local_opentable.sandbox.request_counts.total() == before


async def test_a_duplicate_relay_event_is_not_refetched(
    sender: WebhookSender, stored_key: str, local_opentable: LocalOpenTable
) -> None:
    body = relay_event_ahead(sender, stored_key, partySize=9)
    await sender.send(body)
    before = local_opentable.sandbox.request_counts.total()
    assert response_status(await sender.send(body)) == (200, "duplicate")
    assert local_opentable.sandbox.request_counts.total() == before


@pytest.mark.parametrize(
    "kind, details",
    [
        (FailureKind.DELAY, {"seconds": 30.0}),
        (FailureKind.CLOSE, {}),
        (FailureKind.HTML, {}),
        (FailureKind.TRUNCATED, {}),
        (FailureKind.STATUS, {"status": 503}),
        (FailureKind.STATUS, {"status": 404}),
        (FailureKind.STATUS, {"status": 410}),
        (FailureKind.STATUS, {"status": 403}),
        (FailureKind.STATUS, {"status": 422}),
    ],
)
async def test_an_opentable_that_fails_does_not_fail_the_webhook(
    kind: FailureKind,
    details: dict[str, Any],
    sender: WebhookSender,
    stored_key: str,
    local_opentable: LocalOpenTable,
) -> None:
    local_opentable.sandbox.faults.script_failure(kind, times=50, **details)
    try:
        response = await sender.send(relay_event_ahead(sender, stored_key, partySize=9))
    finally:
        local_opentable.sandbox.faults.clear()
    assert response.status_code == 200
    assert response.elapsed.total_seconds() < MAX_RESPONSE_SECONDS
    assert "evt-updated_0" in await sender.stored_ledger.journal(stored_key)


async def test_credentials_that_cannot_be_used_do_not_fail_the_webhook(
    create_sender: Any, local_opentable: LocalOpenTable, served_webhook: ServedFunction
) -> None:
    sender = await create_sender({"clientId": None, "clientSecret": None})
    local_opentable.book_at(sender.restaurant.rid, party_size=4)
    await sender.send(sender.row(1))
    assert (await sender.send(sender.envelope("updated", 1, partySize=9))).status_code == 200
    logged = json.loads(
        served_webhook.output.wait_for(
            '"event": "webhook.refetch", "restaurantId": "' + sender.restaurant.id
        )
    )
    assert logged["outcome"] == "InvalidSettingsError"


@pytest.mark.usefixtures("booked_reservation")
async def test_a_reservation_that_opentable_no_longer_has_is_left_as_it_is(
    sender: WebhookSender,
) -> None:
    await sender.send(sender.row(1))
    response = await sender.send(sender.envelope("cancelled", 1))
    assert response.status_code == 200
    assert (await sender.stored_ledger.document())["status"] == "CONFIRMED"


async def apply_relay_event(world: World) -> ApplyResult:
    """Return the result of an envelope about a reservation of OpenTable."""
    booked = world.actions.create(START_TIME, 2)
    await world.poll()
    applied = await world.ingest_envelope("updated", reservationId=booked.key, partySize=5)
    assert isinstance(applied, ApplyResult)
    assert applied.needs_refetch
    return applied


async def refetch_with_seconds_left(world: World, seconds: float) -> int:
    """Refetch with some seconds left; return the number of requests to OpenTable."""
    applied = await apply_relay_event(world)
    requests_before = world.sandbox.request_counts["reservation"]
    ends = asyncio.get_running_loop().time() + seconds
    await fetch_after_commit(world.restaurant_context(), applied, ends)
    return world.sandbox.request_counts["reservation"] - requests_before


async def test_with_time_left_the_row_is_refetched(world: World) -> None:
    assert await refetch_with_seconds_left(world, 30.0) == 1


async def test_without_time_left_nothing_is_refetched(world: World) -> None:
    assert await refetch_with_seconds_left(world, -1.0) == 0


async def test_an_unexpected_error_after_the_commit_does_not_ask_for_a_repetition(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def build_client() -> OpenTableClient:
        raise ZeroDivisionError

    context = replace(world.context, get_opentable_client=build_client)
    body = row_body(1, rid=int(world.restaurant.rid), id="ot_1", guest_id="g1")
    assert await call_webhook(context, json.dumps(body).encode()) == 200
    assert (await world.ledger_documents()).keys() == {"ot_1"}
    assert "ZeroDivisionError" in capsys.readouterr().out
