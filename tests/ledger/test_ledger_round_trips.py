"""The round trips of each outcome, and the atomicity of a commit."""

import pytest

from shared.domain.ledger.events import EventOutcome
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError
from shared.firestore.paths import reservation_document
from shared.ledger.ledger import Ledger
from tests.support.events import envelope_event, row_event
from tests.support.firestore import FirestoreSpy
from tests.support.ledger import StoredLedger, new_test_ledger


@pytest.fixture
def another(firestore_spy: FirestoreSpy, restaurant_settings: IntegrationSettings) -> Ledger:
    """The same ledger in a new process."""
    return new_test_ledger(firestore_spy.client, restaurant_settings)


async def test_a_created_envelope_is_one_round_trip(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    applied = await ledger.apply(envelope_event())
    assert (applied.outcome, firestore_spy.take_calls()) == (EventOutcome.CREATED, ["commit"])


async def test_a_created_envelope_again_is_one_read(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(envelope_event())
    firestore_spy.take_calls()
    applied = await ledger.apply(envelope_event())
    assert (applied.outcome, firestore_spy.take_calls()) == (EventOutcome.DUPLICATE, ["read"])


async def test_a_created_envelope_that_another_process_took_is_two(
    ledger: Ledger, another: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await another.apply(envelope_event())
    firestore_spy.take_calls()
    applied = await ledger.apply(envelope_event())
    assert (applied.outcome, firestore_spy.take_calls()) == (
        EventOutcome.DUPLICATE,
        ["commit", "read"],
    )


async def test_a_created_envelope_after_an_opentable_row_is_two(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(row_event(1))
    firestore_spy.take_calls()
    applied = await ledger.apply(envelope_event())
    assert (applied.outcome, firestore_spy.take_calls()) == (
        EventOutcome.UPDATED,
        ["read", "commit"],
    )


async def test_a_created_envelope_after_a_row_in_another_process_is_three(
    ledger: Ledger, another: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await another.apply(row_event(1))
    firestore_spy.take_calls()
    applied = await ledger.apply(envelope_event())
    assert (applied.outcome, firestore_spy.take_calls()) == (
        EventOutcome.UPDATED,
        ["commit", "read", "commit"],
    )


async def test_an_update_is_two_round_trips(ledger: Ledger, firestore_spy: FirestoreSpy) -> None:
    await ledger.apply(envelope_event())
    firestore_spy.take_calls()
    applied = await ledger.apply(envelope_event("updated", 1, partySize=6))
    assert (applied.outcome, firestore_spy.take_calls()) == (
        EventOutcome.UPDATED,
        ["read", "commit"],
    )


async def test_an_update_again_is_one_read(ledger: Ledger, firestore_spy: FirestoreSpy) -> None:
    await ledger.apply(envelope_event("updated", 1, partySize=6))
    firestore_spy.take_calls()
    applied = await ledger.apply(envelope_event("updated", 1, partySize=6))
    assert (applied.outcome, firestore_spy.take_calls()) == (EventOutcome.DUPLICATE, ["read"])


async def test_a_patch_about_an_unknown_reservation_is_two(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    applied = await ledger.apply(envelope_event("cancelled", 1))
    assert (applied.outcome, firestore_spy.take_calls()) == (
        EventOutcome.CREATED,
        ["read", "commit"],
    )


async def test_a_first_object_is_two(ledger: Ledger, firestore_spy: FirestoreSpy) -> None:
    applied = await ledger.apply(row_event(1))
    assert (applied.outcome, firestore_spy.take_calls()) == (
        EventOutcome.CREATED,
        ["read", "commit"],
    )


async def test_a_stale_object_is_two(ledger: Ledger, firestore_spy: FirestoreSpy) -> None:
    await ledger.apply(row_event(2))
    firestore_spy.take_calls()
    applied = await ledger.apply(row_event(1, party_size=9))
    assert (applied.outcome, firestore_spy.take_calls()) == (EventOutcome.STALE, ["read", "commit"])


async def test_a_row_older_than_the_stored_one_is_recognized_from_the_journal(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(row_event(1))
    await ledger.apply(row_event(2))
    firestore_spy.take_calls()
    applied = await ledger.apply(row_event(1))
    assert (applied.outcome, firestore_spy.take_calls()) == (EventOutcome.DUPLICATE, ["read"])


async def test_a_row_without_changes_updates_the_version_in_two(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(row_event(1))
    firestore_spy.take_calls()
    applied = await ledger.apply(row_event(2))
    assert (applied.outcome, firestore_spy.take_calls()) == (
        EventOutcome.UNCHANGED,
        ["read", "commit"],
    )


async def test_a_contradiction_costs_no_commit_but_the_first(
    ledger: Ledger, firestore_spy: FirestoreSpy
) -> None:
    await ledger.apply(row_event(1))
    firestore_spy.take_calls()
    with pytest.raises(InvalidEventError, match="conflicting_version"):
        await ledger.apply(row_event(1, party_size=9))
    assert firestore_spy.take_calls() == ["read"]


async def test_a_relay_that_contradicts_itself_is_refused(ledger: Ledger) -> None:
    await ledger.apply(envelope_event())
    with pytest.raises(InvalidEventError, match="conflicting_event"):
        await ledger.apply(envelope_event(partySize=9))


async def test_document_and_journal_have_the_time_of_one_commit(
    ledger: Ledger, stored_ledger: StoredLedger
) -> None:
    await ledger.apply(envelope_event())
    document = reservation_document(
        stored_ledger.client, stored_ledger.settings.restaurant_id, "ot_1"
    )
    entry = document.collection("ledgerEvents").document("evt-created_0")
    assert (await document.get()).update_time == (await entry.get()).update_time


async def test_the_version_lands_with_the_state(
    ledger: Ledger, stored_ledger: StoredLedger
) -> None:
    await ledger.apply(envelope_event())
    await ledger.apply(envelope_event("updated", 1, partySize=6))
    document = await stored_ledger.document()
    assert document["partySize"] == 6
    assert document["sync"]["relay"]["version"]["id"] == "evt-updated_1"


async def test_a_stale_event_is_journaled_without_changing_the_document(
    ledger: Ledger, stored_ledger: StoredLedger
) -> None:
    await ledger.apply(row_event(2))
    before = await stored_ledger.document()
    await ledger.apply(row_event(1, state="Cancelled", updated_at_utc="2026-03-09T11:00:00Z"))
    after = await stored_ledger.document()
    assert after | {"statusHistory": []} == before | {"statusHistory": []} | {
        "updatedAt": after["updatedAt"]
    }
    assert (await stored_ledger.journal())["seq-1"]["outcome"] == "stale"


async def test_what_others_wrote_into_a_document_survives_an_update(
    ledger: Ledger, stored_ledger: StoredLedger
) -> None:
    await ledger.apply(envelope_event())
    document = reservation_document(
        stored_ledger.client, stored_ledger.settings.restaurant_id, "ot_1"
    )
    await document.update({"floorPlan": {"x": 1}, "metadata.mood": "sunny"})
    await ledger.apply(envelope_event("updated", 1, partySize=6))
    stored = await stored_ledger.document()
    assert (stored["floorPlan"], stored["metadata"]["mood"]) == ({"x": 1}, "sunny")
