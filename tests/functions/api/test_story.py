"""A reservation's journal by the page."""

import base64

import pytest

from tests.functions.api.book import tell, write_own
from tests.functions.api.caller import Caller, code_of
from tests.world import World

PATH = "reservations/opentable-ot_1/events"


async def test_the_journal_is_told_oldest_first(host: Caller, world: World) -> None:
    await tell(world, "updated", 2, partySize=6)
    await tell(world)
    events = (await host.get(PATH)).json()["events"]
    assert [event["eventId"] for event in events] == ["evt-created_0", "evt-updated_2"]


async def test_an_event_tells_what_changed_and_which_way_it_came(
    host: Caller, world: World
) -> None:
    await tell(world)
    await tell(world, "updated", 2, partySize=6)
    event = (await host.get(PATH)).json()["events"][1]
    assert event == {
        "eventId": "evt-updated_2",
        "eventType": "reservation.updated",
        "source": "WEBHOOK",
        "speaker": "RELAY",
        "occurredAt": "2026-03-09T12:02:00Z",
        "receivedAt": "2026-03-14T15:00:00Z",
        "sequenceId": None,
        "outcome": "updated",
        "changes": {"partySize": {"from": 4, "to": 6}},
    }


async def test_pages_join_without_gap_or_overlap(host: Caller, world: World) -> None:
    for minute in range(5):
        await tell(world, "updated", minute, partySize=minute + 1)
    told: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await host.get(PATH, params={"limit": "2", **cursor})).json()
        told += [event["eventId"] for event in page["events"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert told == [f"evt-updated_{minute}" for minute in range(5)]


async def test_a_reservation_without_a_journal_has_an_empty_one(host: Caller, world: World) -> None:
    await write_own(world)
    reply = await host.get("reservations/own-1/events")
    assert reply.json() == {"events": [], "next": None}


async def test_an_unknown_reservation_has_no_journal(host: Caller) -> None:
    assert code_of(await host.get(PATH)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("cursor", ["x", "é", "%00", base64.b64encode(b"noon a").decode()])
async def test_a_cursor_that_is_none_of_ours_is_refused(
    cursor: str, host: Caller, world: World
) -> None:
    await tell(world)
    refused = await host.get(PATH, params={"cursor": cursor})
    assert code_of(refused) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("limit", ["0", "201", "many"])
async def test_a_page_is_bounded(limit: str, host: Caller) -> None:
    assert code_of(await host.get(PATH, params={"limit": limit})) == (400, "INVALID_REQUEST")
