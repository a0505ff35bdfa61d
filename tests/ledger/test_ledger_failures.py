"""A failed, lost or conflicting commit is repeated without effect on the result, or reported."""

import pytest
from google.api_core import exceptions as google

from shared.domain.ledger.events import EventOutcome
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore.paths import reservation_document
from shared.ledger.ledger import MAX_COMMIT_ATTEMPTS, Ledger
from tests.support.events import envelope_event, row_event, with_long_name
from tests.support.firestore import FirestoreSpy, fail_with
from tests.support.ledger import StoredLedger

TRANSIENT_ERRORS = [
    google.Aborted,
    google.DeadlineExceeded,
    google.InternalServerError,
    google.ResourceExhausted,
    google.ServiceUnavailable,
]
LOST_RESPONSE_ERRORS = [google.ServiceUnavailable, google.DeadlineExceeded, google.Unknown]
pytestmark = pytest.mark.usefixtures("no_commit_retry_pauses")


@pytest.mark.parametrize("lost", LOST_RESPONSE_ERRORS, ids=lambda error: error.__name__)
async def test_a_creation_whose_answer_was_lost_is_still_created(
    lost: type[Exception], ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.after_commit.append(fail_with(lost))
    assert (await ledger.apply(envelope_event())).outcome is EventOutcome.CREATED


@pytest.mark.parametrize("lost", LOST_RESPONSE_ERRORS, ids=lambda error: error.__name__)
async def test_an_update_whose_answer_was_lost_is_still_updated(
    lost: type[Exception], ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(row_event(1))
    firestore_spy.after_commit.append(fail_with(lost))
    assert (await ledger.apply(row_event(2, party_size=6))).outcome is EventOutcome.UPDATED


async def test_a_commit_whose_answer_was_lost_is_journaled_once(
    ledger: Ledger, firestore_spy: FirestoreSpy, stored_ledger: StoredLedger
) -> None:
    firestore_spy.after_commit.append(fail_with(google.DeadlineExceeded))
    await ledger.apply(envelope_event())
    assert list(await stored_ledger.journal()) == ["evt-created_0"]


async def test_the_same_event_by_another_worker_is_a_duplicate_even_after_a_lost_answer(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.after_commit.append(fail_with(google.ServiceUnavailable))
    await ledger.apply(envelope_event())
    assert (await ledger.apply(envelope_event())).outcome is EventOutcome.DUPLICATE


async def test_a_lost_response_is_recognized_after_another_write(
    ledger: Ledger, firestore_spy: FirestoreSpy, stored_ledger: StoredLedger
) -> None:
    async def overtaken() -> None:
        await ledger.apply(envelope_event("updated", 5, partySize=8))
        await fail_with(google.ServiceUnavailable)()

    firestore_spy.after_commit.append(overtaken)
    applied = await ledger.apply(envelope_event())
    assert applied.outcome is EventOutcome.CREATED
    assert (await stored_ledger.document())["partySize"] == 8


async def test_a_required_refetch_is_recognized_after_a_lost_response(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(row_event(1))
    firestore_spy.after_commit.append(fail_with(google.ServiceUnavailable))
    assert (await ledger.apply(envelope_event("updated", 1, partySize=6))).needs_refetch


async def test_a_write_between_read_and_commit_makes_it_read_again(
    ledger: Ledger, firestore_spy: FirestoreSpy, stored_ledger: StoredLedger
) -> None:
    await ledger.apply(envelope_event())
    firestore_spy.take_calls()
    firestore_spy.before_commit.append(
        lambda: ledger.apply(envelope_event("updated", 2, specialRequests="Quiet"))
    )
    await ledger.apply(envelope_event("updated", 1, partySize=6))
    document = await stored_ledger.document()
    assert firestore_spy.take_calls() == ["read", "commit", "read", "commit", "read", "commit"]
    assert (document["partySize"], document["metadata"]["specialRequests"]) == (6, "Quiet")


async def test_the_same_event_taken_between_read_and_commit_is_a_duplicate(
    ledger: Ledger, firestore_spy: FirestoreSpy, stored_ledger: StoredLedger
) -> None:
    change = envelope_event("updated", 1, partySize=6)
    firestore_spy.before_commit.append(lambda: ledger.apply(change))
    assert (await ledger.apply(change)).outcome is EventOutcome.DUPLICATE
    assert len(await stored_ledger.journal()) == 1


async def test_a_document_deleted_between_read_and_commit_is_created_again(
    ledger: Ledger, firestore_spy: FirestoreSpy, stored_ledger: StoredLedger
) -> None:
    await ledger.apply(row_event(1))
    document = reservation_document(
        stored_ledger.client, stored_ledger.settings.restaurant_id, "ot_1"
    )
    firestore_spy.before_commit.append(document.delete)
    assert (await ledger.apply(row_event(2))).outcome is EventOutcome.CREATED


@pytest.mark.parametrize("passing", TRANSIENT_ERRORS, ids=lambda error: error.__name__)
async def test_a_persistent_firestore_failure_is_raised_after_the_attempts(
    passing: type[Exception], ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.failure = passing
    with pytest.raises(ServiceUnavailableError, match=f"{MAX_COMMIT_ATTEMPTS} attempts"):
        await ledger.apply(row_event(1))
    assert len(firestore_spy.take_calls()) == MAX_COMMIT_ATTEMPTS


@pytest.mark.parametrize("passing", TRANSIENT_ERRORS, ids=lambda error: error.__name__)
async def test_firestore_back_after_a_while_is_enough(
    passing: type[Exception], ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.before_commit.extend([fail_with(passing)] * (MAX_COMMIT_ATTEMPTS - 1))
    assert (await ledger.apply(envelope_event())).outcome is EventOutcome.CREATED


async def test_a_denied_permission_is_raised_immediately(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    firestore_spy.failure = google.PermissionDenied
    with pytest.raises(ServiceUnavailableError, match="PermissionDenied"):
        await ledger.apply(envelope_event())
    assert len(firestore_spy.take_calls()) == 1


async def test_a_statement_that_firestore_cannot_store_is_rejected(
    ledger: Ledger, stored_ledger: StoredLedger
) -> None:
    with pytest.raises(InvalidEventError, match="unstorable"):
        await ledger.apply(with_long_name("A" * 500_000))
    assert await stored_ledger.document() == {}


async def test_a_rejection_contains_no_values(ledger: Ledger) -> None:
    with pytest.raises(InvalidEventError) as caught:
        await ledger.apply(with_long_name("Marked" * 80_000))
    assert "Marked" not in f"{caught.value!r} {caught.value.__cause__!r}"
