"""Events applied in a batch end like the same events applied one by one."""

from collections.abc import Sequence

import pytest
from google.api_core import exceptions as google

from shared.domain.ledger.events import EventOutcome, ReservationEvent
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.ledger.ledger import COMMIT_GROUP_SIZE, ApplyResult, BatchResult, Ledger, apply_events
from tests.support.events import RID, envelope_event, row_event, with_long_name
from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.ledger import StoredLedger, new_test_ledger
from tests.support.restaurants import Restaurant

pytestmark = pytest.mark.usefixtures("no_commit_retry_pauses")


def outcomes(results: Sequence[BatchResult]) -> list[str]:
    return [r.outcome if isinstance(r, ApplyResult) else type(r).__name__ for r in results]


def event_for_key(key: str, sequence_id: int, party_size: int = 4) -> ReservationEvent:
    return row_event(sequence_id, id=f"{RID}-{key}", party_size=party_size)


def rows_of_reservations(count: int) -> list[ReservationEvent]:
    return [event_for_key(f"row{number}", 1) for number in range(count)]


def mixed_events() -> list[ReservationEvent]:
    """Return events with every kind of outcome, on three reservations."""
    return [
        event_for_key("a", 2),
        envelope_event(reservationId="b"),
        event_for_key("a", 2),
        event_for_key("a", 1, 9),
        event_for_key("c", 7),
        envelope_event("updated", 1, reservationId="b", partySize=6),
        event_for_key("a", 3),
        event_for_key("a", 4, 6),
        event_for_key("c", 7, 9),
        envelope_event("cancelled", 2, reservationId="b"),
        envelope_event(reservationId="b"),
        event_for_key("a", 1, 9),
    ]


async def apply_one_by_one(
    ledger: Ledger, changes: Sequence[ReservationEvent]
) -> list[BatchResult]:
    results: list[BatchResult] = []
    for change in changes:
        try:
            results.append(await ledger.apply(change))
        except InvalidEventError as error:
            results.append(error)
    return results


@pytest.fixture
def other_settings() -> IntegrationSettings:
    """Another restaurant with the same settings, to apply the same events one by one."""
    return Restaurant("restaurant-456", RID).settings()


async def test_outcomes_are_those_of_one_by_one(
    ledger: Ledger, other_settings: IntegrationSettings, firestore_spy: FirestoreSpy
) -> None:
    other_ledger = new_test_ledger(firestore_spy.client, other_settings)
    together = outcomes(await apply_events(ledger, mixed_events()))
    assert together == outcomes(await apply_one_by_one(other_ledger, mixed_events()))
    assert set(together) == {*EventOutcome, "InvalidEventError"}


@pytest.mark.parametrize("key", ["a", "b", "c"])
async def test_documents_are_those_of_one_by_one(
    key: str,
    ledger: Ledger,
    other_settings: IntegrationSettings,
    stored_ledger: StoredLedger,
    firestore_spy: FirestoreSpy,
) -> None:
    other_ledger = new_test_ledger(firestore_spy.client, other_settings)
    await apply_events(ledger, mixed_events())
    await apply_one_by_one(other_ledger, mixed_events())
    expected = await StoredLedger(stored_ledger.client, other_settings).document(key)
    assert await stored_ledger.document(key) == expected | {
        "restaurantId": stored_ledger.settings.restaurant_id
    }


async def test_several_changes_about_one_reservation_all_count(
    ledger: Ledger, stored_ledger: StoredLedger
) -> None:
    results = await apply_events(
        ledger, [row_event(1), row_event(3, party_size=6), row_event(2), row_event(3)]
    )
    assert outcomes(results)[:2] == ["created", "updated"]
    assert set(await stored_ledger.journal()) == {"seq-1", "seq-2", "seq-3"}


async def test_a_page_of_new_rows_is_one_read_and_one_commit(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    results = await apply_events(ledger, rows_of_reservations(COMMIT_GROUP_SIZE))
    assert outcomes(results) == ["created"] * COMMIT_GROUP_SIZE
    assert firestore_spy.take_calls() == ["read", "commit"]


async def test_more_than_a_group_is_two_groups(ledger: Ledger, firestore_spy: FirestoreSpy) -> None:
    results = await apply_events(ledger, rows_of_reservations(COMMIT_GROUP_SIZE + 1))
    assert outcomes(results) == ["created"] * (COMMIT_GROUP_SIZE + 1)
    assert sorted(firestore_spy.take_calls()) == ["commit", "commit", "read", "read"]


async def test_groups_are_read_while_others_are_committed(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await apply_events(ledger, rows_of_reservations(COMMIT_GROUP_SIZE * 2))
    assert firestore_spy.take_calls()[:2] == ["read", "read"]


async def test_results_come_in_the_order_of_the_changes(ledger: Ledger) -> None:
    changes = rows_of_reservations(COMMIT_GROUP_SIZE * 3)
    results = await apply_events(ledger, [*changes, changes[0]])
    applied = [result.event for result in results if isinstance(result, ApplyResult)]
    assert applied == [*changes, changes[0]]


async def test_nothing_to_apply_costs_nothing(ledger: Ledger, firestore_spy: FirestoreSpy) -> None:
    assert await apply_events(ledger, []) == []
    assert firestore_spy.take_calls() == []


async def test_unchanged_rows_cost_one_read_and_no_write(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    events = [event_for_key("a", 1), event_for_key("b", 2)]
    await apply_events(ledger, events)
    firestore_spy.take_calls()
    assert outcomes(await apply_events(ledger, events)) == ["duplicate", "duplicate"]
    assert firestore_spy.take_calls() == ["read"]


async def test_the_journal_distinguishes_stale_from_duplicate(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await apply_events(
        ledger, [event_for_key("a", 1), event_for_key("a", 5), event_for_key("b", 5)]
    )
    firestore_spy.take_calls()
    assert outcomes(await apply_events(ledger, [event_for_key("a", 1), event_for_key("b", 1)])) == [
        "duplicate",
        "stale",
    ]
    assert firestore_spy.take_calls() == ["read", "read", "commit"]


async def test_a_lost_race_does_not_fail_other_events_of_the_batch(
    ledger: Ledger, firestore_spy: FirestoreSpy, stored_ledger: StoredLedger
) -> None:
    await apply_events(ledger, [event_for_key("a", 1), event_for_key("b", 1)])
    firestore_spy.before_commit.append(lambda: ledger.apply(event_for_key("a", 3, 9)))
    results = await apply_events(
        ledger, [event_for_key("a", 2, 6), event_for_key("b", 2, 6), event_for_key("c", 2)]
    )
    assert outcomes(results) == ["stale", "updated", "created"]
    assert [(await stored_ledger.document(key))["partySize"] for key in "abc"] == [9, 6, 4]


async def test_a_conflict_does_not_fail_other_events_of_the_batch(ledger: Ledger) -> None:
    await ledger.apply(event_for_key("a", 1))
    results = await apply_events(
        ledger, [event_for_key("b", 1), event_for_key("a", 1, 9), event_for_key("c", 1)]
    )
    assert outcomes(results) == ["created", "InvalidEventError", "created"]


async def test_an_unstorable_event_does_not_fail_others_of_the_batch(ledger: Ledger) -> None:
    unstorable = with_long_name("A" * 500_000, reservationId="big")
    results = await apply_events(ledger, [event_for_key("a", 1), unstorable, event_for_key("b", 1)])
    assert outcomes(results) == ["created", "InvalidEventError", "created"]


async def test_a_group_whose_answer_was_lost_has_its_true_outcomes(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(event_for_key("a", 1))
    firestore_spy.after_commit.append(fail_with(google.DeadlineExceeded))
    results = await apply_events(
        ledger,
        [
            event_for_key("a", 2, 6),
            event_for_key("b", 1),
            envelope_event(reservationId="c"),
            event_for_key("d", 9),
        ],
    )
    assert outcomes(results) == ["updated", "created", "created", "created"]


async def test_a_group_whose_answer_was_lost_is_journaled_once(
    ledger: Ledger, firestore_spy: FirestoreSpy, stored_ledger: StoredLedger
) -> None:
    firestore_spy.after_commit.append(fail_with(google.ServiceUnavailable))
    await apply_events(ledger, [event_for_key("a", 1), event_for_key("b", 1)])
    assert [list(await stored_ledger.journal(key)) for key in "ab"] == [["seq-1"], ["seq-1"]]


async def test_a_persistent_firestore_failure_is_reported_for_each_event(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.failure = google.ServiceUnavailable
    results = await apply_events(ledger, [event_for_key("a", 1), event_for_key("b", 1)])
    assert [type(result) for result in results] == [ServiceUnavailableError] * 2
