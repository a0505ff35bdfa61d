"""Each environment file fits the deployed code, and its numbers fit each other."""

import json
import re

import pytest
from msgspec.structs import fields

import main
from dev.bootstrap import ROOT
from dev.deploy.functions import deploy, variables
from dev.deploy.target import PUBLIC, QUEUE_OF, Target
from shared.config import Environment, read_environment
from tests.dev.deploy.documented_commands import make_targets_in

HOSTING_SECONDS = 60  # Firebase Hosting gives a rewrite no longer
LONGEST_ATTEMPT = 1800  # Cloud Scheduler's
EVERY_N_MINUTES = re.compile(r"\*/(\d+) \* \* \* \*")
HOURLY = re.compile(r"\d+ \* \* \* \*")


def interval(schedule: str) -> int:
    """Return the seconds between two turns."""
    if every := EVERY_N_MINUTES.fullmatch(schedule):
        return int(every[1]) * 60
    assert HOURLY.fullmatch(schedule), schedule
    return 3600


@pytest.fixture(params=make_targets_in(), ids=lambda target: target.name)
def target(request: pytest.FixtureRequest) -> Target:
    given = request.param
    assert isinstance(given, Target)
    return given


def test_the_functions_are_those_of_the_code(target: Target) -> None:
    entries = {f"--entry-point={name}" for name in main.__all__}
    told = {word for name in target.functions for word in deploy(target, name)}
    assert {word for word in told if word.startswith("--entry-point=")} == entries


def test_the_scheduler_calls_only_private_functions(target: Target) -> None:
    assert target.jobs.keys() == target.functions.keys() - set(PUBLIC)


def test_the_poll_runs_every_15_to_30_minutes_and_reconciliation_hourly(target: Target) -> None:
    assert 15 * 60 <= interval(target.jobs["opentable-poll"].schedule) <= 30 * 60
    assert interval(target.jobs["opentable-reconcile"].schedule) == 3600


def test_a_run_ends_before_it_is_cut_and_before_the_next(target: Target) -> None:
    for name, job in target.jobs.items():
        function = target.functions[name]
        budget = read_environment(variables(target, name)).run_budget_seconds
        assert budget < function.timeout < job.attempt_deadline <= interval(job.schedule)
        assert job.attempt_deadline <= LONGEST_ATTEMPT


def test_instances_that_serve_several_requests_have_a_whole_cpu(target: Target) -> None:
    for function in target.functions.values():
        assert function.concurrency > 1
        assert function.cpu >= 1
        assert 0 <= function.min_instances <= function.max_instances


def test_every_function_names_a_queue_that_is_made(target: Target) -> None:
    assert target.queues.keys() == target.jobs.keys()
    for name, queue in QUEUE_OF.items():
        settings = read_environment(variables(target, name))
        place = f"projects/{target.project}/locations/{target.region}"
        assert settings.tasks_queue == f"{place}/queues/{queue}"
        assert queue in target.queues


def test_a_queue_calls_no_more_at_once_than_its_function_serves(target: Target) -> None:
    for name, queue in target.queues.items():
        function = target.functions[name]
        assert queue.at_once <= function.concurrency * function.max_instances


def test_a_webhook_is_answered_before_it_is_cut(target: Target) -> None:
    settings = read_environment(variables(target, "opentable-webhook"))
    assert settings.webhook_deadline_seconds < target.functions["opentable-webhook"].timeout


def test_the_api_has_all_the_time_that_hosting_gives(target: Target) -> None:
    assert target.functions["api"].timeout == HOSTING_SECONDS


def test_every_variable_is_one_that_the_code_reads(target: Target) -> None:
    known = {field.encode_name for field in fields(Environment)}
    for name in target.functions:
        assert variables(target, name).keys() <= known


def test_every_variable_can_be_written_in_a_list(target: Target) -> None:
    for name in target.functions:
        assert not [told for told in variables(target, name).values() if "," in told]


def test_the_staff_page_finds_the_api(target: Target) -> None:
    [rewrite] = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    assert rewrite == {
        "source": "/api/**",
        "run": {"serviceId": "api", "region": target.region},
    }


def test_no_two_environments_share_a_project() -> None:
    projects = [target.project for target in make_targets_in()]
    assert len(projects) == len(set(projects)) > 1
