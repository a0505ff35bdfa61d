"""Webhook, poll and reconciliation may spell one event differently; it stays one event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.models import SandboxGuest
from shared.domain.validation import flatten_document
from shared.firestore import paths
from shared.ingest.events import QuarantineResult
from shared.ledger.ledger import ApplyResult
from tests.support.events import row_body
from tests.support.in_memory_ledger import WRITE_TIME_FIELDS
from tests.support.world import START_TIME, World, rewrite_rows

SPELLINGS: dict[str, tuple[object, object]] = {
    "state": ("PartiallySeated", "partially seated"),
    "guest_request": ("Crème\nnuts", "Cre\u0300me\r\nnuts "),
    "visit_tags": (["birthday", "vip"], ["vip", "birthday", "vip"]),
    "table_number": (["12", "13"], [12, "13"]),
    "confirmation_id": (7731, "7731"),
    "party_size": (4, 4.0),
    "seated_time_utc": ("2026-03-15T16:00:09Z", "2026-03-15T16:00:09.512Z"),
    "arrived_time_utc": ("2026-03-15T15:58:00Z", "2026-03-15T11:58:00-04:00"),
}
GUEST_KEY = "2B7E9F40-6C1D-4F0A-8E55-91C7D0A4BE13"
ONE = {name: spellings[0] for name, spellings in SPELLINGS.items()}
OTHER = {name: spellings[1] for name, spellings in SPELLINGS.items()}

SHOWN = {
    "source.state": "PartiallySeated",
    "source.confirmationId": 7731,
    "partySize": 4,
    "seatedAt": datetime(2026, 3, 15, 16, 0, 9, tzinfo=UTC),
    "arrivedAt": datetime(2026, 3, 15, 15, 58, tzinfo=UTC),
    "metadata.specialRequests": "Crème\nnuts",
    "metadata.visitTags": ["birthday", "vip"],
    "metadata.tableNumbers": ["12", "13"],
}


def respell(row: dict[str, Any], spelled: dict[str, Any]) -> dict[str, Any]:
    """Return a row's fields in `spelled`, which has ids in upper case if it is `OTHER`."""
    if spelled is ONE:
        return spelled
    rid, _, key = row["id"].partition("-")
    updated = row["updated_at_utc"].removesuffix("Z") + ".512Z"
    return spelled | {"id": f"{rid}-{key.upper()}", "updated_at_utc": updated}


def respell_responses(
    world: World, spelled: dict[str, Any], patch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """Have OpenTable respond in a spelling; return the list that gets its rows as they were."""
    rows: list[dict[str, Any]] = []

    def record_and_respell(row: dict[str, Any]) -> dict[str, Any]:
        rows.append(dict(row))
        return respell(row, spelled)

    rewrite_rows(world, record_and_respell, patch)
    return rows


def add_guest(world: World, created: datetime) -> None:
    world.sandbox.store.add_guest(
        SandboxGuest(
            rid=int(world.restaurant.rid),
            key=GUEST_KEY,
            created=created,
            updated=created,
            first_name="Ada",
        )
    )


async def read_comparable_document(world: World) -> dict[str, Any]:
    (document,) = (await world.ledger_documents()).values()
    flat = flatten_document(document)
    return {path: value for path, value in flat.items() if path not in WRITE_TIME_FIELDS}


@pytest.mark.parametrize("polled, sent", [(ONE, OTHER), (OTHER, ONE)])
async def test_a_webhook_in_another_spelling_than_the_polled_row_is_a_duplicate(
    polled: dict[str, Any], sent: dict[str, Any], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.actions.create(START_TIME + timedelta(days=1), 2)
    rows = respell_responses(world, polled, monkeypatch)
    assert (await world.poll())["created"] == 1
    before = await read_comparable_document(world)
    result = await world.ingest_row(rows[0] | respell(rows[0], sent))
    assert isinstance(result, ApplyResult)
    assert result.outcome == "duplicate"
    report = await world.reconcile()
    assert (report["unchangedCount"], report["divergences"], report["updated"]) == (1, [], [])
    assert await read_comparable_document(world) == before
    assert {path: before[path] for path in SHOWN} == SHOWN
    assert before["source.openTableId"] == rows[0]["id"].lower()


@pytest.mark.parametrize("is_local_first", [True, False])
async def test_a_booking_time_without_its_utc_time_contradicts_no_reading_of_it(
    world: World, *, is_local_first: bool
) -> None:
    row = row_body(1, rid=int(world.restaurant.rid), id="ot_1", created_date="2026-11-01T01:30:00")
    complete = row | {"created_date_utc": "2026-11-01T06:30:00Z"}
    rows = [row, complete] if is_local_first else [complete, row]
    outcomes = []
    for sent in rows:
        result = await world.ingest_row(sent)
        assert isinstance(result, ApplyResult)
        outcomes.append(result.outcome)
    assert outcomes == ["created", "unchanged" if is_local_first else "duplicate"]
    assert (await read_comparable_document(world))["bookedAt"] == datetime(
        2026, 11, 1, 6, 30, tzinfo=UTC
    )


async def test_a_true_contradiction_is_still_quarantined(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.actions.create(START_TIME + timedelta(days=1), 2)
    rows = respell_responses(world, OTHER, monkeypatch)
    await world.poll()
    result = await world.ingest_row(rows[0] | ONE | {"guest_request": "No nuts"})
    assert isinstance(result, QuarantineResult)
    assert result.reason == "conflicting_version"


async def test_many_documents_of_an_earlier_spelling_are_neither_repaired_nor_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        world.actions.create(START_TIME + timedelta(days=1, minutes=number), 2)
    respell_responses(world, ONE, monkeypatch)
    await world.poll()
    for key in await world.ledger_documents():
        reference = paths.reservation_document(world.context.firestore, world.restaurant.id, key)
        spelled = {"state": "Partially Seated", "specialRequests": "Cre\u0300me\r\nnuts"}
        await reference.update(
            {
                "source.state": spelled["state"],
                "metadata.specialRequests": spelled["specialRequests"],
                **{f"sync.opentable.values.{name}": text for name, text in spelled.items()},
            }
        )
    before = await world.ledger_documents()
    report = await world.reconcile()
    assert (report["status"], report["unchangedCount"], report["updated"]) == ("COMPLETED", 30, [])
    assert await world.ledger_documents() == before


async def test_a_guest_is_fetched_if_opentable_only_knows_the_id_in_upper_case(
    world: World,
) -> None:
    add_guest(world, START_TIME - timedelta(days=10))
    await world.poll()
    world.clock.advance(3600)
    world.actions.create(START_TIME + timedelta(days=1), 2, guest_key=GUEST_KEY)
    await world.poll()
    document = await read_comparable_document(world)
    assert document["source.guestId"] == f"{world.restaurant.rid}-{GUEST_KEY.lower()}"
    assert document["dinerName"] == "Ada"


async def test_the_first_poll_fetches_the_guest_of_a_webhook_by_the_spelling_of_its_id(
    world: World,
) -> None:
    add_guest(world, world.clock())
    rid = int(world.restaurant.rid)
    await world.ingest_row(row_body(1, rid=rid, id="ot_1", guest_id=f"{rid}-{GUEST_KEY}"))
    await world.poll()
    assert (await read_comparable_document(world))["dinerName"] == "Ada"


async def test_long_texts_of_a_relay_leave_space_for_the_row_of_opentable(world: World) -> None:
    names = ("dinerName", "dinerEmail", "dinerPhone", "status", "restaurantName")
    for name in (*names, "specialRequests", "cancellationReason"):
        world.clock.advance(1)
        result = await world.ingest_envelope(
            "updated", reservationId="ot_1", **{name: "\u00e9" * 40_000}
        )
        assert isinstance(result, ApplyResult)
    world.clock.advance(1)
    rid = world.restaurant.rid
    row = {
        "id": f"{rid}-ot_1",
        "rid": int(rid),
        "sequence_id": 1,
        "updated_at_utc": "2026-03-14T15:00:00Z",
        "guest_request": "x" * 200_000,
    }
    result = await world.ingest_row(row)
    assert isinstance(result, ApplyResult)
    document = await read_comparable_document(world)
    assert document["metadata.specialRequests"].startswith("x" * 8_000)
    assert len(document["metadata.specialRequests"].encode()) == 8192
    assert document["metadata.cutTexts"] == [
        *("state", "dinerName", "email", "phone", "specialRequests"),
        *("cancellationReason", "restaurantName"),
    ]
