"""Search all days by guest: order, pages, bounds, and nothing personal in an address or a log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.search import build_search_terms
from shared.firestore import paths
from shared.ledger import queries
from tests.support.reservations import apply_envelope, write_native_reservation
from tests.support.staff_api import StaffApiClient
from tests.support.world import World

TODAY = datetime(2026, 3, 14, 22, 30, tzinfo=UTC)


async def store_reservation(
    world: World, id_: str, day: int | None, name: str, phone: str = ""
) -> None:
    """Book some days from today, or without a day."""
    start = None if day is None else (TODAY + timedelta(days=day)).isoformat()
    await apply_envelope(
        world,
        reservationId=id_,
        reservationDateTime=start,
        dinerName=name,
        dinerPhone=phone or None,
    )


async def search_by_text(client: StaffApiClient, text: str, **more: Any) -> list[str]:
    response = await client.post("reservations/search", {"text": text, **more})
    assert response.status_code == 200, response.text
    return [item["id"].removeprefix("opentable-") for item in response.json()["reservations"]]


async def test_upcoming_days_come_first_then_past_days_then_none(
    host: StaffApiClient, world: World
) -> None:
    for id_, day in (("next", 1), ("far", 90), ("today", 0), ("old", -60), ("undated", None)):
        await store_reservation(world, id_, day, "José García")
    await store_reservation(world, "yesterday", -1, "José García")
    await store_reservation(world, "other", 1, "Kim Lee")
    expected = ["today", "next", "far", "yesterday", "old", "undated"]
    assert await search_by_text(host, "jose") == expected


async def test_a_result_has_its_date_and_time(host: StaffApiClient, world: World) -> None:
    await store_reservation(world, "next", 7, "José García")
    response = await host.post("reservations/search", {"text": "garcia"})
    [found] = response.json()["reservations"]
    assert (found["localDate"], found["localTime"]) == ("2026-03-21", "18:30")
    assert found["dinerName"] == "José García"


@pytest.mark.parametrize("text", ["+1 (555) 123-4567", "5551234567", "4567"])
async def test_a_phone_number_is_found_in_any_form(
    text: str, host: StaffApiClient, world: World
) -> None:
    await store_reservation(world, "one", 7, "José García", "+15551234567")
    await store_reservation(world, "two", 7, "Kim Lee", "+15551239999")
    assert await search_by_text(host, text) == ["one"]


async def test_pages_of_a_search_have_no_gap_or_overlap(host: StaffApiClient, world: World) -> None:
    for number in range(7):
        await store_reservation(world, f"r{number}", number // 2 - 2, "Kim Lee")
    await store_reservation(world, "undated", None, "Kim Lee")
    everyone = await search_by_text(host, "kim")
    found: list[str] = []
    body: dict[str, Any] = {"text": "kim", "limit": 2}
    while True:
        page = (await host.post("reservations/search", body)).json()
        found += [item["id"].removeprefix("opentable-") for item in page["reservations"]]
        if page["next"] is None:
            break
        body["cursor"] = page["next"]
    assert (found, len(found)) == (everyone, 8)


async def test_a_search_reads_a_bounded_number_and_continues(
    host: StaffApiClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_READ_SIZE", 2)
    monkeypatch.setattr(queries, "MAX_SCANNED_RESERVATIONS", 4)
    for number in range(5):
        await store_reservation(world, f"r{number}", number, "Kimberly Lee")
    await store_reservation(world, "match", 9, "Kimberley Lee")
    body = {"text": "kimberley"}
    first = (await host.post("reservations/search", body)).json()
    second = (await host.post("reservations/search", body | {"cursor": first["next"]})).json()
    assert first["reservations"] == []
    assert [item["id"] for item in second["reservations"]] == ["opentable-match"]


async def test_a_native_reservation_with_search_terms_is_found(
    host: StaffApiClient, world: World
) -> None:
    terms = build_search_terms("Grace Hopper", "+15550100")
    await write_native_reservation(world, searchTerms=terms)
    assert await search_by_text(host, "hopper") == ["own-1"]


async def test_the_placeholder_of_an_unknown_guest_is_not_found(
    host: StaffApiClient, world: World
) -> None:
    world.actions.create(world.clock() + timedelta(days=1), 2)
    await world.poll()
    assert await search_by_text(host, "guest") == []


async def test_a_damaged_document_hides_no_result(host: StaffApiClient, world: World) -> None:
    await store_reservation(world, "one", 1, "Kim Lee")
    await write_native_reservation(world, dinerName=7, phone=8, searchTerms=["kim"])
    assert await search_by_text(host, "kim") == ["one"]


async def test_nothing_personal_is_in_the_log(
    host: StaffApiClient, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await store_reservation(world, "one", 1, "José García", "+15551234567")
    capsys.readouterr()
    await search_by_text(host, "garcia")
    await search_by_text(host, "5551234567")
    printed = capsys.readouterr()
    assert "garcia" not in printed.out + printed.err
    assert "555" not in printed.out + printed.err


async def test_a_document_without_search_terms_gets_them_from_a_reconciliation(
    host: StaffApiClient, world: World
) -> None:
    reservation = world.actions.create(world.clock() + timedelta(days=1), 2)
    await world.poll()
    key = reservation.key.lower()
    await world.ingest_envelope(
        "updated", reservationId=key, restaurantId=world.restaurant.id, dinerName="José García"
    )
    document = paths.reservation_document(world.context.firestore, world.restaurant.id, key)
    await document.update({"searchTerms": ["wrong"]})
    report = await world.reconcile()
    assert await search_by_text(host, "jose") == [key]
    assert (report["unchangedCount"], report["updated"], report["missedWebhooks"]) == (1, [], 0)
    before = await world.ledger_documents()
    await world.reconcile()
    assert await world.ledger_documents() == before
