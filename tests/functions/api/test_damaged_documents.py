"""A document damaged by hand never hides the others from the staff."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD, AsyncDocumentReference, DocumentSnapshot, GeoPoint

from shared.firestore import paths
from tests.support.damage import LAST_INSTANT, ODD_VALUES
from tests.support.events import envelope_body
from tests.support.quarantine import ingest_envelope_body
from tests.support.staff_api import StaffApiClient
from tests.support.world import START_TIME, HiddenReservations, World

UNREADABLE: list[Any] = [math.nan, math.inf, b"\xff", GeoPoint(1, 2)]
DAY_PATH = "reservations?date=2026-03-16"
SOON = START_TIME.replace(day=16)


def reservation_document(world: World, key: str) -> AsyncDocumentReference:
    return paths.reservation_document(world.context.firestore, world.restaurant.id, key)


async def change_journal(world: World, key: str, fields: dict[str, Any]) -> None:
    """Change fields of all entries of a reservation's journal."""
    async for entry in paths.journal_collection(reservation_document(world, key)).stream():
        await entry.reference.update(fields)


async def quarantine_one(world: World) -> DocumentSnapshot[Any]:
    """Return the item of a new quarantined event."""
    await world.ingest_envelope("created", reservationId="r1", partySize=-1)
    [item] = [item async for item in world.quarantine_collection.stream()]
    return item


@pytest.fixture
async def booked_key(world: World) -> str:
    """Return the key of a stored reservation, beside another one."""
    world.actions.create(SOON, 4)
    booked = world.actions.create(SOON, 2)
    await world.poll()
    return booked.key.lower()


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "path",
    [
        "source",
        "source.system",
        "sync",
        "sync.guest",
        "sync.guest.marketingOptedOut",
        "startAt",
        "startAtTimestamp",
        "partySize",
        "metadata",
        "metadata.tableNumbers",
        "statusHistory",
        "createdAt",
        "updatedAt",
        "reconciliation",
    ],
)
async def test_a_day_with_a_damaged_reservation_is_listed(
    host: StaffApiClient, world: World, booked_key: str, path: str, value: Any
) -> None:
    await reservation_document(world, booked_key).update({path: value})
    response = await host.get(DAY_PATH)
    assert response.status_code == 200
    assert len(response.json()["reservations"]) == 2
    assert (await host.get(f"reservations/opentable-{booked_key}")).status_code == 200


@pytest.mark.parametrize("field", ["occurredAt", "receivedAt", "eventType", "changes", "outcome"])
async def test_a_damaged_journal_entry_does_not_hide_the_others(
    host: StaffApiClient, world: World, booked_key: str, field: str
) -> None:
    world.actions.change_party_size(world.opentable_reservations()[booked_key].key, 5)
    world.clock.advance(900)
    await world.poll()
    journal = paths.journal_collection(reservation_document(world, booked_key))
    entries = [entry async for entry in journal.stream()]
    await entries[0].reference.update({field: ["x"]})
    path = f"reservations/opentable-{booked_key}/events"
    assert len((await host.get(path)).json()["events"]) == len(entries) - 1
    assert (await host.get(f"{path}?limit=1")).status_code == 200


@pytest.mark.parametrize("value", UNREADABLE)
async def test_a_change_to_or_from_an_unreadable_value_is_shown(
    host: StaffApiClient, world: World, booked_key: str, value: Any
) -> None:
    report_id = (await world.reconcile())["reportId"]
    changes = {"partySize": {"from": value, "to": [value]}}
    entry = {"externalId": booked_key, "changes": changes}
    await world.reports_collection.document(report_id).update({"updated": [entry]})
    await change_journal(world, booked_key, {"changes": changes})
    shown = {"partySize": {"from": "(unreadable)", "to": ["(unreadable)"]}}
    events = await host.get(f"reservations/opentable-{booked_key}/events")
    assert events.json()["events"][0]["changes"] == shown
    report = await host.get(f"reports/{report_id}")
    assert report.json()["updated"][0]["changes"] == shown
    items = await host.get(f"reports/{report_id}/items?list=updated")
    assert items.json()["items"][0]["changes"] == shown


@pytest.mark.parametrize("value", ["x", {"a": 1}, datetime(9999, 1, 1, tzinfo=UTC)])
async def test_reports_and_webhooks_of_an_impossible_time_hide_no_others(
    host: StaffApiClient, world: World, value: Any
) -> None:
    await world.ingest_envelope("created", reservationId="r1", partySize=2)
    received_at = world.clock()
    reports = []
    for number in range(4):
        world.clock.advance(3_600)
        reports.append((await world.reconcile())["reportId"])
        await world.ingest_envelope("created", reservationId=f"r2{number}", partySize=2)
        await change_journal(world, f"r2{number}", {"receivedAt": value})
    for report_id in reports[1:]:
        await world.reports_collection.document(report_id).update({"reconciledAt": value})
    assert (await host.get("reports/latest")).json()["reportId"] == reports[0]
    health = (await host.get("health")).json()
    assert health["reconciliation"]["reportId"] == reports[0]
    assert health["lastWebhookAt"] == f"{received_at:%Y-%m-%dT%H:%M:%SZ}"


async def store_staff_change(world: World, **fields: Any) -> None:
    change = {"uid": "hanna", "role": "host", "changedBy": "mara", "changedAt": world.clock()}
    changes = paths.staff_changes_collection(world.context.firestore, world.restaurant.id)
    await changes.add(change | fields)


@pytest.mark.parametrize("value", [["host"], {"a": 1}, 5])
@pytest.mark.parametrize("field", ["role", "previousRole"])
async def test_the_staff_is_listed_with_a_damaged_change(
    manager: StaffApiClient, world: World, field: str, value: Any
) -> None:
    await store_staff_change(world, **{field: value})
    [shown] = (await manager.get("staff")).json()["changes"]
    assert shown["role"] == (None if field == "role" else "host")


@pytest.mark.parametrize("value", ["x", LAST_INSTANT])
async def test_a_change_of_the_staff_at_an_impossible_time_hides_no_other(
    manager: StaffApiClient, world: World, value: Any
) -> None:
    await store_staff_change(world)
    await store_staff_change(world, role="manager", changedAt=value)
    [shown] = (await manager.get("staff?changes=1")).json()["changes"]
    assert shown["role"] == "host"


@pytest.mark.parametrize("value", ["x", LAST_INSTANT])
async def test_a_quarantined_webhook_of_an_impossible_time_hides_no_other(
    manager: StaffApiClient, world: World, value: Any
) -> None:
    id_ = await ingest_envelope_body(world, envelope_body(partySize=0))
    item = (await world.quarantine_collection.document(id_).get()).to_dict() or {}
    await world.quarantine_collection.document("damaged").set(item | {"lastSeenAt": value})
    [shown] = (await manager.get("integration/webhooks?limit=1")).json()["deliveries"]
    assert shown["quarantineId"] == id_


@pytest.mark.parametrize("start", [LAST_INSTANT, "x", 5])
async def test_a_change_of_the_time_zone_is_counted_with_a_damaged_reservation(
    manager: StaffApiClient, world: World, booked_key: str, start: Any
) -> None:
    await reservation_document(world, booked_key).update({"startAtTimestamp": start})
    assert (await manager.put("integration", {"timeZone": "Asia/Tokyo"})).status_code == 409


@pytest.mark.parametrize("field", ["workedSeconds", "fetched", "nextDate", "startedAt"])
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 1.5, 1e308, -1, 2**63 - 1, LAST_INSTANT, "9999-12-31"]
)
async def test_a_damaged_backfill_is_no_server_error(
    manager: StaffApiClient, world: World, field: str, value: Any
) -> None:
    assert (await manager.post("integration/backfill")).status_code == 200
    await world.integration_document.update({f"backfill.{field}": value})
    assert (await manager.get("integration/backfill")).status_code == 200
    assert (await manager.post("integration/backfill")).status_code == 200


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "path",
    [
        "poll",
        "poll.problems",
        "poll.lastError",
        "poll.missedRuns",
        "lastPolledAt",
        "updatedAt",
        "credentialsChangedAt",
        "guestFailures",
        "backfill",
        "backfill.status",
        "reconciliation",
        "webhookAuth",
        "enabled",
    ],
)
async def test_health_settings_and_backfill_are_shown_with_damaged_settings(
    manager: StaffApiClient, world: World, path: str, value: Any
) -> None:
    await world.integration_document.update({path: value})
    for address in ("health", "integration", "integration/backfill"):
        assert (await manager.get(address)).status_code == 200, address


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize("path", ["source", "sync", "sync.lineup", "status", "statusHistory"])
async def test_the_cancellation_of_a_damaged_reservation_is_no_server_error(
    host: StaffApiClient, world: World, path: str, value: Any
) -> None:
    reservation = world.reservations_collection.document("n1")
    await reservation.set({"id": "n1", "source": {"system": "LINEUP"}, "status": "BOOKED"})
    await reservation.update({path: value})
    assert (await host.post("reservations/n1/cancel")).status_code in {200, 409}


@pytest.mark.parametrize("field", ["reason", "count", "receivedAt", "lastSeenAt"])
async def test_a_damaged_quarantine_item_does_not_hide_the_others(
    manager: StaffApiClient, world: World, field: str
) -> None:
    for number in range(2):
        await world.ingest_envelope("created", reservationId=f"r{number}", partySize=-1)
    damaged, other = [item async for item in world.quarantine_collection.stream()]
    await damaged.reference.update({field: ["x"]})
    items = (await manager.get("quarantine")).json()["items"]
    assert other.id in {item["id"] for item in items}


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "field",
    [
        "body",
        "contentType",
        "count",
        "receivedAt",
        "resolvedBy",
        "status",
        "summary",
        "unmaskLog",
        "authentication",
    ],
)
async def test_the_calls_of_a_damaged_quarantine_item_are_no_server_errors(
    manager: StaffApiClient, world: World, field: str, value: Any
) -> None:
    item = await quarantine_one(world)
    await item.reference.update({field: value})
    path = f"quarantine/{item.id}"
    assert (await manager.get(path)).status_code in {200, 404}
    assert (await manager.get(f"{path}?unmask=true")).status_code in {200, 404}
    assert (await manager.post(f"{path}/replay?dryRun=true")).status_code == 409
    dismissed = await manager.post(f"{path}/dismiss", {"reason": "damaged"})
    assert dismissed.status_code == (409 if field == "status" else 200)


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "field",
    ["refusals", "authentication", "authentication.credentialIndex", "eventType", "outcome"],
)
async def test_webhooks_and_restaurants_are_shown_with_damaged_documents(
    manager: StaffApiClient, world: World, field: str, value: Any
) -> None:
    refusals = value if isinstance(value, list) else [value]  # Firestore nests no lists
    document = paths.webhook_refusals_document(world.context.firestore, world.restaurant.id)
    await document.set({"refusals": refusals})
    await world.ingest_envelope("created", reservationId="r1", partySize=2)
    await change_journal(world, "r1", {field: value})
    assert (await manager.get("integration/webhooks")).status_code == 200
    assert (await manager.get("/api/restaurants?include=counts")).status_code == 200


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize("field", ["role", "uid", "addedBy", "addedAt"])
async def test_the_staff_is_listed_with_a_damaged_member(
    manager: StaffApiClient, world: World, field: str, value: Any
) -> None:
    member = paths.staff_member_document(world.context.firestore, world.restaurant.id, "hanna")
    await member.set({"uid": "hanna", "role": "host", field: value})
    assert (await manager.get("staff")).status_code == 200
    assert (await manager.delete("staff/hanna")).status_code in {200, 404}


@pytest.mark.parametrize("value", ["x", DELETE_FIELD])
@pytest.mark.parametrize("field", ["authentication", "receivedAt", "occurredAt"])
async def test_a_damaged_journal_entry_does_not_hide_health_and_settings(
    manager: StaffApiClient, world: World, field: str, value: object
) -> None:
    await world.ingest_envelope("created", reservationId="r1", partySize=2)
    await change_journal(world, "r1", {field: value})
    for address in ("health", "integration"):
        assert (await manager.get(address)).status_code == 200


async def test_a_time_of_receipt_at_the_end_of_the_calendar_is_no_server_error(
    manager: StaffApiClient, world: World
) -> None:
    item = await quarantine_one(world)
    await item.reference.update({"receivedAt": LAST_INSTANT})
    assert (await manager.post(f"quarantine/{item.id}/replay?dryRun=true")).status_code == 409


@pytest.mark.parametrize("value", [*ODD_VALUES, -5, {"24": 1}, {"x": 1}, {"UNKNOWN": "x"}])
@pytest.mark.parametrize("name", ["coversByHour", "partiesBySize", "bookingsByLead", "covers"])
async def test_a_damaged_day_of_analytics_is_no_server_error(
    manager: StaffApiClient, world: World, name: str, value: Any
) -> None:
    day = world.analytics_collection.document("2026-03-10")
    await day.set({"sources": {"OPENTABLE": {name: value}}})
    address = "analytics?from=2026-03-10&to=2026-03-11"
    assert (await manager.get(address)).status_code == 200
    assert (await manager.get(f"{address}&format=csv")).status_code == 200


@pytest.mark.parametrize("value", ["", "a/b", "__x__", *ODD_VALUES])
async def test_a_decision_is_stored_with_a_damaged_id_of_the_last_full_report(
    manager: StaffApiClient, world: World, booked_key: str, value: Any
) -> None:
    with HiddenReservations(world, world.opentable_reservations()[booked_key].key):
        await world.reconcile()
    await world.integration_document.update({"reconciliation.lastFullReportId": value})
    body = {"decision": "KEPT", "reason": "phoned"}
    response = await manager.post(f"reservations/opentable-{booked_key}/review", body)
    assert (response.status_code, response.json().get("outcome")) == (200, "decided")
