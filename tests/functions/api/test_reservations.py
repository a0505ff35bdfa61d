"""A day's reservations with their ETag, one reservation, and its journal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.api_core import exceptions as google
from google.cloud.firestore import DELETE_FIELD
from msgspec.structs import replace

from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.reservations import (
    BUSINESS_DAY,
    WRITTEN_AT,
    apply_envelope,
    write_native_reservation,
)
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import World

FAR_FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
DAY_PATH = f"reservations?date={BUSINESS_DAY}"


class QuerySpy(FirestoreSpy):
    """Counts the document reads billed for queries."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.billed = 0

    async def run_query(self, **sent: Any) -> Any:
        return self._count_billed(await super().run_query(**sent))

    async def _count_billed(self, responses: Any) -> Any:
        async for response in responses:
            self.billed += bool(response.document)
            yield response


class ListenerRefused(FirestoreSpy):
    """Refuses Listen calls."""

    async def listen(self, **_: Any) -> Any:
        await fail_with(google.ServiceUnavailable)()


def ids(response: httpx.Response, part: str = "reservations") -> list[str]:
    return [item["id"] for item in response.json()[part]]


async def test_a_day_shows_every_source_by_time(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world)
    await write_native_reservation(world)
    reservations = (await host.get(DAY_PATH)).json()["reservations"]
    listed = [(item["id"], item["source"]["system"]) for item in reservations]
    assert listed == [("own-1", "LINEUP"), ("opentable-ot_1", "OPENTABLE")]


async def test_a_reservation_has_the_fields_a_host_needs(
    host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world)
    [body] = (await host.get(DAY_PATH)).json()["reservations"]
    assert body == {
        "id": "own-1",
        "source": {"system": "LINEUP", "state": None},
        "dinerName": "Grace Hopper",
        "partySize": 2,
        "startAt": "2026-03-14T22:30:00Z",
        "localDate": BUSINESS_DAY,
        "serviceDate": BUSINESS_DAY,
        "localTime": "18:30",
        "status": "CONFIRMED",
        "tableNumbers": ["7"],
        "specialRequests": "Window",
        "venueNotes": None,
        "openTableNotes": None,
        "server": None,
        "visitTags": [],
        "cancellationReason": None,
        "reviewDecision": None,
        "reviewReason": None,
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


async def test_the_day_is_the_restaurants_own(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world, reservationDateTime="2026-03-15T03:30:00Z")
    assert ids(await host.get(DAY_PATH)) == ["opentable-ot_1"]


async def test_without_a_date_it_is_today_in_the_restaurants_zone(host: StaffApiClient) -> None:
    body = (await host.get("reservations")).json()
    assert (body["date"], body["timeZone"]) == (BUSINESS_DAY, "America/New_York")


async def test_a_reservation_without_a_time_is_apart(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world, "cancelled", 1)
    response = await host.get(DAY_PATH)
    assert (ids(response), ids(response, "incomplete")) == ([], ["opentable-ot_1"])


async def test_one_odd_document_never_hides_the_day(host: StaffApiClient, world: World) -> None:
    odd = {"partySize": "two", "startAt": "soon", "startAtTimestamp": None, "source": "x"}
    await write_native_reservation(world, "odd", **odd, metadata=None)
    [body] = (await host.get(DAY_PATH)).json()["reservations"]
    assert (body["id"], body["partySize"], body["localTime"]) == ("odd", None, None)


async def test_an_unchanged_day_is_a_304_for_one_call(host: StaffApiClient, world: World) -> None:
    for number in range(5):
        await write_native_reservation(world, f"own-{number}")
    spy = QuerySpy(world.context.firestore)
    client = host.with_app_context(firestore=spy.client)
    tag = (await client.get(DAY_PATH)).headers["etag"]
    spy.take_calls()
    spy.billed = 0
    unchanged = await client.get(DAY_PATH, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (spy.take_calls(), spy.billed) == (["listen"], 0)


async def test_the_tag_is_queried_while_firestore_accepts_no_listener(
    host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world)
    spy = ListenerRefused(world.context.firestore)
    client = host.with_app_context(firestore=spy.client)
    tag = (await client.get(DAY_PATH)).headers["etag"]
    unchanged = await client.get(DAY_PATH, headers={"If-None-Match": tag})
    assert unchanged.status_code == 304


@pytest.mark.parametrize("change", ["update", "arrival", "departure", "another day"])
async def test_only_a_change_of_the_day_changes_its_tag(
    change: str, host: StaffApiClient, world: World
) -> None:
    reservation = await write_native_reservation(world)
    await apply_envelope(world, "cancelled", 1, reservationId="ot_2")
    before = (await host.get(DAY_PATH)).headers["etag"]
    match change:
        case "update":
            await apply_envelope(world, "updated", 2, reservationId="ot_2", partySize=9)
        case "arrival":
            await apply_envelope(world)
        case "departure":
            await reservation.update({"localDate": "2026-03-20"})
        case "another day":
            await apply_envelope(world, reservationDateTime="2026-03-20T23:15:00Z")
    after = (await host.get(DAY_PATH)).headers["etag"]
    assert (after == before) is (change == "another day")


@pytest.mark.parametrize(
    "fields",
    [
        {"partySize": 9},
        {"status": "SEATED", "updatedAt": WRITTEN_AT},
        {"dinerName": "Ada", "updatedAt": WRITTEN_AT - timedelta(days=365)},
        {"partySize": 9, "updatedAt": "odd"},
        {"metadata": {"tableNumbers": ["8"]}, "updatedAt": None},
        {"updatedAt": DELETE_FIELD},
    ],
)
async def test_every_commit_of_another_writer_changes_the_tag(
    host: StaffApiClient, world: World, fields: dict[str, Any]
) -> None:
    reservation = await write_native_reservation(world)
    await write_native_reservation(world, "own-2", updatedAt=FAR_FUTURE)
    before = (await host.get(DAY_PATH)).headers["etag"]
    await reservation.update(fields)
    response = await host.get(DAY_PATH, headers={"If-None-Match": before})
    assert (response.status_code, response.headers["etag"] != before) == (200, True)


@pytest.mark.parametrize("updated_at", [FAR_FUTURE, "odd", 5, None])
async def test_a_change_of_the_ledger_is_seen_beside_any_other_document(
    host: StaffApiClient, world: World, updated_at: object
) -> None:
    await write_native_reservation(world, updatedAt=updated_at)
    await apply_envelope(world, partySize=3)
    before = (await host.get(DAY_PATH)).headers["etag"]
    await apply_envelope(world, "updated", 1, partySize=9)
    response = await host.get(DAY_PATH, headers={"If-None-Match": before})
    assert "9" in {str(item["partySize"]) for item in response.json()["reservations"]}


async def test_a_commit_that_began_before_the_tag_and_ended_after_it_changes_the_tag(
    host: StaffApiClient, world: World
) -> None:
    await apply_envelope(world, partySize=3)
    await apply_envelope(world, reservationId="ot_2")
    spy, tags = FirestoreSpy(world.context.firestore), list[str]()
    slow_instance = replace(world, context=replace(world.context, firestore=spy.client))

    async def commit_elsewhere_and_read() -> None:
        world.clock.advance(5)
        await apply_envelope(world, "updated", 1, reservationId="ot_2", partySize=5)
        tags.append((await host.get(DAY_PATH)).headers["etag"])

    spy.before_commit.append(commit_elsewhere_and_read)
    await apply_envelope(slow_instance, "updated", 1, partySize=9)
    response = await host.get(DAY_PATH, headers={"If-None-Match": tags[0]})
    sizes = {item["id"]: item["partySize"] for item in response.json()["reservations"]}
    assert sizes == {"opentable-ot_1": 9, "opentable-ot_2": 5}


async def test_the_tag_of_a_shown_day_is_the_tag_of_its_check(
    host: StaffApiClient, world: World
) -> None:
    for number in range(3):
        await write_native_reservation(world, f"own-{number}")
        await apply_envelope(world, "cancelled", 1, reservationId=f"ot_{number}")
    tag = (await host.get(DAY_PATH)).headers["etag"]
    stale = await host.get(DAY_PATH, headers={"If-None-Match": 'W/"other"'})
    assert (stale.status_code, stale.headers["etag"]) == (200, tag)
    for listed in (tag, f'W/"other", {tag}'):
        response = await host.get(DAY_PATH, headers={"If-None-Match": listed})
        assert (response.status_code, response.headers["etag"]) == (304, tag)


@pytest.mark.parametrize(
    "date",
    ["2027-13-45", "2027-02-30", "2027-1-1", "20270101", "14.3.2026", "1773446400", "tomorrow", ""],
)
async def test_an_impossible_date_is_answered_by_one_sentence(
    date: str, host: StaffApiClient
) -> None:
    response = await host.get(f"reservations?date={date}")
    assert error_code(response) == (400, "INVALID_REQUEST")
    text = "The calendar has no such date. Use a day such as 2027-01-16."
    assert response.json()["error"]["message"] == text


async def test_without_a_time_zone_the_error_says_what_to_fix(
    host: StaffApiClient, world: World
) -> None:
    await world.change_settings(timeZone="Mars/Olympus")
    response = await host.get(DAY_PATH)
    assert error_code(response) == (409, "SETTINGS_UNUSABLE")
    assert "timeZone" in response.json()["error"]["message"]


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
        "by": None,
        "byName": None,
        "outcome": "updated",
        "changes": {"partySize": {"from": 4, "to": 6}},
    }


async def test_journal_pages_have_no_gap_or_overlap(host: StaffApiClient, world: World) -> None:
    for minute in range(5):
        await apply_envelope(world, "updated", minute, partySize=minute + 1)
    body: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await host.get(JOURNAL_PATH, params={"limit": "2", **cursor})).json()
        body += [event["eventId"] for event in page["events"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert body == [f"evt-updated_{minute}" for minute in range(5)]


async def test_a_reservation_without_a_journal_has_an_empty_one(
    host: StaffApiClient, world: World
) -> None:
    await write_native_reservation(world)
    response = await host.get("reservations/own-1/events")
    assert response.json() == {"events": [], "next": None}
