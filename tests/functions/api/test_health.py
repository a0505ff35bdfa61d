"""The restaurant's health, and the caller's role."""

from datetime import timedelta

from sandbox.fault_injection import FailureKind
from shared.firestore import paths
from tests.support.events import envelope_body
from tests.support.quarantine import ingest_envelope_body
from tests.support.reservations import apply_envelope
from tests.support.staff_api import StaffApiClient
from tests.support.world import World


async def test_a_new_restaurant_has_no_last_webhook(host: StaffApiClient) -> None:
    body = (await host.get("health")).json()
    assert body == {
        "enabled": True,
        "lastWebhookAt": None,
        "lastWebhookLagSeconds": None,
        "poll": {
            "lastPolledAt": None,
            "lastOutcome": None,
            "consecutiveFailures": 0,
            "lastError": None,
        },
        "reconciliation": None,
        "fullReconciliationAt": None,
        "missedWebhooks": 0,
        "lastMissedAt": None,
        "lastMissedLagSeconds": None,
        "webhooksSilentSince": None,
        "failingGuests": 0,
        "nextGuestAttemptAt": None,
        "lastGuestError": None,
        "openQuarantine": 0,
        "oldestOpenQuarantineAt": None,
        "problems": [],
        "lastError": None,
    }


async def test_the_last_webhook_is_returned(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world)
    world.clock.advance(60)
    await apply_envelope(world, "updated", 1, partySize=6)
    assert (await host.get("health")).json()["lastWebhookAt"] == "2026-03-14T15:01:00Z"


async def test_the_lag_of_the_last_webhook_is_returned(host: StaffApiClient, world: World) -> None:
    await apply_envelope(world)  # of the ninth of March at noon
    lag = timedelta(days=5, hours=3)
    assert (await host.get("health")).json()["lastWebhookLagSeconds"] == lag.total_seconds()


async def test_the_age_of_a_missed_change_is_returned(host: StaffApiClient, world: World) -> None:
    await world.poll()
    world.actions.create(world.clock(), 2)
    world.clock.advance(900)
    await world.poll()
    body = (await host.get("health")).json()
    assert (body["lastMissedAt"], body["lastMissedLagSeconds"]) == ("2026-03-14T15:15:00Z", 900)


async def test_a_webhook_of_another_restaurant_is_not_returned(
    operator: StaffApiClient, world: World
) -> None:
    await apply_envelope(world)
    body = (await operator.at_restaurant("elsewhere").get("health")).json()
    assert body["lastWebhookAt"] is None


async def test_a_polled_row_is_no_webhook(host: StaffApiClient, world: World) -> None:
    world.actions.create(world.clock(), 2)
    await world.poll()
    body = (await host.get("health")).json()
    assert body["lastWebhookAt"] is None
    assert body["poll"]["lastPolledAt"] == "2026-03-14T15:00:00Z"


async def test_the_newest_report_is_returned(host: StaffApiClient, world: World) -> None:
    report = await world.reconcile()
    body = (await host.get("health")).json()["reconciliation"]
    assert (body["reportId"], body["status"]) == (report["reportId"], "COMPLETED")


async def test_a_dry_run_is_not_the_newest_check(host: StaffApiClient, world: World) -> None:
    check = await world.reconcile()
    world.clock.advance(60)
    await world.reconcile(is_dry_run=True)
    body = (await host.get("health")).json()["reconciliation"]
    assert body["reportId"] == check["reportId"]


async def test_a_failing_poll_is_returned_with_a_message(
    host: StaffApiClient, world: World
) -> None:
    await world.change_settings(timeZone="Mars/Olympus")
    await world.poll()
    body = (await host.get("health")).json()
    assert body["poll"]["consecutiveFailures"] == 1
    assert "timeZone must be an IANA zone" in body["lastError"]


async def test_open_quarantine_is_counted(host: StaffApiClient, world: World) -> None:
    await ingest_envelope_body(world, envelope_body(partySize=0))
    world.clock.advance(60)
    body = (await host.get("health")).json()
    assert body["openQuarantine"] == 1
    assert body["oldestOpenQuarantineAt"] == "2026-03-14T15:00:00Z"


async def test_missed_webhooks_of_poll_and_reconciliation_add_up(
    host: StaffApiClient, world: World
) -> None:
    report_id = (await world.reconcile())["reportId"]
    await world.reports_collection.document(report_id).update({"missedWebhooks": 3})
    await world.integration_document.update({"poll.missedWebhooks": 2})
    assert (await host.get("health")).json()["missedWebhooks"] == 5


async def test_silent_webhooks_are_returned(host: StaffApiClient, world: World) -> None:
    await world.poll()
    for _ in range(3):
        world.actions.create(world.clock(), 2)
        world.clock.advance(900)
        await world.poll()
    assert (await host.get("health")).json()["webhooksSilentSince"] == "2026-03-14T15:00:00Z"


async def test_configuration_problems_that_block_webhooks_are_returned(
    host: StaffApiClient, world: World
) -> None:
    await paths.rid_claim_document(world.context.firestore, world.restaurant.rid).delete()
    await world.poll()
    [problem] = (await host.get("health")).json()["problems"]
    assert "so OpenTable's webhooks are rejected" in problem


async def test_an_unknown_zone_is_a_problem_before_any_poll(
    host: StaffApiClient, world: World
) -> None:
    await world.change_settings(timeZone="Mars/Olympus")
    [problem] = (await host.get("health")).json()["problems"]
    assert problem.startswith("timeZone must be an IANA zone")


async def test_a_host_receives_role_and_time_zone(host: StaffApiClient) -> None:
    body = (await host.get("me")).json()
    assert body == {
        "uid": "hanna",
        "role": "host",
        "restaurantName": None,
        "timeZone": "America/New_York",
        "serviceDayEndsAt": "04:00",
        "locale": "en-US",
        "hourCycle": None,
    }


async def test_a_manager_and_an_operator_receive_their_roles(
    manager: StaffApiClient, operator: StaffApiClient
) -> None:
    assert (await manager.get("me")).json()["role"] == "manager"
    assert (await operator.get("me")).json()["role"] == "operator"


async def test_an_invalid_zone_is_null(host: StaffApiClient, world: World) -> None:
    await world.change_settings(timeZone="Mars/Olympus")
    assert (await host.get("me")).json()["timeZone"] is None


async def test_a_restaurant_without_settings_has_no_zone(operator: StaffApiClient) -> None:
    assert (await operator.at_restaurant("new-one").get("me")).json()["timeZone"] is None


async def test_guests_that_cannot_be_fetched_are_counted(
    host: StaffApiClient, world: World
) -> None:
    guest = "65aa01bb02cc03dd04ee05ff"
    world.sandbox.faults.script_failure(
        FailureKind.STATUS, path=f"/sync/v2/guests/{world.restaurant.rid}-{guest}", status=403
    )
    world.actions.create(world.clock() + timedelta(days=1), 2, guest_key=guest)
    await world.poll()
    body = (await host.get("health")).json()
    assert (body["failingGuests"], body["poll"]["lastOutcome"]) == (1, "ok")
    assert body["lastGuestError"].startswith("OpenTable answered 403")
    assert body["nextGuestAttemptAt"] == "2026-03-14T15:15:00Z"
