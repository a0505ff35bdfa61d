"""A commit that is refused, lost or overtaken ends as if nothing had gone wrong, or is told."""

import pytest
from google.api_core import exceptions as google

from shared.core.decision import EventOutcome
from shared.edge.ledger import MAX_COMMIT_ATTEMPTS, Ledger
from shared.edge.paths import reservation_document
from shared.errors import InvalidEventError, ServiceUnavailableError
from tests.page import Page
from tests.statements import relayed, shown
from tests.wire import Wire, failing

PASSING = [
    google.Aborted,
    google.DeadlineExceeded,
    google.InternalServerError,
    google.ResourceExhausted,
    google.ServiceUnavailable,
]
LOST = [google.ServiceUnavailable, google.DeadlineExceeded, google.Unknown]


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.edge.ledger._MAX_PAUSE_SECONDS", 0.0)


@pytest.mark.parametrize("lost", LOST, ids=lambda error: error.__name__)
async def test_a_creation_whose_answer_was_lost_is_still_created(
    lost: type[Exception], ledger: Ledger, wire: Wire
) -> None:
    wire.after.append(failing(lost))
    assert (await ledger.apply(relayed())).outcome is EventOutcome.CREATED


@pytest.mark.parametrize("lost", LOST, ids=lambda error: error.__name__)
async def test_an_update_whose_answer_was_lost_is_still_updated(
    lost: type[Exception], ledger: Ledger, wire: Wire
) -> None:
    await ledger.apply(shown(1))
    wire.after.append(failing(lost))
    assert (await ledger.apply(shown(2, party_size=6))).outcome is EventOutcome.UPDATED


async def test_a_commit_whose_answer_was_lost_is_journaled_once(
    ledger: Ledger, wire: Wire, page: Page
) -> None:
    wire.after.append(failing(google.DeadlineExceeded))
    await ledger.apply(relayed())
    assert list(await page.journal()) == ["evt-created_0"]


async def test_the_same_event_by_another_worker_is_a_duplicate_even_after_a_lost_answer(
    ledger: Ledger, wire: Wire
) -> None:
    wire.after.append(failing(google.ServiceUnavailable))
    await ledger.apply(relayed())
    assert (await ledger.apply(relayed())).outcome is EventOutcome.DUPLICATE


async def test_an_answer_lost_while_another_wrote_is_still_ones_own(
    ledger: Ledger, wire: Wire, page: Page
) -> None:
    async def overtaken() -> None:
        await ledger.apply(relayed("updated", 5, partySize=8))
        await failing(google.ServiceUnavailable)()

    wire.after.append(overtaken)
    applied = await ledger.apply(relayed())
    assert applied.outcome is EventOutcome.CREATED
    assert (await page.document())["partySize"] == 8


async def test_a_hint_is_known_although_the_answer_was_lost(ledger: Ledger, wire: Wire) -> None:
    await ledger.apply(shown(1))
    wire.after.append(failing(google.ServiceUnavailable))
    assert (await ledger.apply(relayed("updated", 1, partySize=6))).needs_refetch


async def test_a_write_between_read_and_commit_makes_it_read_again(
    ledger: Ledger, wire: Wire, page: Page
) -> None:
    await ledger.apply(relayed())
    wire.counted()
    wire.before.append(lambda: ledger.apply(relayed("updated", 2, specialRequests="Quiet")))
    await ledger.apply(relayed("updated", 1, partySize=6))
    document = await page.document()
    assert wire.counted() == ["read", "commit", "read", "commit", "read", "commit"]
    assert (document["partySize"], document["metadata"]["specialRequests"]) == (6, "Quiet")


async def test_the_same_event_taken_between_read_and_commit_is_a_duplicate(
    ledger: Ledger, wire: Wire, page: Page
) -> None:
    change = relayed("updated", 1, partySize=6)
    wire.before.append(lambda: ledger.apply(change))
    assert (await ledger.apply(change)).outcome is EventOutcome.DUPLICATE
    assert len(await page.journal()) == 1


async def test_a_document_deleted_between_read_and_commit_is_made_anew(
    ledger: Ledger, wire: Wire, page: Page
) -> None:
    await ledger.apply(shown(1))
    document = reservation_document(page.client, page.settings.restaurant_id, "ot_1")
    wire.before.append(document.delete)
    assert (await ledger.apply(shown(2))).outcome is EventOutcome.CREATED


@pytest.mark.parametrize("passing", PASSING, ids=lambda error: error.__name__)
async def test_firestore_away_for_good_is_told_after_the_attempts(
    passing: type[Exception], ledger: Ledger, wire: Wire
) -> None:
    wire.refusal = passing
    with pytest.raises(ServiceUnavailableError, match=f"{MAX_COMMIT_ATTEMPTS} attempts"):
        await ledger.apply(shown(1))
    assert len(wire.counted()) == MAX_COMMIT_ATTEMPTS


@pytest.mark.parametrize("passing", PASSING, ids=lambda error: error.__name__)
async def test_firestore_back_after_a_while_is_enough(
    passing: type[Exception], ledger: Ledger, wire: Wire
) -> None:
    wire.before.extend([failing(passing)] * (MAX_COMMIT_ATTEMPTS - 1))
    assert (await ledger.apply(relayed())).outcome is EventOutcome.CREATED


async def test_a_denied_permission_is_told_at_once(ledger: Ledger, wire: Wire) -> None:
    wire.refusal = google.PermissionDenied
    with pytest.raises(ServiceUnavailableError, match="PermissionDenied"):
        await ledger.apply(relayed())
    assert len(wire.counted()) == 1


async def test_a_statement_that_firestore_cannot_store_is_rejected(
    ledger: Ledger, page: Page
) -> None:
    with pytest.raises(InvalidEventError, match="unstorable"):
        await ledger.apply(relayed(dinerName="A" * 500_000))
    assert await page.document() == {}


async def test_a_rejection_never_quotes_what_was_said(ledger: Ledger) -> None:
    with pytest.raises(InvalidEventError) as caught:
        await ledger.apply(relayed(dinerName="Marked" * 80_000))
    assert "Marked" not in f"{caught.value!r} {caught.value.__cause__!r}"
