"""Every monitored event is logged, and every event for a person is monitored."""

import ast
import re
from collections.abc import Iterator

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
    own = (name for name in types if name.startswith(USER_METRIC_PREFIX))
    return {name.removeprefix(USER_METRIC_PREFIX) for name in own}


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
def test_a_label_is_the_field_of_its_name(name: str) -> None:
    for label, extractor in METRICS[name].get("labelExtractors", {}).items():
        field = "restaurantId" if label == "restaurant" else label
        assert extractor == f"EXTRACT(jsonPayload.{field})"


@pytest.mark.parametrize("name", METRICS)
def test_no_metric_has_a_person_or_reservation_label(name: str) -> None:
    few = {"outcome", "reason", "status", "type", "event", "restaurant"}
    assert METRICS[name].get("labelExtractors", {}).keys() <= few


@pytest.mark.parametrize("name", METRICS)
def test_only_lines_about_failures_are_counted_by_restaurant(name: str) -> None:
    # Cloud Logging limits a metric to 30,000 time series: not every restaurant may have its own.
    # Anybody can cause the last one.
    frequent = {"poll", "reconciliation", "quarantine", "webhook", "webhook.unauthenticated"}
    conditions = METRICS[name]["filter"].count("jsonPayload.")
    if "restaurant" in METRICS[name].get("labelExtractors", {}):
        is_every_line = conditions == 1 and filtered_events(METRICS[name]["filter"]) & frequent
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


def read_rows(title: str) -> Iterator[list[str]]:
    """Yield the rows of the table in a section of the page about monitoring."""
    page = (ROOT / "docs" / "monitoring.md").read_text()
    section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    _, _, *rows = re.findall(r"^\| (.+) \|$|^\|[-|]+$", section, re.MULTILINE)
    yield from (row.split(" | ") for row in rows)


def parse_seconds(text: str) -> int:
    """Return the seconds of `5 minutes`."""
    number, unit = text.split()
    return int(number) * {"second": 1, "minute": 60, "hour": 3600}[unit.removesuffix("s")]


def test_every_alert_is_documented_with_its_severity() -> None:
    documented = {row[0].strip("`"): row[1] for row in read_rows("Alerts")}
    assert documented == {name: alert["severity"] for name, alert in ALERTS.items()}


def test_every_condition_of_an_alert_is_documented_with_its_limit_and_times() -> None:
    documented = [
        (name.strip("`"), title, limit, parse_seconds(period), parse_seconds(duration))
        for name, title, limit, period, duration in read_rows("Conditions")
    ]
    found = []
    for name, alert in ALERTS.items():
        for condition in alert["conditions"]:
            [kind] = condition.keys() - {"displayName"}
            measure = condition[kind]
            [aggregation] = measure["aggregations"]
            limit = str(measure.get("thresholdValue", "absent"))
            times = (aggregation["alignmentPeriod"], measure["duration"])
            seconds = (int(time.removesuffix("s")) for time in times)
            found.append((name, condition["displayName"], limit, *seconds))
    assert documented == found


def test_a_share_is_measured_in_one_period() -> None:
    for alert in ALERTS.values():
        for condition in alert["conditions"]:
            threshold = condition.get("conditionThreshold", {})
            if "denominatorFilter" in threshold:
                assert threshold["denominatorAggregations"] == threshold["aggregations"]


@pytest.mark.parametrize("name", ALERTS)
def test_an_incident_about_log_lines_stays_open_for_a_day(name: str) -> None:
    # The line is the last news of its fault. Other metrics also show the end of a fault.
    counts_lines = any(
        USER_METRIC_PREFIX in condition.get("conditionThreshold", {}).get("filter", "")
        for condition in ALERTS[name]["conditions"]
    )
    assert ALERTS[name]["alertStrategy"]["autoClose"] == ("86400s" if counts_lines else "1800s")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_about_several_services_or_jobs_tells_which(name: str) -> None:
    for condition in ALERTS[name]["conditions"]:
        threshold = condition.get("conditionThreshold", {"filter": "", "aggregations": [{}]})
        listed = re.findall(r"(resource\.label\.\w+)=one_of", threshold["filter"])
        [aggregation] = threshold["aggregations"]
        assert set(listed) <= set(aggregation.get("groupByFields", []))


def test_every_service_level_is_documented_with_its_goal() -> None:
    documented = {row[0].replace(" ", "-"): row[1] for row in read_rows("Service levels")}
    assert documented == {name: f"{slo['goal'] * 100:g} %" for name, slo in SLOS.items()}
    assert all(slo["displayName"].startswith(documented[name]) for name, slo in SLOS.items())


def test_every_burn_rate_is_documented_with_its_windows_and_severity() -> None:
    documented = [
        {
            "name": name.strip("`"),
            "threshold": float(burn_rate),
            "windows": [f"{parse_seconds(window)}s" for window in windows.split(" and ")],
            "severity": severity,
        }
        for name, burn_rate, windows, _, severity in read_rows("Error budgets")
    ]
    displayed = [{key: row[key] for key in documented[0]} for row in BURN_RATES]
    assert documented == displayed


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_contains_its_name_and_runbook_link(name: str) -> None:
    assert ALERTS[name]["userLabels"] == {"alarm": name}
    assert ALERTS[name]["documentation"]["content"].endswith(f"docs/runbook.md#{name}")
    assert re.fullmatch(r"OpenTable: [a-z0-9 ]+", ALERTS[name]["displayName"], re.IGNORECASE)


def test_no_two_alarms_are_named_alike() -> None:
    shown = [alarm["displayName"] for alarm in ALERTS.values()]
    assert len(shown) == len(set(shown))
