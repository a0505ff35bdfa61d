"""Every alert fires for its fault and stays quiet without one, on lines of real processes."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient

from dev.local.emulator import Emulator
from tests.monitoring.monitoring_files import ALERTS, BURN_RATES, METRICS, SLOS
from tests.monitoring.scenarios import SERVICES, Project, run_hour_of_faults, run_quiet_hour
from tests.support.firestore import FirestoreUsageMeter, make_client
from tests.support.monitoring import (
    Observation,
    Point,
    compile_log_filter,
    fires,
    measure_burn_rate,
    measure_service_level,
    parse_log_entry,
)
from tests.support.opentable import serve_local_opentable
from tests.support.world import World, make_world

pytestmark = pytest.mark.slow

# These read metrics that only Google's services write.
PLATFORM_ALERTS = {"api-unreachable", "cost", "instances-exhausted", "queue-backlog", "slow"}


async def observe(
    name: str, emulator: Emulator, api: FirestoreAsyncClient, folder: Path
) -> Observation:
    with serve_local_opentable() as opentable:
        client = make_client(f"monitoring-{name}", api)
        project = Project(client, opentable, emulator.host, folder / "secrets.json")
        await (run_quiet_hour if name == "quiet" else run_hour_of_faults)(project)
        return project.observation


@pytest.fixture(scope="module")
async def quiet_hour(
    emulator: Emulator,
    firestore_api: FirestoreAsyncClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Observation:
    return await observe("quiet", emulator, firestore_api, tmp_path_factory.mktemp("quiet"))


@pytest.fixture(scope="module")
async def hour_of_faults(
    emulator: Emulator,
    firestore_api: FirestoreAsyncClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Observation:
    return await observe("faults", emulator, firestore_api, tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("name", sorted(ALERTS.keys() - PLATFORM_ALERTS))
async def test_no_alert_fires_in_a_quiet_hour(name: str, quiet_hour: Observation) -> None:
    assert not fires(METRICS, ALERTS[name], quiet_hour)


@pytest.mark.parametrize("name", sorted(ALERTS.keys() - PLATFORM_ALERTS - {"no-success"}))
async def test_an_alert_fires_for_its_fault(name: str, hour_of_faults: Observation) -> None:
    assert fires(METRICS, ALERTS[name], hour_of_faults)


@pytest.mark.parametrize("event", ["poll", "reconciliation"])
async def test_missing_runs_of_either_function_fire_an_alert(
    event: str, quiet_hour: Observation
) -> None:
    entries = [each for each in quiet_hour.entries if each["jsonPayload"]["event"] != event]
    assert fires(METRICS, ALERTS["no-success"], Observation(entries))


async def test_every_metric_of_log_lines_counts_a_line_of_a_process(
    quiet_hour: Observation, hour_of_faults: Observation
) -> None:
    entries = quiet_hour.entries + hour_of_faults.entries
    silent = [
        name
        for name, metric in METRICS.items()
        if not any(map(compile_log_filter(metric["filter"]), entries))
    ]
    assert silent == []


async def test_a_restaurant_without_a_fault_has_no_time_series_of_its_own(
    quiet_hour: Observation,
) -> None:
    # Cloud Logging limits a metric to 30,000 time series.
    counted = [
        name
        for name, metric in METRICS.items()
        if "restaurant" in metric.get("labelExtractors", {})
        and any(map(compile_log_filter(metric["filter"]), quiet_hour.entries))
    ]
    assert counted == []


@pytest.mark.parametrize(
    "event",
    ["internal_error", "run.failed", "settings.unusable", "rid_claim.mismatch", "backfill"],
)
async def test_the_fault_alert_counts_each_kind_of_fault(
    event: str, hour_of_faults: Observation
) -> None:
    matches = compile_log_filter(METRICS["opentable_faults"]["filter"])
    matched = {each["jsonPayload"]["event"] for each in filter(matches, hour_of_faults.entries)}
    assert event in matched


@pytest.mark.parametrize("name", SLOS)
async def test_a_service_level_is_met_in_a_quiet_hour_and_missed_in_one_of_faults(
    name: str, quiet_hour: Observation, hour_of_faults: Observation
) -> None:
    goal = SLOS[name]["goal"]
    assert measure_service_level(METRICS, SLOS[name], quiet_hour) == 1
    if name != "webhook-latency":  # slow webhooks fail, so they count for the availability
        measured = measure_service_level(METRICS, SLOS[name], hour_of_faults)
        assert measured is not None
        assert measured < goal


@pytest.mark.parametrize("burn_rate", BURN_RATES, ids=[each["name"] for each in BURN_RATES])
@pytest.mark.parametrize("name", SLOS)
async def test_a_burn_rate_alert_fires_in_an_hour_of_faults_and_not_in_a_quiet_one(
    name: str, burn_rate: dict[str, Any], quiet_hour: Observation, hour_of_faults: Observation
) -> None:
    observation = hour_of_faults
    if name == "webhook-latency":  # the faults answer fast or fail
        observation = Observation()
        observation.record_request("opentable-webhook", 200, 4_001)
    assert measure_burn_rate(METRICS, SLOS[name], observation) > burn_rate["threshold"]
    assert measure_burn_rate(METRICS, SLOS[name], quiet_hour) == 0


@pytest.mark.parametrize("age,level", [(1_800, 1), (1_801, 0)])
async def test_old_cursors_miss_the_freshness_of_the_ledger(age: int, level: int) -> None:
    line = json.dumps({"severity": "ERROR", "event": "poll", "cursorAgeSeconds": age})
    entry = parse_log_entry(line, "opentable-poll")
    assert entry is not None
    measured = measure_service_level(METRICS, SLOS["ledger-freshness"], Observation([entry]))
    assert measured == level


@pytest.mark.parametrize(
    "service,status,level",
    [
        *(("opentable-webhook", status, 0) for status in (429, 500, 502, 503, 504)),
        ("opentable-webhook", 202, 1),
        ("opentable-webhook", 401, None),
        ("api", 503, None),
    ],
)
def test_only_responses_that_are_our_fault_miss_the_availability_of_the_webhook(
    service: str, status: int, level: float | None
) -> None:
    observation = Observation()
    observation.record_request(service, status, 10)
    assert measure_service_level(METRICS, SLOS["webhook-availability"], observation) == level


@pytest.mark.parametrize(
    "status,milliseconds,level", [(200, 4_000, 1), (200, 4_001, 0), (401, 4_001, None)]
)
def test_an_accepted_webhook_after_four_seconds_misses_the_latency(
    status: int, milliseconds: int, level: float | None
) -> None:
    observation = Observation()
    observation.record_request("opentable-webhook", status, milliseconds)
    assert measure_service_level(METRICS, SLOS["webhook-latency"], observation) == level


@pytest.mark.parametrize(
    "service,status,is_firing",
    [
        *((service, 429, True) for service in SERVICES),
        ("api", 429, False),  # it limits the calls of a user
        ("opentable-webhook", 401, False),
        ("opentable-webhook", 503, False),
    ],
)
def test_only_responses_429_exhaust_the_instances(
    service: str, status: int, is_firing: bool
) -> None:
    observation = Observation()
    observation.record_request(service, status, 10)
    assert fires(METRICS, ALERTS["instances-exhausted"], observation) is is_firing


@pytest.mark.parametrize(
    "failures,is_firing",
    [
        ({"opentable-poll": 2, "opentable-reconcile": 2}, False),
        ({"opentable-poll": 3}, True),
        ({"opentable-reconcile": 3}, True),
        ({"menu-import": 3}, False),
    ],
)
def test_three_failed_attempts_of_one_job_are_scheduler_errors(
    failures: dict[str, int], is_firing: bool
) -> None:
    observation = Observation()
    for job, count in failures.items():
        for _ in range(count):
            observation.record_scheduled_attempt(job, 503)
    assert fires(METRICS, ALERTS["scheduler-errors"], observation) is is_firing


def observe_uptime(check: str, regions: dict[str, bool]) -> Observation:
    """Return the last result of an uptime check in each region, 1 for an answer."""
    observation = Observation()
    observation.points_by_metric["monitoring.googleapis.com/uptime_check/check_passed"] = [
        Point(
            {
                "resource.label.host": "api-a1b2c3.a.run.app",
                "metric.label.check_id": check,
                "metric.label.checker_location": region,
            },
            is_reached,
        )
        for region, is_reached in regions.items()
    ]
    return observation


@pytest.mark.parametrize(
    "check,regions,is_firing",
    [
        pytest.param("UPTIME_CHECK_ID", {"usa": True, "eur": True}, False, id="reached"),
        pytest.param("UPTIME_CHECK_ID", {"usa": True, "eur": False}, False, id="one region"),
        pytest.param("UPTIME_CHECK_ID", {"usa": False, "eur": False}, True, id="two regions"),
        pytest.param("menu", {"usa": False, "eur": False}, False, id="check of other software"),
    ],
)
def test_the_api_is_unreachable_if_its_uptime_check_fails_in_two_regions(
    check: str, regions: dict[str, bool], is_firing: bool
) -> None:
    observation = observe_uptime(check, regions)
    assert fires(METRICS, ALERTS["api-unreachable"], observation) is is_firing


@pytest.mark.parametrize("queue", ["opentable-poll", "opentable-reconcile"])
@pytest.mark.parametrize("depths,is_firing", [([5, 0, 7], False), ([5, 1, 7], True)])
def test_a_queue_that_was_empty_once_has_no_backlog(
    queue: str, depths: list[int], is_firing: bool
) -> None:
    observation = Observation()
    points = [Point({"resource.label.queue_id": queue}, depth) for depth in depths]
    observation.points_by_metric["cloudtasks.googleapis.com/queue/depth"] = points
    assert fires(METRICS, ALERTS["queue-backlog"], observation) is is_firing


@pytest.mark.parametrize("service", ["opentable-webhook", "api"])
@pytest.mark.parametrize(
    "slow_requests,milliseconds,is_firing", [(1, 5_001, False), (2, 5_001, True), (2, 5_000, False)]
)
def test_a_function_is_slow_if_more_than_one_response_in_a_hundred_is(
    service: str, slow_requests: int, milliseconds: int, is_firing: bool
) -> None:
    observation = Observation()
    for number in range(100):
        observation.record_request(service, 200, milliseconds if number < slow_requests else 20)
    assert fires(METRICS, ALERTS["slow"], observation) is is_firing


def test_fast_responses_of_one_function_do_not_hide_slow_ones_of_another() -> None:
    observation = Observation()
    observation.record_request("api", 200, 5_001)
    for _ in range(100):
        observation.record_request("opentable-webhook", 200, 20)
    assert fires(METRICS, ALERTS["slow"], observation)


@pytest.fixture
async def metered(
    firestore_api: FirestoreAsyncClient, project: str
) -> AsyncIterator[tuple[World, FirestoreUsageMeter]]:
    meter = FirestoreUsageMeter(make_client(project, firestore_api))
    world = await make_world(meter.client)
    meter.take_counts()
    yield world, meter
    world.executor.shutdown()


def observe_writes(text: str, writes: int) -> Observation:
    entries = [parse_log_entry(line, "opentable-poll") for line in text.splitlines()]
    observation = Observation([entry for entry in entries if entry is not None])
    points = [Point({}, writes)]
    observation.points_by_metric["firestore.googleapis.com/document/write_count"] = points
    return observation


async def test_the_cost_of_a_quiet_night_is_no_alert(
    metered: tuple[World, FirestoreUsageMeter], capsys: pytest.CaptureFixture[str]
) -> None:
    world, meter = metered
    for _ in range(6):  # hours without a webhook
        for _ in range(4):
            world.clock.advance(900)
            await world.poll()
        await world.reconcile()
    observation = observe_writes(capsys.readouterr().out, meter.take_counts()[1])
    assert not fires(METRICS, ALERTS["cost"], observation)


async def test_polls_that_write_what_webhooks_should_have_written_cost_an_alert(
    metered: tuple[World, FirestoreUsageMeter], capsys: pytest.CaptureFixture[str]
) -> None:
    world, meter = metered
    for _ in range(20):
        world.actions.create(world.clock(), 2)
    await world.poll()
    observation = observe_writes(capsys.readouterr().out, meter.take_counts()[1])
    assert fires(METRICS, ALERTS["cost"], observation)
