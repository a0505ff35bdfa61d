"""The settings of the services fit the code, each other, and the plan of each environment."""

import json
import re
from typing import Any

import pytest
from msgspec.structs import fields

import main
from dev.bootstrap import ROOT
from shared.config import Environment, read_environment
from tests.infra.planned_resources import ENVIRONMENTS, Resources, plan_resources

HOSTING_SECONDS = 60  # Firebase Hosting gives a rewrite no longer
LONGEST_ATTEMPT = 1800  # Cloud Scheduler's
SERVICES = sorted(path.stem for path in (ROOT / "deploy").glob("*.yaml"))
EVERY_N_MINUTES = re.compile(r"\*/(\d+) \* \* \* \*")
HOURLY = re.compile(r"\d+ \* \* \* \*")
_LINE = re.compile(r"^( *)(--)?([\w-]+): *(.*)$", re.MULTILINE)


def read_service_settings(service: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return flags and environment variables of a service."""
    flags: dict[str, str] = {}
    variables: dict[str, str] = {}
    for indent, _, name, value in _LINE.findall((ROOT / f"deploy/{service}.yaml").read_text()):
        (variables if indent else flags)[name] = value.strip('"')
    return flags, variables


def read_service_environment(service: str) -> Environment:
    """Return the settings of a service as its process reads them."""
    _, variables = read_service_settings(service)
    url = re.compile("(POLL|RECONCILE|WEBHOOK_SERVICE)_URL")
    return read_environment(
        {name: url.sub("https://service.a.run.app", value) for name, value in variables.items()}
    )


def interval(schedule: str) -> int:
    """Return the seconds between two turns."""
    if every := EVERY_N_MINUTES.fullmatch(schedule):
        return int(every[1]) * 60
    assert HOURLY.fullmatch(schedule), schedule
    return 3600


@pytest.fixture(params=ENVIRONMENTS)
def planned(request: pytest.FixtureRequest) -> Resources:
    return plan_resources(request.param)


def jobs(planned: Resources) -> dict[str, dict[str, Any]]:
    return {job["name"]: job for job in planned["google_cloud_scheduler_job"].values()}


def queues(planned: Resources) -> dict[str, dict[str, Any]]:
    return {queue["name"]: queue for queue in planned["google_cloud_tasks_queue"].values()}


def scaling(planned: Resources, service: str) -> dict[str, int]:
    [block] = planned["google_cloud_run_v2_service"][f"service[{service}]"]["scaling"]
    return dict(block)


def test_the_services_are_those_of_the_code_and_of_the_plan(planned: Resources) -> None:
    targets = {read_service_settings(service)[1]["FUNCTION_TARGET"] for service in SERVICES}
    assert targets == set(main.__all__)
    assert set(SERVICES) == {
        service["name"] for service in planned["google_cloud_run_v2_service"].values()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_revision_runs_as_the_planned_account_of_its_service(
    planned: Resources, service: str
) -> None:
    resource = planned["google_cloud_run_v2_service"][f"service[{service}]"]
    [template] = resource["template"]
    project = resource["project"]
    written = read_service_settings(service)[0]["service-account"].replace("PROJECT_ID", project)
    assert written == template["service_account"]


def test_a_release_and_the_plan_agree_on_region_canary_and_partner_secret(
    planned: Resources,
) -> None:
    build = (ROOT / "cloudbuild.yaml").read_text()
    region, canary = re.findall(r"^  _(?:REGION|CANARY): ([\w-]+)", build, re.MULTILINE)
    services = planned["google_cloud_run_v2_service"].values()
    assert {row["location"] for row in services} == {region}
    variables = [read_service_settings(service)[1] for service in SERVICES]
    partner = {row["OPENTABLE_PARTNER_SECRET"] for row in variables}
    secrets = planned["google_secret_manager_secret"].values()
    assert {row["secret_id"] for row in secrets} == {*partner, f"opentable-{canary}"}


def test_the_poll_runs_every_15_to_30_minutes_and_reconciliation_hourly(planned: Resources) -> None:
    assert 15 * 60 <= interval(jobs(planned)["opentable-poll"]["schedule"]) <= 30 * 60
    assert interval(jobs(planned)["opentable-reconcile"]["schedule"]) == 3600


def test_a_run_ends_before_it_is_cut_and_before_the_next(planned: Resources) -> None:
    for name, job in jobs(planned).items():
        flags, _ = read_service_settings(name)
        budget = read_service_environment(name).run_budget_seconds
        attempt = int(job["attempt_deadline"].removesuffix("s"))
        assert budget < int(flags["timeout"]) < attempt <= interval(job["schedule"])
        assert attempt <= LONGEST_ATTEMPT


@pytest.mark.parametrize("service", SERVICES)
def test_instances_that_serve_several_requests_have_a_whole_cpu(
    planned: Resources, service: str
) -> None:
    flags, _ = read_service_settings(service)
    assert int(flags["concurrency"]) > 1
    assert float(flags["cpu"]) >= 1
    instances = scaling(planned, service)
    assert 0 <= instances["min_instance_count"] <= instances["max_instance_count"]


def test_every_service_names_a_queue_of_the_plan(planned: Resources) -> None:
    assert queues(planned).keys() == jobs(planned).keys()
    named = {"opentable-poll": "POLL_URL", "opentable-reconcile": "RECONCILE_URL"}
    for service in ("opentable-poll", "opentable-reconcile", "api"):
        _, variables = read_service_settings(service)
        queue = variables["TASKS_QUEUE"].rpartition("/")[2]
        assert queue in queues(planned)
        assert variables["TASKS_TARGET_URL"] == named[queue]


def test_a_queue_calls_no_more_at_once_than_its_service_serves(planned: Resources) -> None:
    for name, queue in queues(planned).items():
        [limits] = queue["rate_limits"]
        concurrency = int(read_service_settings(name)[0]["concurrency"])
        instances = scaling(planned, name)["max_instance_count"]
        assert limits["max_concurrent_dispatches"] <= concurrency * instances


def test_the_queues_call_opentable_at_most_ten_times_a_second(planned: Resources) -> None:
    calls_per_restaurant = {"opentable-poll": 2, "opentable-reconcile": 1}
    calls_per_second = 0.0
    for name, queue in queues(planned).items():
        [limits] = queue["rate_limits"]
        restaurants = read_service_environment(name).restaurants_per_task
        calls = restaurants * calls_per_restaurant[name]
        calls_per_second += calls * limits["max_dispatches_per_second"]
    assert calls_per_second <= 10  # docs/scale.md


def test_a_failed_run_is_repeated_by_the_scheduler_and_by_the_queue(planned: Resources) -> None:
    for job in jobs(planned).values():
        [retries] = job["retry_config"]
        assert retries["retry_count"] >= 1
    for queue in queues(planned).values():
        [retries] = queue["retry_config"]
        assert retries["max_attempts"] >= 2


def test_the_api_shows_managers_the_address_of_the_webhook_service() -> None:
    assert read_service_environment("api").webhook_url == "https://service.a.run.app"
    build = (ROOT / "cloudbuild.yaml").read_text()
    command = "python3 -m dev.release.deployed service url build/before-opentable-webhook"
    assert f"webhook_url=$({command}" in build
    assert "s|WEBHOOK_SERVICE_URL|$webhook_url|" in build


def test_a_webhook_is_answered_before_it_is_cut() -> None:
    deadline = read_service_environment("opentable-webhook").webhook_deadline_seconds
    assert deadline < int(read_service_settings("opentable-webhook")[0]["timeout"])


def test_the_api_has_all_the_time_that_hosting_gives() -> None:
    assert int(read_service_settings("api")[0]["timeout"]) == HOSTING_SECONDS


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_is_one_that_the_code_reads(service: str) -> None:
    known = {field.encode_name for field in fields(Environment)} | {"FUNCTION_TARGET"}
    assert read_service_settings(service)[1].keys() <= known


def test_the_staff_page_finds_the_api(planned: Resources) -> None:
    [rewrite] = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    region = planned["google_cloud_run_v2_service"]["service[api]"]["location"]
    assert rewrite == {"source": "/api/**", "run": {"serviceId": "api", "region": region}}


def test_no_two_environments_share_a_project() -> None:
    members = [plan_resources(name)["google_project_iam_member"] for name in ENVIRONMENTS]
    projects = {member["create_secrets[opentable-api]"]["project"] for member in members}
    assert len(projects) == len(ENVIRONMENTS) > 1
