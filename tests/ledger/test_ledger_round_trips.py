"""The round trips of each outcome, and the atomicity of a commit."""

import pytest

from shared.domain.ledger.events import ReservationEvent
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError
from shared.firestore.paths import reservation_document
from shared.ledger.ledger import Ledger
from tests.support.events import envelope_event, row_event
from tests.support.firestore import FirestoreSpy
from tests.support.ledger import StoredLedger, new_test_ledger

CREATION = envelope_event()
UPDATE = envelope_event("updated", 1, partySize=6)
CANCELLATION = envelope_event("cancelled", 1)
READ, COMMIT = "read", "commit"


@pytest.mark.parametrize(
    "applied_before, event, outcome, calls",
    [
        pytest.param([], CREATION, "created", [COMMIT], id="created"),
        pytest.param([CREATION], CREATION, "duplicate", [READ], id="created again"),
        pytest.param([row_event(1)], CREATION, "updated", [READ, COMMIT], id="created after a row"),
        pytest.param([CREATION], UPDATE, "updated", [READ, COMMIT], id="update"),
        pytest.param([UPDATE], UPDATE, "duplicate", [READ], id="update again"),
        pytest.param([], CANCELLATION, "created", [READ, COMMIT], id="unknown reservation"),
        pytest.param([], row_event(1), "created", [READ, COMMIT], id="first row"),
        pytest.param(
            [row_event(2)], row_event(1, party_size=9), "stale", [READ, COMMIT], id="stale"
        ),
        pytest.param(
            [row_event(1), row_event(2)], row_event(1), "duplicate", [READ], id="journaled row"
        ),
        pytest.param([row_event(1)], row_event(2), "unchanged", [READ, COMMIT], id="new version"),
    ],
)
async def test_an_event_takes_the_fewest_round_trips(
    ledger: Ledger,
    firestore_spy: FirestoreSpy,
    applied_before: list[ReservationEvent],
    event: ReservationEvent,
    outcome: str,
    calls: list[str],
) -> None:
    for earlier in applied_before:
        await ledger.apply(earlier)
    firestore_spy.take_calls()
    applied = await ledger.apply(event)
    assert (applied.outcome, firestore_spy.take_calls()) == (outcome, calls)


@pytest.mark.parametrize(
    "applied_elsewhere, outcome, calls",
    [
        pytest.param(envelope_event(), "duplicate", [COMMIT, READ], id="the same envelope"),
        pytest.param(row_event(1), "updated", [COMMIT, READ, COMMIT], id="a row"),
    ],
)
async def test_a_creation_reads_only_after_another_process_stored_the_reservation(
    ledger: Ledger,
    restaurant_settings: IntegrationSettings,
    firestore_spy: FirestoreSpy,
    applied_elsewhere: ReservationEvent,
    outcome: str,
    calls: list[str],
) -> None:
    await new_test_ledger(firestore_spy.client, restaurant_settings).apply(applied_elsewhere)
    firestore_spy.take_calls()
    applied = await ledger.apply(envelope_event())
    assert (applied.outcome, firestore_spy.take_calls()) == (outcome, calls)


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
    await ledger.apply(UPDATE)
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
    await ledger.apply(UPDATE)
    stored = await stored_ledger.document()
    assert (stored["floorPlan"], stored["metadata"]["mood"]) == ({"x": 1}, "sunny")
