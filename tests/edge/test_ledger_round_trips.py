"""What each outcome costs on the wire, and that a commit is whole."""

import pytest

from shared.core.decision import EventOutcome
from shared.core.settings import IntegrationSettings
from shared.edge.ledger import Ledger
from shared.edge.paths import reservation_document
from shared.errors import InvalidEventError
from tests.ledgers import new_ledger
from tests.page import Page
from tests.statements import relayed, shown
from tests.wire import Wire


@pytest.fixture
def another(wire: Wire, settings: IntegrationSettings) -> Ledger:
    """The same ledger in another process, which has met nothing."""
    return new_ledger(wire.client, settings)


async def test_a_created_envelope_is_one_round_trip(ledger: Ledger, wire: Wire) -> None:
    applied = await ledger.apply(relayed())
    assert (applied.outcome, wire.counted()) == (EventOutcome.CREATED, ["commit"])


async def test_a_created_envelope_again_is_one_read(ledger: Ledger, wire: Wire) -> None:
    await ledger.apply(relayed())
    wire.counted()
    applied = await ledger.apply(relayed())
    assert (applied.outcome, wire.counted()) == (EventOutcome.DUPLICATE, ["read"])


async def test_a_created_envelope_that_another_process_took_is_two(
    ledger: Ledger, another: Ledger, wire: Wire
) -> None:
    await another.apply(relayed())
    wire.counted()
    applied = await ledger.apply(relayed())
    assert (applied.outcome, wire.counted()) == (EventOutcome.DUPLICATE, ["commit", "read"])


async def test_a_created_envelope_where_opentable_spoke_is_two(ledger: Ledger, wire: Wire) -> None:
    await ledger.apply(shown(1))
    wire.counted()
    applied = await ledger.apply(relayed())
    assert (applied.outcome, wire.counted()) == (EventOutcome.UPDATED, ["read", "commit"])


async def test_a_created_envelope_where_opentable_spoke_to_another_process_is_three(
    ledger: Ledger, another: Ledger, wire: Wire
) -> None:
    await another.apply(shown(1))
    wire.counted()
    applied = await ledger.apply(relayed())
    assert (applied.outcome, wire.counted()) == (EventOutcome.UPDATED, ["commit", "read", "commit"])


async def test_an_update_is_two_round_trips(ledger: Ledger, wire: Wire) -> None:
    await ledger.apply(relayed())
    wire.counted()
    applied = await ledger.apply(relayed("updated", 1, partySize=6))
    assert (applied.outcome, wire.counted()) == (EventOutcome.UPDATED, ["read", "commit"])


async def test_an_update_again_is_one_read(ledger: Ledger, wire: Wire) -> None:
    await ledger.apply(relayed("updated", 1, partySize=6))
    wire.counted()
    applied = await ledger.apply(relayed("updated", 1, partySize=6))
    assert (applied.outcome, wire.counted()) == (EventOutcome.DUPLICATE, ["read"])


async def test_a_patch_about_an_unknown_reservation_is_two(ledger: Ledger, wire: Wire) -> None:
    applied = await ledger.apply(relayed("cancelled", 1))
    assert (applied.outcome, wire.counted()) == (EventOutcome.CREATED, ["read", "commit"])


async def test_a_first_object_is_two(ledger: Ledger, wire: Wire) -> None:
    applied = await ledger.apply(shown(1))
    assert (applied.outcome, wire.counted()) == (EventOutcome.CREATED, ["read", "commit"])


async def test_a_stale_object_is_two(ledger: Ledger, wire: Wire) -> None:
    await ledger.apply(shown(2))
    wire.counted()
    applied = await ledger.apply(shown(1, party_size=9))
    assert (applied.outcome, wire.counted()) == (EventOutcome.STALE, ["read", "commit"])


async def test_an_object_below_the_held_one_is_known_by_the_journal(
    ledger: Ledger, wire: Wire
) -> None:
    await ledger.apply(shown(1))
    await ledger.apply(shown(2))
    wire.counted()
    applied = await ledger.apply(shown(1))
    assert (applied.outcome, wire.counted()) == (EventOutcome.DUPLICATE, ["read"])


async def test_an_object_that_says_nothing_new_moves_the_version_in_two(
    ledger: Ledger, wire: Wire
) -> None:
    await ledger.apply(shown(1))
    wire.counted()
    applied = await ledger.apply(shown(2))
    assert (applied.outcome, wire.counted()) == (EventOutcome.UNCHANGED, ["read", "commit"])


async def test_a_contradiction_costs_no_commit_but_the_first(ledger: Ledger, wire: Wire) -> None:
    await ledger.apply(shown(1))
    wire.counted()
    with pytest.raises(InvalidEventError, match="conflicting_version"):
        await ledger.apply(shown(1, party_size=9))
    assert wire.counted() == ["read"]


async def test_a_relay_that_contradicts_itself_is_refused(ledger: Ledger) -> None:
    await ledger.apply(relayed())
    with pytest.raises(InvalidEventError, match="conflicting_event"):
        await ledger.apply(relayed(partySize=9))


async def test_state_and_journal_bear_the_time_of_one_commit(ledger: Ledger, page: Page) -> None:
    await ledger.apply(relayed())
    document = reservation_document(page.client, page.settings.restaurant_id, "ot_1")
    entry = document.collection("ledgerEvents").document("evt-created_0")
    assert (await document.get()).update_time == (await entry.get()).update_time


async def test_the_version_lands_with_the_state(ledger: Ledger, page: Page) -> None:
    await ledger.apply(relayed())
    await ledger.apply(relayed("updated", 1, partySize=6))
    document = await page.document()
    assert document["partySize"] == 6
    assert document["sync"]["relay"]["version"]["id"] == "evt-updated_1"


async def test_a_stale_statement_is_journaled_and_leaves_the_document_alone(
    ledger: Ledger, page: Page
) -> None:
    await ledger.apply(shown(2))
    before = await page.document()
    await ledger.apply(shown(1, state="Cancelled", updated_at_utc="2026-03-09T11:00:00Z"))
    after = await page.document()
    assert after | {"statusHistory": []} == before | {"statusHistory": []} | {
        "updatedAt": after["updatedAt"]
    }
    assert (await page.journal())["seq-1"]["outcome"] == "stale"


async def test_what_others_wrote_into_a_document_survives_an_update(
    ledger: Ledger, page: Page
) -> None:
    await ledger.apply(relayed())
    document = reservation_document(page.client, page.settings.restaurant_id, "ot_1")
    await document.update({"floorPlan": {"x": 1}, "metadata.mood": "sunny"})
    await ledger.apply(relayed("updated", 1, partySize=6))
    held = await page.document()
    assert (held["floorPlan"], held["metadata"]["mood"]) == ({"x": 1}, "sunny")
