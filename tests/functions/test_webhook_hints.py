"""A relay's word where OpenTable has spoken is a hint: OpenTable's own row is fetched at once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.sandbox.faults import FailureKind
from dev.sandbox.rows import RenderContext, build_webhook_row
from shared.core.keys import build_external_key
from tests.local_opentable import Booked, LocalOpenTable
from tests.sender import Sender, told
from tests.served import Served

LONGEST_ANSWER_SECONDS = 6.0  # the budget of 1.5 s, and room for a slow machine


@pytest.fixture
def booked(local_opentable: LocalOpenTable, sender: Sender) -> Booked:
    return local_opentable.booked(sender.restaurant.rid, party_size=4)


@pytest.fixture
async def heard(booked: Booked, local_opentable: LocalOpenTable, sender: Sender) -> str:
    """The key of a reservation of which OpenTable's webhook has told."""
    reservation = booked.reservation
    zone = local_opentable.sandbox.store.get_restaurant(reservation.rid).zone
    body = build_webhook_row(reservation, RenderContext("gold", zone, local_opentable.url))
    assert told(await sender.send(body)) == (200, "created")
    return build_external_key(reservation.key, sender.restaurant.rid)


def hint(sender: Sender, key: str, **data: Any) -> dict[str, Any]:
    """Return what a relay says whose clock is two minutes ahead."""
    ahead = datetime.now(UTC) + timedelta(minutes=2)
    event = sender.envelope("updated", reservationId=key, **data)
    return event | {"timestamp": ahead.isoformat()}


async def test_a_hint_brings_opentables_own_row(sender: Sender, booked: Booked, heard: str) -> None:
    booked.desk.change_party_size(booked.reservation.key, 7)
    await sender.send(hint(sender, heard, specialRequests="Quiet"))
    assert (await sender.page.document(heard))["partySize"] == 7


async def test_a_relays_clock_two_minutes_ahead_holds_nothing_wrong(
    sender: Sender, booked: Booked, heard: str
) -> None:
    await sender.send(hint(sender, heard, partySize=9, status="cancelled"))
    document = await sender.page.document(heard)
    assert (document["partySize"], document["status"]) == (4, "BOOKED")
    booked.desk.change_party_size(booked.reservation.key, 5)
    await sender.send(hint(sender, heard, partySize=9) | {"id": "again"})
    assert (await sender.page.document(heard))["partySize"] == 5


async def test_both_the_hint_and_the_row_are_journaled(
    sender: Sender, booked: Booked, heard: str
) -> None:
    changed = booked.desk.change_party_size(booked.reservation.key, 7)
    await sender.send(hint(sender, heard, partySize=7))
    journal = await sender.page.journal(heard)
    assert journal["evt-updated_0"]["source"] == "WEBHOOK"
    assert journal[f"seq-{changed.sequence_id}"]["source"] == "POLL"


async def test_the_answer_tells_of_the_envelope_and_not_of_the_row(
    sender: Sender, booked: Booked, heard: str
) -> None:
    booked.desk.cancel(booked.reservation.key)
    answer = await sender.send(hint(sender, heard, partySize=9))
    assert answer.json()["eventId"] == "evt-updated_0"


@pytest.mark.usefixtures("booked")
async def test_an_envelope_of_which_opentable_has_not_spoken_asks_nobody(
    sender: Sender, local_opentable: LocalOpenTable
) -> None:
    before = local_opentable.sandbox.request_counts.total()
    await sender.send(sender.envelope())
    await sender.send(sender.envelope("updated", 1, partySize=6))
    assert local_opentable.sandbox.request_counts.total() == before


async def test_a_hint_that_came_before_asks_nobody(
    sender: Sender, heard: str, local_opentable: LocalOpenTable
) -> None:
    body = hint(sender, heard, partySize=9)
    await sender.send(body)
    before = local_opentable.sandbox.request_counts.total()
    assert told(await sender.send(body)) == (200, "duplicate")
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
        (FailureKind.STATUS, {"status": 403}),
    ],
)
async def test_an_opentable_that_fails_does_not_fail_the_webhook(
    kind: FailureKind,
    details: dict[str, Any],
    sender: Sender,
    heard: str,
    local_opentable: LocalOpenTable,
) -> None:
    local_opentable.sandbox.faults.script_failure(kind, times=50, **details)
    try:
        answer = await sender.send(hint(sender, heard, partySize=9))
    finally:
        local_opentable.sandbox.faults.clear()
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() < LONGEST_ANSWER_SECONDS
    assert "evt-updated_0" in await sender.page.journal(heard)


async def test_credentials_that_cannot_be_used_do_not_fail_the_webhook(
    welcome: Any, local_opentable: LocalOpenTable, served: Served
) -> None:
    sender = await welcome({"clientId": None, "clientSecret": None})
    local_opentable.booked(sender.restaurant.rid, party_size=4)
    await sender.send(sender.row(1))
    assert (await sender.send(sender.envelope("updated", 1, partySize=9))).status_code == 200
    logged = json.loads(
        served.output.wait_for('"event": "hint", "restaurantId": "' + sender.restaurant.id)
    )
    assert logged["outcome"] == "InvalidSettingsError"


@pytest.mark.usefixtures("booked")
async def test_a_reservation_that_opentable_no_longer_has_is_left_as_it_is(sender: Sender) -> None:
    await sender.send(sender.row(1))
    answer = await sender.send(sender.envelope("cancelled", 1))
    assert answer.status_code == 200
    assert (await sender.page.document())["status"] == "CONFIRMED"
