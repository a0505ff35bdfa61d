"""Many changes in one call end as the same changes would one by one."""

from collections.abc import Sequence

import pytest
from google.api_core import exceptions as google

from shared.core.change import ReservationEvent
from shared.core.settings import IntegrationSettings
from shared.edge.batches import COMMIT_GROUP_SIZE, BatchResult, apply_events
from shared.edge.ledger import ApplyResult, Ledger
from shared.errors import InvalidEventError, ServiceUnavailableError
from tests.ledgers import new_ledger
from tests.page import Page
from tests.restaurants import Restaurant
from tests.statements import RID, relayed, shown
from tests.wire import Wire, failing


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.edge.ledger._MAX_PAUSE_SECONDS", 0.0)


def outcomes(results: Sequence[BatchResult]) -> list[str]:
    return [r.outcome if isinstance(r, ApplyResult) else type(r).__name__ for r in results]


def about(key: str, sequence_id: int, party_size: int = 4) -> ReservationEvent:
    return shown(sequence_id, id=f"{RID}-{key}", party_size=party_size)


def mixed() -> list[ReservationEvent]:
    """Return every kind of outcome, over three reservations."""
    return [
        about("a", 2),
        relayed(reservationId="b"),
        about("a", 2),
        about("a", 1, 9),
        about("c", 7),
        relayed("updated", 1, reservationId="b", partySize=6),
        about("a", 3),
        about("a", 4, 6),
        about("c", 7, 9),
        relayed("cancelled", 2, reservationId="b"),
        relayed(reservationId="b"),
        about("a", 1, 9),
    ]


async def one_by_one(ledger: Ledger, changes: Sequence[ReservationEvent]) -> list[BatchResult]:
    results: list[BatchResult] = []
    for change in changes:
        try:
            results.append(await ledger.apply(change))
        except InvalidEventError as error:
            results.append(error)
    return results


@pytest.fixture
def elsewhere() -> IntegrationSettings:
    """Another restaurant with the same settings, for the same changes applied another way."""
    return Restaurant("restaurant-456", RID).settings()


async def test_outcomes_are_those_of_one_by_one(
    ledger: Ledger, elsewhere: IntegrationSettings, wire: Wire
) -> None:
    alone = new_ledger(wire.client, elsewhere)
    together = outcomes(await apply_events(ledger, mixed()))
    assert together == outcomes(await one_by_one(alone, mixed()))
    assert set(together) == {
        "created",
        "updated",
        "unchanged",
        "stale",
        "duplicate",
        "RejectedStatementError",
    }


@pytest.mark.parametrize("key", ["a", "b", "c"])
async def test_documents_are_those_of_one_by_one(
    key: str, ledger: Ledger, elsewhere: IntegrationSettings, page: Page, wire: Wire
) -> None:
    alone = new_ledger(wire.client, elsewhere)
    await apply_events(ledger, mixed())
    await one_by_one(alone, mixed())
    expected = await Page(page.client, elsewhere).document(key)
    assert await page.document(key) == expected | {"restaurantId": page.settings.restaurant_id}


async def test_several_changes_about_one_reservation_all_count(ledger: Ledger, page: Page) -> None:
    results = await apply_events(ledger, [shown(1), shown(3, party_size=6), shown(2), shown(3)])
    assert outcomes(results)[:2] == ["created", "updated"]
    assert set(await page.journal()) == {"seq-1", "seq-2", "seq-3"}


async def test_a_page_of_new_rows_is_one_read_and_one_commit(ledger: Ledger, wire: Wire) -> None:
    results = await apply_events(ledger, [about(f"row{i}", 1) for i in range(COMMIT_GROUP_SIZE)])
    assert outcomes(results) == ["created"] * COMMIT_GROUP_SIZE
    assert wire.counted() == ["read", "commit"]


async def test_more_than_a_group_is_two_groups(ledger: Ledger, wire: Wire) -> None:
    results = await apply_events(
        ledger, [about(f"row{i}", 1) for i in range(COMMIT_GROUP_SIZE + 1)]
    )
    assert outcomes(results) == ["created"] * (COMMIT_GROUP_SIZE + 1)
    assert sorted(wire.counted()) == ["commit", "commit", "read", "read"]


async def test_groups_are_read_while_others_are_committed(ledger: Ledger, wire: Wire) -> None:
    await apply_events(ledger, [about(f"row{i}", 1) for i in range(COMMIT_GROUP_SIZE * 2)])
    assert wire.counted()[:2] == ["read", "read"]


async def test_results_come_in_the_order_of_the_changes(ledger: Ledger) -> None:
    changes = [about(f"row{i}", 1) for i in range(COMMIT_GROUP_SIZE * 3)]
    results = await apply_events(ledger, [*changes, changes[0]])
    told = [result.event for result in results if isinstance(result, ApplyResult)]
    assert told == [*changes, changes[0]]


async def test_no_change_is_nothing_to_do(ledger: Ledger, wire: Wire) -> None:
    assert await apply_events(ledger, []) == []
    assert wire.counted() == []


async def test_rows_that_are_held_cost_one_read_and_no_write(ledger: Ledger, wire: Wire) -> None:
    held = [about("a", 1), about("b", 2)]
    await apply_events(ledger, held)
    wire.counted()
    assert outcomes(await apply_events(ledger, held)) == ["duplicate", "duplicate"]
    assert wire.counted() == ["read"]


async def test_the_journal_tells_stale_from_duplicate(ledger: Ledger, wire: Wire) -> None:
    await apply_events(ledger, [about("a", 1), about("a", 5), about("b", 5)])
    wire.counted()
    assert outcomes(await apply_events(ledger, [about("a", 1), about("b", 1)])) == [
        "duplicate",
        "stale",
    ]
    assert wire.counted() == ["read", "read", "commit"]


async def test_nothing_to_apply_costs_nothing(ledger: Ledger, wire: Wire) -> None:
    assert await apply_events(ledger, []) == []
    assert wire.counted() == []


async def test_one_that_another_worker_overtook_sinks_no_neighbour(
    ledger: Ledger, wire: Wire, page: Page
) -> None:
    await apply_events(ledger, [about("a", 1), about("b", 1)])
    wire.before.append(lambda: ledger.apply(about("a", 3, 9)))
    results = await apply_events(ledger, [about("a", 2, 6), about("b", 2, 6), about("c", 2)])
    assert outcomes(results) == ["stale", "updated", "created"]
    assert [(await page.document(key))["partySize"] for key in "abc"] == [9, 6, 4]


async def test_one_that_contradicts_sinks_no_neighbour(ledger: Ledger) -> None:
    await ledger.apply(about("a", 1))
    results = await apply_events(ledger, [about("b", 1), about("a", 1, 9), about("c", 1)])
    assert outcomes(results) == ["created", "RejectedStatementError", "created"]


async def test_one_that_cannot_be_stored_sinks_no_neighbour(ledger: Ledger) -> None:
    unstorable = relayed(reservationId="big", dinerName="A" * 500_000)
    results = await apply_events(ledger, [about("a", 1), unstorable, about("b", 1)])
    assert outcomes(results) == ["created", "RejectedStatementError", "created"]


async def test_a_group_whose_answer_was_lost_has_its_true_outcomes(
    ledger: Ledger, wire: Wire
) -> None:
    await ledger.apply(about("a", 1))
    wire.after.append(failing(google.DeadlineExceeded))
    results = await apply_events(
        ledger, [about("a", 2, 6), about("b", 1), relayed(reservationId="c"), about("d", 9)]
    )
    assert outcomes(results) == ["updated", "created", "created", "created"]


async def test_a_group_whose_answer_was_lost_is_journaled_once(
    ledger: Ledger, wire: Wire, page: Page
) -> None:
    wire.after.append(failing(google.ServiceUnavailable))
    await apply_events(ledger, [about("a", 1), about("b", 1)])
    assert [list(await page.journal(key)) for key in "ab"] == [["seq-1"], ["seq-1"]]


async def test_firestore_away_for_good_is_told_of_each(ledger: Ledger, wire: Wire) -> None:
    wire.refusal = google.ServiceUnavailable
    results = await apply_events(ledger, [about("a", 1), about("b", 1)])
    assert [type(result) for result in results] == [ServiceUnavailableError] * 2
