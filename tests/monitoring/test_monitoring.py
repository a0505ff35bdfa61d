"""Every monitored event is logged, and every event for a person is monitored."""

import ast
import re

import pytest
from google.cloud.logging_v2.types import LogMetric
from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.cloud.monitoring_v3 import AlertPolicy, ServiceLevelObjective
from google.protobuf import json_format

from dev.bootstrap import ROOT
from shared.log import LogEvent
from tests.monitoring.monitoring_files import (
    ALERTS,
    BURN_RATES,
    DASHBOARD,
    METRICS,
    PLATFORM_METRICS,
    SLOS,
    USER_METRIC_PREFIX,
    filtered_events,
    metric_fields,
    metric_queries,
    read_labels,
    read_metrics,
)
from tests.test_log import calls, logged_fields


def errors() -> set[str]:
    """Return the names of all events logged as errors."""
    return {
        LogEvent[call.args[1].attr].value
        for call in calls()
        if "Severity.ERROR" in ast.unparse(call.args[0]) and isinstance(call.args[1], ast.Attribute)
    }


def own_metric_names(types: set[str]) -> set[str]:
    """Return the names of our own metrics among some."""
    return {
        name.removeprefix(USER_METRIC_PREFIX)
        for name in types
        if name.startswith(USER_METRIC_PREFIX)
    }


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_one_by_the_apis_schema(name: str) -> None:
    json_format.ParseDict(METRICS[name], LogMetric.pb(LogMetric()))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alarm_is_one_by_the_apis_schema(name: str) -> None:
    json_format.ParseDict(ALERTS[name], AlertPolicy.pb(AlertPolicy()))


def test_the_dashboard_is_one_by_the_apis_schema() -> None:
    json_format.ParseDict(DASHBOARD, Dashboard.pb(Dashboard()))


@pytest.mark.parametrize("name", SLOS)
def test_a_service_level_is_one_by_the_apis_schema(name: str) -> None:
    json_format.ParseDict(SLOS[name], ServiceLevelObjective.pb(ServiceLevelObjective()))


def test_a_burn_rate_is_measured_in_a_long_and_a_short_window() -> None:
    for burn_rate in BURN_RATES:
        long, short = (int(window.removesuffix("s")) for window in burn_rate["windows"])
        # The short one ends the incident soon after the errors end.
        assert long == 12 * short


def test_a_field_that_the_api_does_not_know_would_be_refused() -> None:
    with pytest.raises(json_format.ParseError, match="treshold"):
        json_format.ParseDict({"treshold": 1}, AlertPolicy.pb(AlertPolicy()))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_reads_lines_and_fields_that_the_code_logs(name: str) -> None:
    events = filtered_events(METRICS[name]["filter"])
    assert events
    for event in events:
        assert event in logged_fields()
        # Some calls spread counts into the line; the named fields are sufficient.
        assert metric_fields(METRICS[name]) <= logged_fields()[event]


@pytest.mark.parametrize("name", METRICS)
def test_a_metrics_labels_are_those_that_it_extracts(name: str) -> None:
    declared = {row["key"] for row in METRICS[name]["metricDescriptor"].get("labels", [])}
    assert declared == METRICS[name].get("labelExtractors", {}).keys()


@pytest.mark.parametrize("name", METRICS)
def test_no_metric_has_a_person_or_reservation_label(name: str) -> None:
    few = {"outcome", "reason", "status", "type", "event", "restaurant"}
    assert METRICS[name].get("labelExtractors", {}).keys() <= few


@pytest.mark.parametrize("name", METRICS)
def test_only_lines_about_failures_are_counted_by_restaurant(name: str) -> None:
    # Cloud Logging limits a metric to 30,000 time series: not every restaurant may have its own.
    healthy = {"poll", "reconciliation", "quarantine", "webhook"}
    conditions = METRICS[name]["filter"].count("jsonPayload.")
    if "restaurant" in METRICS[name].get("labelExtractors", {}):
        is_every_line = conditions == 1 and filtered_events(METRICS[name]["filter"]) & healthy
        assert not is_every_line


def test_alarms_and_dashboard_read_every_metric_and_no_other() -> None:
    read = set[str]().union(*(read_metrics(query) for query in metric_queries()))
    assert own_metric_names(read) == METRICS.keys()
    assert read - PLATFORM_METRICS == {f"{USER_METRIC_PREFIX}{name}" for name in METRICS}


def test_alarms_and_dashboard_read_labels_that_their_metrics_have() -> None:
    for query in metric_queries():
        [*ours] = own_metric_names(read_metrics(query))
        if len(read_metrics(query)) == len(ours) == 1:
            assert read_labels(query) <= METRICS[ours[0]].get("labelExtractors", {}).keys()


def test_every_log_event_that_requires_action_has_an_alert() -> None:
    read = set[str]().union(*(own_metric_names(read_metrics(alarm)) for alarm in ALERTS.values()))
    watched = set[str]().union(*(filtered_events(METRICS[name]["filter"]) for name in read))
    assert errors() <= watched, "add the line to a metric of infra/metrics/ that an alarm reads"


def test_every_alert_is_documented_with_its_severity() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text().partition("## Alerts\n")[2]
    documented = dict(re.findall(r"^\| `([a-z-]+)` \| ([A-Z]+) \|", page, re.MULTILINE))
    assert documented == {name: alert["severity"] for name, alert in ALERTS.items()}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_contains_its_name_and_runbook_link(name: str) -> None:
    assert ALERTS[name]["userLabels"] == {"alarm": name}
    assert ALERTS[name]["documentation"]["content"].endswith(f"docs/runbook.md#{name}")
    assert re.fullmatch(r"OpenTable: [a-z0-9 ]+", ALERTS[name]["displayName"], re.IGNORECASE)


def test_no_two_alarms_are_named_alike() -> None:
    shown = [alarm["displayName"] for alarm in ALERTS.values()]
    assert len(shown) == len(set(shown))
