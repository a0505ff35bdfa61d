"""The guest of a webhook: fetched after the commit, within a time budget."""

import time
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from sandbox.fault_injection import FailureKind
from sandbox.models import SandboxGuest
from shared.guests import sync
from shared.ledger.ledger import ApplyResult
from tests.guests.conftest import ADA
from tests.support.guests import GuestScenario

UNKNOWN_GUEST_KEY = "650001110222033304440555"  # without letters, so it has one spelling


async def test_a_new_guest_is_fetched_after_the_commit(scenario: GuestScenario, ada: str) -> None:
    booked = scenario.book(ada)
    assert (await scenario.ingest_and_fetch_guest(booked)).outcome == "created"
    assert await scenario.shown_diner(booked) == ADA
    assert scenario.count_requests("guest") == 1


async def test_the_guest_is_found_if_the_row_writes_its_id_in_another_case(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    await scenario.ingest_and_fetch_guest(booked, guest_id=ada.swapcase())
    assert await scenario.shown_diner(booked) == ADA


async def test_a_returning_diner_needs_no_request(scenario: GuestScenario, ada: str) -> None:
    await scenario.ingest_and_fetch_guest(scenario.book(ada))
    request_count = scenario.count_requests()
    second = scenario.book(ada)
    await scenario.ingest_and_fetch_guest(second)
    assert (await scenario.shown_diner(second), scenario.count_requests()) == (ADA, request_count)


async def test_a_reservation_without_a_guest_needs_no_request(scenario: GuestScenario) -> None:
    await scenario.ingest_and_fetch_guest(scenario.book())
    assert scenario.count_requests() == 0


async def test_the_relay_name_is_shown_before_the_guest_is_fetched(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    await scenario.world.ingest_envelope(
        "created", reservationId=booked.key, dinerName="A. Lovelace"
    )
    await scenario.world.ingest_row(scenario.row(booked))
    assert (await scenario.shown_diner(booked))[0] == "A. Lovelace"
    await scenario.world.poll()
    assert (await scenario.shown_diner(booked))[0] == "Ada Lovelace"


async def test_a_later_relay_name_does_not_replace_the_guest_name(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    await scenario.ingest_and_fetch_guest(booked)
    scenario.world.clock.advance(3600)
    await scenario.world.ingest_envelope(
        "updated", reservationId=booked.key, dinerName="Grace Hopper"
    )
    assert await scenario.shown_diner(booked) == ADA


async def test_a_guest_without_a_name_keeps_the_relay_name(scenario: GuestScenario) -> None:
    booked = scenario.book(scenario.guests.add().key)
    await scenario.world.ingest_envelope(
        "created", reservationId=booked.key, dinerName="A. Lovelace", dinerPhone="15550100"
    )
    await scenario.ingest_and_fetch_guest(booked)
    assert await scenario.shown_diner(booked) == ("A. Lovelace", "15550100", None)


async def test_a_guest_missing_at_opentable_is_requested_once(scenario: GuestScenario) -> None:
    booked = scenario.book(UNKNOWN_GUEST_KEY)
    await scenario.ingest_and_fetch_guest(booked)
    for _ in range(3):
        scenario.world.clock.advance(900)
        scenario.world.actions.change_party_size(booked.key, 3)
        await scenario.ingest_and_fetch_guest(booked)
        await scenario.world.poll()
        await scenario.world.reconcile()
    assert (await scenario.shown_diner(booked))[0] == "OpenTable Guest"
    assert scenario.count_requests("guest") == 1


async def test_the_copper_tier_shows_the_placeholder_and_requests_a_guest_once(
    scenario: GuestScenario, ada: str
) -> None:
    scenario.world.sandbox.tokens.partners[0].tier = "copper"
    booked = scenario.book(ada)
    await scenario.ingest_and_fetch_guest(booked)
    for _ in range(3):
        scenario.world.clock.advance(900)
        scenario.world.actions.change_party_size(booked.key, 3)
        await scenario.ingest_and_fetch_guest(booked)
        await scenario.world.poll()
    assert await scenario.shown_diner(booked) == ("OpenTable Guest", None, None)
    assert scenario.count_requests("guest") == 1


async def test_a_late_guest_is_linked_after_the_guest_poll(scenario: GuestScenario) -> None:
    booked = scenario.book(UNKNOWN_GUEST_KEY)
    await scenario.ingest_and_fetch_guest(booked)
    guest = scenario.guests.add("Ada", "Lovelace")
    scenario.world.sandbox.store.add_guest(replace(guest, key=UNKNOWN_GUEST_KEY))
    await scenario.world.poll()
    assert (await scenario.shown_diner(booked))[0] == "Ada Lovelace"


async def test_a_merged_guest_is_linked_to_the_survivor_at_once(
    scenario: GuestScenario, ada: str
) -> None:
    loser = scenario.guests.add("A.", "L.")
    scenario.guests.merge(loser.key, ada)
    booked = scenario.book(loser.key)
    await scenario.ingest_and_fetch_guest(booked)
    assert await scenario.shown_diner(booked) == ADA
    assert (await scenario.stored_guests()).keys() == {loser.key.lower(), ada.lower()}


def with_invalid_notes(guest: SandboxGuest) -> SandboxGuest:
    return replace(guest, notes=7)  # type: ignore[arg-type] # OpenTable documents a text


FAILURES: list[tuple[FailureKind, dict[str, Any]]] = [
    (FailureKind.DELAY, {"seconds": 30.0}),
    (FailureKind.CLOSE, {}),
    (FailureKind.HTML, {}),
    (FailureKind.STATUS, {"status": 403}),
    (FailureKind.STATUS, {"status": 503}),
]


@pytest.mark.parametrize("kind, details", FAILURES)
async def test_a_failed_fetch_leaves_the_commit_and_the_next_poll_links_the_guest(
    kind: FailureKind, details: dict[str, Any], scenario: GuestScenario, ada: str
) -> None:
    environment = structs.replace(scenario.world.context.environment, guest_budget_seconds=0.2)
    context = structs.replace(scenario.world.context, environment=environment)
    impatient = GuestScenario(structs.replace(scenario.world, context=context))
    other, booked = scenario.book(scenario.guests.add("Grace", "Hopper").key), scenario.book(ada)
    started = time.monotonic()
    await impatient.ingest_and_fetch_guest(other)
    successful = time.monotonic()
    scenario.world.sandbox.faults.script_failure(kind, times=50, **details)
    failing = time.monotonic()
    assert isinstance(await impatient.ingest_and_fetch_guest(booked), ApplyResult)
    # A busy machine slows both down: only the difference is the failure's.
    assert (time.monotonic() - failing) - (successful - started) < 2
    scenario.world.sandbox.faults.clear()
    await scenario.world.poll()
    assert await scenario.shown_diner(booked) == ADA


async def test_an_unreadable_guest_is_quarantined_and_blocks_nothing(
    scenario: GuestScenario, ada: str
) -> None:
    booked, other = scenario.book(ada), scenario.book()
    await scenario.ingest_and_fetch_guest(booked)
    scenario.world.sandbox.store.update_guest(booked.rid, ada, with_invalid_notes)
    scenario.world.actions.change_party_size(other.key, 5)
    await scenario.poll()
    assert await scenario.shown_diner(booked) == ADA
    assert (await scenario.world.ledger_documents())[other.key.lower()]["partySize"] == 5


async def test_an_unreadable_fetched_guest_is_requested_once(
    scenario: GuestScenario, ada: str
) -> None:
    booked = scenario.book(ada)
    scenario.world.sandbox.store.update_guest(booked.rid, ada, with_invalid_notes)
    await scenario.ingest_and_fetch_guest(booked)
    assert (await scenario.world.poll())["status"] == "ok"
    assert scenario.count_requests("guest") == 1


async def test_a_reconciliation_fetches_a_bounded_number_of_guests(
    scenario: GuestScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MAX_GUESTS_PER_RECONCILIATION", 2)
    for number in range(3):
        key = scenario.guests.add("Ada", str(number)).key
        await scenario.world.ingest_row(scenario.row(scenario.book(key)))
    request_counts = []
    for _ in range(3):
        await scenario.world.reconcile()
        request_counts.append(scenario.count_requests("guest"))
    assert request_counts == [2, 3, 3]


async def test_a_guest_with_an_invalid_id_is_never_requested(scenario: GuestScenario) -> None:
    await scenario.ingest_and_fetch_guest(scenario.book("no key"))
    await scenario.world.poll()
    report = await scenario.world.reconcile()
    assert (report["status"], scenario.count_requests("guest")) == ("COMPLETED", 0)
