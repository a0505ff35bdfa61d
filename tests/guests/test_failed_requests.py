"""A guest that cannot be fetched stops nothing: it is noted, and requested later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import AsyncCollectionReference

from sandbox.fault_injection import FailureKind
from shared.concurrency import Deadline
from shared.firestore import paths
from shared.guests import failures
from shared.guests.failures import new_guest_failure
from shared.opentable import query
from shared.polling.backfill import backfill_restaurant, read_backfill, start_backfill
from tests.guests.conftest import ADA
from tests.support.guests import GuestScenario

EVERY_REQUEST = 2_000
PLACEHOLDER = ("OpenTable Guest", None, None)
FAILURES = [
    pytest.param(FailureKind.STATUS, {"status": 403}, id="403"),
    pytest.param(FailureKind.STATUS, {"status": 409}, id="409"),
    pytest.param(FailureKind.STATUS, {"status": 422}, id="422"),
    pytest.param(FailureKind.STATUS, {"status": 429}, id="429"),
    pytest.param(FailureKind.STATUS, {"status": 500}, id="500"),
    pytest.param(FailureKind.REDIRECT, {}, id="redirect"),
    pytest.param(FailureKind.HTML, {}, id="html"),
    pytest.param(FailureKind.TRUNCATED, {}, id="truncated"),
    pytest.param(FailureKind.CLOSE, {}, id="closes"),
]


pytestmark = pytest.mark.usefixtures("no_opentable_retry_pauses")


def fail_requests(
    scenario: GuestScenario, guest_key: str, kind: FailureKind, **details: Any
) -> None:
    """Fail every request by id for a guest."""
    path = f"/sync/v2/guests/{scenario.world.restaurant.rid}-{guest_key}"
    scenario.world.sandbox.faults.script_failure(kind, path=path, times=EVERY_REQUEST, **details)


def notes_collection(scenario: GuestScenario) -> AsyncCollectionReference:
    """Return the notes of failing guests."""
    world = scenario.world
    return paths.guest_failures_collection(world.context.firestore, world.restaurant.id)


async def noted_guests(scenario: GuestScenario) -> dict[str, dict[str, Any]]:
    """Return the notes of failing guests by key."""
    return {note.id: note.to_dict() or {} async for note in notes_collection(scenario).stream()}


async def store_damaged_note(scenario: GuestScenario, key: str, **damage: object) -> None:
    """Store the note of a guest with some damaged fields."""
    note = new_guest_failure(None, key, key, "403", scenario.world.clock())
    await notes_collection(scenario).document(key).set(note.to_map() | damage)


@pytest.fixture
async def returning(scenario: GuestScenario, ada: str) -> str:
    """Return a guest who is in no feed: an earlier poll has passed her record."""
    await scenario.world.poll()
    scenario.world.clock.advance(3_600)
    await scenario.world.poll()
    scenario.world.clock.advance(3_600)
    return ada


@pytest.fixture
def refused(scenario: GuestScenario, returning: str) -> str:
    """Return that guest, with every request for her record answered with 403."""
    fail_requests(scenario, returning, FailureKind.STATUS, status=403)
    return returning


@pytest.mark.parametrize("kind, details", FAILURES)
async def test_a_poll_completes_and_notes_the_guest(
    scenario: GuestScenario, returning: str, kind: FailureKind, details: dict[str, Any]
) -> None:
    fail_requests(scenario, returning, kind, **details)
    booked = scenario.book(returning)
    started_at = scenario.world.clock()
    assert (await scenario.world.poll())["status"] == "ok"
    state = await scenario.world.read_settings_document()
    assert (state["poll"]["cursor"], state["guestFailures"]["count"]) == (started_at, 1)
    assert (await noted_guests(scenario))[returning]["attempts"] == 1
    assert await scenario.shown_diner(booked) == PLACEHOLDER


@pytest.mark.parametrize("kind, details", FAILURES)
async def test_a_reconciliation_completes_and_notes_the_guest(
    scenario: GuestScenario, returning: str, kind: FailureKind, details: dict[str, Any]
) -> None:
    fail_requests(scenario, returning, kind, **details)
    scenario.book(returning)
    report = await scenario.world.reconcile()
    assert (report["status"], len(report["created"])) == ("COMPLETED", 1)
    assert returning in await noted_guests(scenario)


@pytest.mark.parametrize("status", [403, 422, 500])
async def test_a_backfill_completes_and_notes_the_guest(
    scenario: GuestScenario, status: int
) -> None:
    world = scenario.world
    guest = "65aa01bb02cc03dd04ee05ff"
    fail_requests(scenario, guest, FailureKind.STATUS, status=status)
    scenario.book(guest)
    await start_backfill(world.context, world.restaurant.id)
    result = await backfill_restaurant(world.context, Deadline.after(60), world.restaurant.id)
    backfill = await read_backfill(world.context, world.restaurant.id)
    assert (result["status"], backfill and backfill.error) == ("COMPLETED", None)
    assert guest in await noted_guests(scenario)


async def test_a_guest_who_is_gone_is_stored_without_details(
    scenario: GuestScenario, returning: str
) -> None:
    fail_requests(scenario, returning, FailureKind.STATUS, status=410)
    scenario.book(returning)
    assert (await scenario.world.poll())["status"] == "ok"
    assert returning in await scenario.stored_guests()
    assert await noted_guests(scenario) == {}


async def test_the_other_guests_of_the_run_are_linked(
    scenario: GuestScenario, refused: str
) -> None:
    scenario.book(refused)
    grace = scenario.book(scenario.guests.add("Grace", "Hopper").key)
    await scenario.world.poll()
    assert (await scenario.shown_diner(grace))[0] == "Grace Hopper"


@pytest.mark.parametrize("run", ["poll", "reconcile"])
async def test_a_due_guest_is_requested_and_linked(
    scenario: GuestScenario, refused: str, run: str
) -> None:
    booked = scenario.book(refused)
    await scenario.world.poll()
    scenario.world.sandbox.faults.clear()
    scenario.world.clock.advance(900)
    await getattr(scenario.world, run)()
    assert await scenario.shown_diner(booked) == ADA
    assert await noted_guests(scenario) == {}
    assert (await scenario.world.read_settings_document())["guestFailures"]["count"] == 0


async def test_no_run_requests_a_guest_before_its_next_attempt(
    scenario: GuestScenario, refused: str
) -> None:
    booked = scenario.book(refused)
    await scenario.world.poll()
    request_count = scenario.count_requests("guest")
    scenario.world.clock.advance(60)
    scenario.world.actions.change_party_size(booked.key, 3)
    await scenario.world.poll()
    await scenario.world.reconcile()
    assert scenario.count_requests("guest") == request_count


async def test_the_pauses_grow(scenario: GuestScenario, refused: str) -> None:
    scenario.book(refused)
    await scenario.world.poll()
    for attempts, pause_seconds in ((2, 1_800), (3, 3_600), (4, 7_200)):
        scenario.world.clock.set((await noted_guests(scenario))[refused]["nextAttemptAt"])
        await scenario.world.poll()
        note = (await noted_guests(scenario))[refused]
        assert note["attempts"] == attempts
        pause = note["nextAttemptAt"] - scenario.world.clock()
        assert pause == timedelta(seconds=pause_seconds)


def test_a_pause_is_never_longer_than_a_week() -> None:
    now, failure = datetime(2026, 3, 14, tzinfo=UTC), None
    for _ in range(100):
        failure = new_guest_failure(failure, "g", "1-g", "answered 403", now)
    assert failure is not None
    assert failure.next_attempt_at - now == failures.MAX_PAUSE == timedelta(days=7)


async def test_the_note_of_a_guest_stored_by_another_way_is_deleted(
    scenario: GuestScenario, refused: str
) -> None:
    booked = scenario.book(refused)
    await scenario.world.poll()
    scenario.guests.rename(refused, "Augusta", "Lovelace")
    scenario.world.clock.advance(900)
    await scenario.world.poll()
    assert (await scenario.shown_diner(booked))[0] == "Augusta Lovelace"
    assert await noted_guests(scenario) == {}


async def test_a_survivor_who_cannot_be_fetched_stops_nothing(
    scenario: GuestScenario, returning: str
) -> None:
    booked = scenario.book(returning)
    await scenario.world.poll()
    scenario.world.clock.advance(7_200)
    survivor = scenario.guests.add("Countess", "Lovelace").key
    await scenario.world.poll()
    scenario.world.clock.advance(7_200)
    await scenario.world.poll()
    fail_requests(scenario, survivor, FailureKind.STATUS, status=403)
    scenario.guests.merge(returning, survivor)
    assert (await scenario.world.poll())["status"] == "ok"
    assert survivor.lower() in await noted_guests(scenario)
    scenario.world.sandbox.faults.clear()
    scenario.world.clock.advance(900)
    await scenario.world.poll()
    assert (await scenario.shown_diner(booked))[0] == "Countess Lovelace"


async def test_failing_guests_do_not_take_the_places_of_others(
    scenario: GuestScenario, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.guests.sync.MAX_GUESTS_PER_RECONCILIATION", 1)
    grace = scenario.guests.add("Grace", "Hopper").key
    scenario.world.clock.advance(7_200)
    first, second = scenario.book(refused), scenario.book(grace)
    for booked in (first, second):
        await scenario.world.ingest_row(scenario.row(booked))
    await scenario.world.reconcile()
    await scenario.world.reconcile()
    assert (await scenario.shown_diner(second))[0] == "Grace Hopper"


async def test_after_many_unavailable_guests_the_rest_waits_for_the_next_run(
    scenario: GuestScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAX_UNAVAILABLE_ITEMS", 1)
    monkeypatch.setattr("shared.guests.fetch._MAX_CONCURRENT_FETCHES", 1)
    await scenario.world.poll()
    scenario.world.clock.advance(7_200)
    for number in range(3):
        guest = f"65aa01bb02cc03dd04ee05f{number}"
        scenario.book(guest)
        fail_requests(scenario, guest, FailureKind.STATUS, status=500)
    assert (await scenario.world.poll())["status"] == "ok"
    assert len(await noted_guests(scenario)) == 1


async def test_many_unavailable_survivors_cost_no_more_time_than_other_guests(
    scenario: GuestScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAX_UNAVAILABLE_ITEMS", 1)
    merged = [scenario.guests.add("Ada", f"Lovelace {number}").key for number in range(3)]
    for guest in merged:
        scenario.book(guest)
    survivors = [scenario.guests.add("Countess", "Lovelace").key for _ in merged]
    await scenario.world.poll()
    scenario.world.clock.advance(7_200)
    await scenario.world.poll()
    scenario.world.clock.advance(7_200)
    for guest, survivor in zip(merged, survivors, strict=True):
        fail_requests(scenario, survivor, FailureKind.STATUS, status=500)
        scenario.guests.merge(guest, survivor)
    assert (await scenario.world.poll())["status"] == "ok"
    assert len(await noted_guests(scenario)) == 1


@pytest.mark.parametrize("attempts", [2**63 - 1, -(2**63), True, "x"])
async def test_a_note_with_an_impossible_number_of_attempts_is_replaced(
    scenario: GuestScenario, refused: str, attempts: Any
) -> None:
    long_ago = scenario.world.clock() - timedelta(days=1)
    await store_damaged_note(scenario, refused, attempts=attempts, nextAttemptAt=long_ago)
    scenario.book(refused)
    assert (await scenario.world.poll())["status"] == "ok"
    assert (await noted_guests(scenario))[refused]["attempts"] <= 2


async def test_a_damaged_note_is_replaced(scenario: GuestScenario, returning: str) -> None:
    await store_damaged_note(scenario, returning, nextAttemptAt="soon", attempts=[])
    booked = scenario.book(returning)
    assert (await scenario.world.poll())["status"] == "ok"
    assert await scenario.shown_diner(booked) == ADA


@pytest.mark.parametrize("damage", [{"nextAttemptAt": 5}, {"guestId": 5}])
async def test_a_damaged_note_does_not_hide_the_next_attempt_of_another(
    scenario: GuestScenario, refused: str, damage: dict[str, Any]
) -> None:
    long_ago = scenario.world.clock() - timedelta(days=1)
    await store_damaged_note(scenario, "damaged", **{"nextAttemptAt": long_ago, **damage})
    scenario.book(refused)
    await scenario.world.poll()
    summary = (await scenario.world.read_settings_document())["guestFailures"]
    assert (summary["count"], "answered 403" in summary["lastError"]) == (2, True)
    assert summary["retryAt"] > scenario.world.clock()


async def test_a_note_with_an_attempt_in_the_far_future_is_due(
    scenario: GuestScenario, returning: str
) -> None:
    far_future = scenario.world.clock() + timedelta(days=3_000)
    await store_damaged_note(scenario, returning, nextAttemptAt=far_future)
    booked = scenario.book(returning)
    await scenario.world.poll()
    assert await scenario.shown_diner(booked) == ADA
