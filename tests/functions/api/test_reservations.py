"""A day of the book, and what it costs while nothing changes.

A reservation's journal by the page.
"""

import base64
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from shared.firestore import paths
from shared.staff.auth import ApiContext
from tests.support.firestore import FirestoreSpy
from tests.support.reservations import BUSINESS_DAY, apply_envelope, write_native_reservation
from tests.support.staff_api import StaffApiClient, api_transport, error_code
from tests.support.world import World

DAY_PATH = f"reservations?date={BUSINESS_DAY}"


class QueryWire(FirestoreSpy):
    """A wire that counts queries too, and the documents that each is billed for."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.billed = 0

    async def run_query(self, **sent: Any) -> Any:
        self._record_call("query")
        return self._billed(await self._api.run_query(**sent))

    async def run_aggregation_query(self, **sent: Any) -> Any:
        self._record_call("aggregation")
        self.billed += 1
        return await self._api.run_aggregation_query(**sent)

    async def _billed(self, answers: Any) -> Any:
        async for answer in answers:
            self.billed += bool(answer.document)
            yield answer


async def ids(reply: httpx.Response, part: str = "reservations") -> list[str]:
    return [item["id"] for item in reply.json()[part]]


async def test_a_day_shows_every_source_by_time(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world)
    await write_native_reservation(world)
    reply = await host.get(DAY_PATH)
    assert await ids(reply) == ["own-1", "opentable-ot_1"]
    assert [item["source"]["system"] for item in reply.json()["reservations"]] == [
        "LINEUP",
        "OPENTABLE",
    ]


async def test_a_reservation_has_the_fields_a_host_needs(
    host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world)
    [told] = (await host.get(DAY_PATH)).json()["reservations"]
    assert told == {
        "id": "own-1",
        "source": {"system": "LINEUP", "state": None},
        "dinerName": "Grace Hopper",
        "partySize": 2,
        "startAt": "2026-03-14T22:30:00Z",
        "localDate": BUSINESS_DAY,
        "localTime": "18:30",
        "status": "CONFIRMED",
        "tableNumbers": ["7"],
        "specialRequests": "Window",
        "venueNotes": None,
        "cancellationReason": None,
        "phone": "+15550100",
        "email": None,
        "marketingOptedOut": None,
        "emailOptin": None,
        "reconciliationStatus": None,
        "createdAt": "2026-03-10T12:00:00Z",
        "updatedAt": "2026-03-10T12:00:00Z",
    }


async def test_a_single_reservation_equals_its_entry_in_the_day(
    host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world)
    [of_the_day] = (await host.get(DAY_PATH)).json()["reservations"]
    assert (await host.get("reservations/own-1")).json() == of_the_day


async def test_an_unknown_reservation_is_not_found(host: StaffApiClient) -> None:
    assert error_code(await host.get("reservations/none")) == (404, "NOT_FOUND")


async def test_another_days_reservation_is_not_shown(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world, reservationDateTime="2026-03-15T23:15:00Z")
    assert await ids(await host.get(DAY_PATH)) == []


async def test_the_day_is_the_restaurants_own(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world, reservationDateTime="2026-03-15T03:30:00Z")
    assert await ids(await host.get(DAY_PATH)) == ["opentable-ot_1"]


async def test_without_a_date_it_is_today_in_the_restaurants_zone(host: StaffApiClient) -> None:
    told = (await host.get("reservations")).json()
    assert (told["date"], told["timeZone"]) == (BUSINESS_DAY, "America/New_York")


async def test_a_reservation_without_a_time_is_apart(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world, "cancelled", 1)
    reply = await host.get(DAY_PATH)
    assert (await ids(reply), await ids(reply, "incomplete")) == ([], ["opentable-ot_1"])


async def test_one_odd_document_never_hides_the_day(host: StaffApiClient, world: World) -> None:
    odd = {"partySize": "two", "startAt": "soon", "startAtTimestamp": None, "source": "x"}
    await write_native_reservation(world, "odd", **odd, metadata=None)
    [told] = (await host.get(DAY_PATH)).json()["reservations"]
    assert (told["id"], told["partySize"], told["localTime"]) == ("odd", None, None)


async def test_an_unchanged_day_is_a_304_for_two_reads(
    host: StaffApiClient, world: World, api_context: ApiContext
) -> None:
    for number in range(5):
        await write_native_reservation(world, f"own-{number}")
    wire = QueryWire(world.services.firestore)
    tapped = replace(
        api_context, app_context=replace(api_context.app_context, firestore=wire.client)
    )
    caller = replace(host, transport=api_transport(tapped))
    tag = (await caller.get(DAY_PATH)).headers["etag"]
    wire.take_calls()
    wire.billed = 0
    unchanged = await caller.get(DAY_PATH, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (wire.take_calls(), wire.billed) == (["query", "aggregation"], 2)


async def tags(caller: StaffApiClient, world: World, *, change: str) -> tuple[str, str]:
    own = await write_native_reservation(world)
    await apply_envelope(world, "cancelled", 1, reservationId="ot_2")
    before = (await caller.get(DAY_PATH)).headers["etag"]
    match change:
        case "update":
            await apply_envelope(world, "updated", 2, reservationId="ot_2", partySize=9)
        case "arrival":
            await apply_envelope(world)
        case "departure":
            await own.update({"localDate": "2026-03-20"})
        case "another day":
            await apply_envelope(world, reservationDateTime="2026-03-20T23:15:00Z")
    return before, (await caller.get(DAY_PATH)).headers["etag"]


@pytest.mark.parametrize("change", ["update", "arrival", "departure"])
async def test_a_change_of_the_day_changes_its_tag(
    change: str, host: StaffApiClient, world: World
) -> None:
    before, after = await tags(host, world, change=change)
    assert before != after


async def test_a_change_of_another_day_does_not(host: StaffApiClient, world: World) -> None:
    before, after = await tags(host, world, change="another day")
    assert before == after


@pytest.mark.parametrize("date", ["14.3.2026", "2026-02-30", "1773446400", "", "2026-3-1"])
async def test_a_date_that_is_none_is_refused(date: str, host: StaffApiClient) -> None:
    assert error_code(await host.get(f"reservations?date={date}")) == (400, "INVALID_REQUEST")


async def test_without_a_time_zone_the_error_says_what_to_fix(
    host: StaffApiClient, world: World
) -> None:
    settings = paths.integration_document(world.services.firestore, world.restaurant.id)
    await settings.update({"timeZone": "Mars/Olympus"})
    refused = await host.get(DAY_PATH)
    assert error_code(refused) == (409, "SETTINGS_UNUSABLE")
    assert "timeZone" in refused.json()["error"]["message"]


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
