"""A reservation's journal by the page."""

import base64

import pytest

from tests.functions.api.book import apply_envelope, write_native_reservation
from tests.functions.api.caller import StaffApiClient, error_code
from tests.world import World

JOURNAL_PATH = "reservations/opentable-ot_1/events"


async def test_the_journal_is_returned_oldest_first(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world, "updated", 2, partySize=6)
    await apply_envelope(world)
    events = (await host.get(JOURNAL_PATH)).json()["events"]
    assert [event["eventId"] for event in events] == ["evt-created_0", "evt-updated_2"]


async def test_a_journal_event_contains_changes_and_channel(
    host: StaffApiClient, world: World
) -> None:
    await apply_envelope(world)
    await apply_envelope(world, "updated", 2, partySize=6)
    event = (await host.get(JOURNAL_PATH)).json()["events"][1]
    assert event == {
        "eventId": "evt-updated_2",
        "eventType": "reservation.updated",
        "source": "WEBHOOK",
        "actor": "RELAY",
        "occurredAt": "2026-03-09T12:02:00Z",
        "receivedAt": "2026-03-14T15:00:00Z",
        "sequenceId": None,
        "outcome": "updated",
        "changes": {"partySize": {"from": 4, "to": 6}},
    }


async def test_journal_pages_have_no_gap_or_overlap(host: StaffApiClient, world: World) -> None:
    for minute in range(5):
        await apply_envelope(world, "updated", minute, partySize=minute + 1)
    told: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await host.get(JOURNAL_PATH, params={"limit": "2", **cursor})).json()
        told += [event["eventId"] for event in page["events"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert told == [f"evt-updated_{minute}" for minute in range(5)]


async def test_a_reservation_without_a_journal_has_an_empty_one(
    host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world)
    reply = await host.get("reservations/own-1/events")
    assert reply.json() == {"events": [], "next": None}


async def test_an_unknown_reservation_has_no_journal(host: StaffApiClient) -> None:
    assert error_code(await host.get(JOURNAL_PATH)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("cursor", ["x", "é", "%00", base64.b64encode(b"noon a").decode()])
async def test_an_invalid_cursor_is_rejected(
    cursor: str, host: StaffApiClient, world: World
) -> None:
    await apply_envelope(world)
    refused = await host.get(JOURNAL_PATH, params={"cursor": cursor})
    assert error_code(refused) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("limit", ["0", "201", "many"])
async def test_a_page_is_bounded(limit: str, host: StaffApiClient) -> None:
    assert error_code(await host.get(JOURNAL_PATH, params={"limit": limit})) == (
        400,
        "INVALID_REQUEST",
    )
