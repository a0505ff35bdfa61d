"""What is watched is what the code logs, and everything that calls for a person is watched."""

import ast
import re

import pytest
from google.cloud.logging_v2.types import LogMetric
from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.cloud.monitoring_v3 import AlertPolicy
from google.protobuf import json_format

from dev.deploy.watching import DASHBOARD
from shared.edge.telemetry import LogEvent
from tests.edge.test_documented_logs import calls, logged
from tests.monitoring.watched import (
    ALARMS,
    METRICS,
    OURS,
    PLATFORM,
    content,
    events,
    fields,
    labels,
    metrics,
    queries,
)


def errors() -> set[str]:
    """Return the names of the lines that the code logs as errors, perhaps among others."""
    return {
        LogEvent[call.args[1].attr].value
        for call in calls()
        if "Severity.ERROR" in ast.unparse(call.args[0]) and isinstance(call.args[1], ast.Attribute)
    }


def names(types: set[str]) -> set[str]:
    """Return the names of our own metrics among some."""
    return {name.removeprefix(OURS) for name in types if name.startswith(OURS)}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_one_by_the_apis_schema(name: str) -> None:
    json_format.ParseDict(METRICS[name], LogMetric.pb(LogMetric()))


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_one_by_the_apis_schema(name: str) -> None:
    json_format.ParseDict(ALARMS[name], AlertPolicy.pb(AlertPolicy()))


def test_the_dashboard_is_one_by_the_apis_schema() -> None:
    json_format.ParseDict(content(DASHBOARD), Dashboard.pb(Dashboard()))


def test_a_field_that_the_api_does_not_know_would_be_refused() -> None:
    with pytest.raises(json_format.ParseError, match="treshold"):
        json_format.ParseDict({"treshold": 1}, AlertPolicy.pb(AlertPolicy()))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_reads_lines_and_fields_that_the_code_logs(name: str) -> None:
    wanted = events(METRICS[name]["filter"])
    assert wanted
    for event in wanted:
        assert event in logged()
        # A poll, say, spreads its counts into the line: what is named in the call is enough.
        assert fields(METRICS[name]) <= logged()[event]


@pytest.mark.parametrize("name", METRICS)
def test_a_metrics_labels_are_those_that_it_extracts(name: str) -> None:
    declared = {row["key"] for row in METRICS[name]["metricDescriptor"].get("labels", [])}
    assert declared == METRICS[name].get("labelExtractors", {}).keys()


@pytest.mark.parametrize("name", METRICS)
def test_no_metric_is_kept_apart_by_person_or_reservation(name: str) -> None:
    few = {"outcome", "reason", "status", "type", "event", "restaurant"}
    assert METRICS[name].get("labelExtractors", {}).keys() <= few


def test_alarms_and_dashboard_read_every_metric_and_no_other() -> None:
    read = set[str]().union(*(metrics(query) for query in queries()))
    assert names(read) == METRICS.keys()
    assert read - PLATFORM == {f"{OURS}{name}" for name in METRICS}


def test_alarms_and_dashboard_read_labels_that_their_metrics_have() -> None:
    for query in queries():
        [*ours] = names(metrics(query))
        if len(metrics(query)) == len(ours) == 1:
            assert labels(query) <= METRICS[ours[0]].get("labelExtractors", {}).keys()


def test_every_line_that_calls_for_a_person_is_behind_an_alarm() -> None:
    read = set[str]().union(*(names(metrics(alarm)) for alarm in ALARMS.values()))
    watched = set[str]().union(*(events(METRICS[name]["filter"]) for name in read))
    assert errors() <= watched, "add the line to a metric of monitoring/ that an alarm reads"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_its_name_and_where_its_page_is(name: str) -> None:
    assert ALARMS[name]["userLabels"] == {"alarm": name}
    assert ALARMS[name]["documentation"]["content"].endswith(f"docs/runbook.md#{name}")
    assert re.fullmatch(r"OpenTable: [a-z0-9 ]+", ALARMS[name]["displayName"], re.IGNORECASE)


def test_no_two_alarms_are_named_alike() -> None:
    # The deployment knows an alarm that stands already by its name.
    shown = [alarm["displayName"] for alarm in ALARMS.values()]
    assert len(shown) == len(set(shown))
