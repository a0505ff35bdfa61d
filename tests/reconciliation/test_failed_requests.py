"""A request for one reservation fails: the reconciliation reports it and corrects the rest."""

from datetime import timedelta
from typing import Any

import pytest

from sandbox.fault_injection import FailureKind
from sandbox.models import SandboxReservation
from shared.opentable import query
from tests.support.held_plans import RESERVATION_COUNT, execute_plan, hold_plan_with_updates
from tests.support.world import (
    START_TIME,
    HiddenReservations,
    RejectedCredential,
    World,
    differing_keys,
)

SOON = START_TIME + timedelta(days=2)
EVERY_REQUEST = 2_000
FAILURES = [
    # The listing accepts the credential, so it is this reservation's failure.
    *(
        pytest.param(FailureKind.STATUS, {"status": status}, f"answered {status}", id=str(status))
        for status in (401, 403, 409, 422, 451, 429, 500)
    ),
    pytest.param(FailureKind.REDIRECT, {}, "answered 302", id="redirect"),
    pytest.param(FailureKind.CLOSE, {}, "ConnectionError", id="closes"),
]
pytestmark = pytest.mark.usefixtures("no_opentable_retry_pauses")


def fail_reservation_requests(world: World, key: str, kind: FailureKind, **details: Any) -> None:
    """Fail every request by id for a reservation."""
    path = f"/sync/v2/reservations/{world.restaurant.rid}-{key}"
    world.sandbox.faults.script_failure(kind, path=path, times=EVERY_REQUEST, **details)


@pytest.fixture
def stop_after_one_unavailable_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MAX_UNAVAILABLE_ITEMS", 1)
    monkeypatch.setattr("shared.reconciliation.reconcile._MAX_CONCURRENT_FETCHES", 1)


async def book_and_hide(world: World) -> tuple[SandboxReservation, SandboxReservation]:
    """Return a stored reservation to hide from the listing, and another one to correct."""
    hidden, other = world.actions.create(SOON, 2), world.actions.create(SOON, 4)
    await world.poll()
    world.actions.change_party_size(other.key, 7)
    return hidden, other


@pytest.mark.parametrize("kind, details, reason", FAILURES)
async def test_a_failed_request_is_a_divergence_and_the_rest_is_corrected(
    world: World, kind: FailureKind, details: dict[str, Any], reason: str
) -> None:
    hidden, other = await book_and_hide(world)
    fail_reservation_requests(world, hidden.key, kind, **details)
    with HiddenReservations(world, hidden.key):
        report = await world.reconcile()
    assert (report["status"], report["newDivergences"]) == ("COMPLETED", 1)
    (divergence,) = report["divergences"]
    assert (divergence["type"], divergence["externalId"]) == ("UNREADABLE", hidden.key.lower())
    assert reason in divergence["reason"]
    documents = await world.ledger_documents()
    assert documents[other.key.lower()]["partySize"] == 7
    assert documents[hidden.key.lower()]["reconciliation"]["reconciliationStatus"] == "DIVERGED"
    assert documents[hidden.key.lower()]["status"] == "BOOKED"


async def test_a_reservation_that_is_gone_is_missing(world: World) -> None:
    hidden, other = await book_and_hide(world)
    fail_reservation_requests(world, hidden.key, FailureKind.STATUS, status=410)
    with HiddenReservations(world, hidden.key):
        report = await world.reconcile()
    assert report["status"] == "COMPLETED"
    assert [entry["type"] for entry in report["divergences"]] == ["MISSING_IN_OPENTABLE"]
    assert (await world.ledger_documents())[other.key.lower()]["partySize"] == 7


async def test_a_standing_failure_is_listed_but_neither_new_nor_written(world: World) -> None:
    hidden, _ = await book_and_hide(world)
    fail_reservation_requests(world, hidden.key, FailureKind.STATUS, status=422)
    with HiddenReservations(world, hidden.key):
        await world.reconcile()
        before = (await world.ledger_documents())[hidden.key.lower()]
        report = await world.reconcile()
    assert (len(report["divergences"]), report["newDivergences"]) == (1, 0)
    assert (await world.ledger_documents())[hidden.key.lower()] == before


async def test_the_flag_ends_when_the_request_succeeds(world: World) -> None:
    hidden, _ = await book_and_hide(world)
    fail_reservation_requests(world, hidden.key, FailureKind.STATUS, status=422)
    with HiddenReservations(world, hidden.key):
        await world.reconcile()
    world.sandbox.faults.clear()
    world.actions.reschedule(hidden.key, START_TIME + timedelta(days=90))
    report = await world.reconcile()
    assert report["divergences"] == []
    document = (await world.ledger_documents())[hidden.key.lower()]
    assert document["reconciliation"]["reconciliationStatus"] == "RECONCILED"


async def test_a_dry_run_lists_a_failed_request_and_writes_nothing(world: World) -> None:
    hidden, _ = await book_and_hide(world)
    before = await world.ledger_documents()
    fail_reservation_requests(world, hidden.key, FailureKind.STATUS, status=422)
    with HiddenReservations(world, hidden.key):
        report = await world.reconcile(is_dry_run=True)
    assert (report["status"], len(report["divergences"])) == ("DRY_RUN", 1)
    assert await world.ledger_documents() == before


@pytest.mark.usefixtures("stop_after_one_unavailable_item")
async def test_requests_stop_after_many_unavailable_items_and_the_run_completes(
    world: World,
) -> None:
    reservations = [world.actions.create(SOON, 2) for _ in range(3)]
    await world.poll()
    for reservation in reservations:
        fail_reservation_requests(world, reservation.key, FailureKind.STATUS, status=500)
    with HiddenReservations(world, *(reservation.key for reservation in reservations)):
        report = await world.reconcile()
    # A reservation that was not requested is listed, but neither flagged nor new.
    assert (report["status"], len(report["divergences"])) == ("COMPLETED", 3)
    assert report["newDivergences"] == 1


@pytest.mark.usefixtures("stop_after_one_unavailable_item")
async def test_a_request_that_always_fails_takes_no_place_of_the_others(world: World) -> None:
    reservations = [world.actions.create(SOON, 2) for _ in range(3)]
    await world.poll()
    with HiddenReservations(world, *(reservation.key for reservation in reservations)):
        for reservation in reservations:
            fail_reservation_requests(world, reservation.key, FailureKind.STATUS, status=500)
        await world.reconcile()
        documents = await world.ledger_documents()
        [failed] = [
            key for key, each in documents.items() if each["reconciliation"]["divergenceDetected"]
        ]
        world.sandbox.faults.clear()
        [key] = [each.key for each in reservations if each.key.lower() == failed]
        fail_reservation_requests(world, key, FailureKind.STATUS, status=500)
        report = await world.reconcile()
    types = {entry["externalId"]: entry["type"] for entry in report["divergences"]}
    others = dict.fromkeys(documents.keys() - {failed}, "MISSING_IN_OPENTABLE")
    assert types == others | {failed: "UNREADABLE"}


async def test_a_rejected_credential_still_fails_the_run(world: World) -> None:
    hidden, _ = await book_and_hide(world)
    by_id = f"/sync/v2/reservations/{world.restaurant.rid}-{hidden.key}"
    with HiddenReservations(world, hidden.key), RejectedCredential(world, by_id):
        report = await world.reconcile()
    assert report["status"] == "FAILED"
    assert "answered 401" in report["reason"]


@pytest.mark.parametrize("status", [401, 403, 422, 500])
async def test_a_failed_request_of_a_forced_plan_is_a_divergence_and_the_rest_is_corrected(
    world: World, status: int
) -> None:
    reservations, held = await hold_plan_with_updates(world)
    failed = reservations[0].key
    fail_reservation_requests(world, failed, FailureKind.STATUS, status=status)
    report = await execute_plan(world, held)
    assert (report["status"], len(report["updated"])) == ("COMPLETED", RESERVATION_COUNT - 1)
    assert [(entry["type"], entry["externalId"]) for entry in report["divergences"]] == [
        ("UNREADABLE", failed.lower())
    ]
    differing = differing_keys(world.opentable_reservations(), await world.ledger_documents())
    assert differing == [failed.lower()]


async def test_a_reservation_of_a_forced_plan_that_is_gone_is_skipped(world: World) -> None:
    reservations, held = await hold_plan_with_updates(world)
    fail_reservation_requests(world, reservations[0].key, FailureKind.STATUS, status=410)
    report = await execute_plan(world, held)
    assert (report["status"], len(report["skipped"])) == ("COMPLETED", 1)


async def test_a_forced_plan_without_access_fails_and_lists_no_divergence(world: World) -> None:
    _, held = await hold_plan_with_updates(world)
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))
    report = await execute_plan(world, held)
    assert (report["status"], report["divergences"]) == ("FAILED", [])
