"""Terraform sends the files of metrics, alerts and service levels to Google unchanged."""

import json
import re
from typing import Any

import pytest

from functions.api.app import OPENAPI_PATH
from tests.infra.google_provider import UPTIME_CHECK_ID
from tests.infra.planned_resources import ENVIRONMENTS, Resources, plan_resources
from tests.monitoring.monitoring_files import ALERTS, BURN_RATES, DASHBOARD, METRICS, SLOS


def to_snake_case(value: Any) -> Any:
    """Return an API document with the names of Terraform's arguments."""
    if isinstance(value, dict):
        return {
            re.sub("([A-Z])", r"_\1", name).lower(): to_snake_case(inner)
            for name, inner in value.items()
        }
    return [to_snake_case(inner) for inner in value] if isinstance(value, list) else value


def without_empty_values(value: Any) -> Any:
    """Return planned values in the form of the file: a single block is no list."""
    if isinstance(value, dict):
        pruned = {name: without_empty_values(inner) for name, inner in value.items()}
        return {name: inner for name, inner in pruned.items() if inner not in (None, [], {}, "")}
    return [without_empty_values(inner) for inner in value] if isinstance(value, list) else value


def unwrap(block: list[dict[str, Any]]) -> dict[str, Any]:
    [only] = block
    return only


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_created_as_its_file_says(planned: Resources, name: str) -> None:
    alert = without_empty_values(planned["google_monitoring_alert_policy"][f"alert[{name}]"])
    file = to_snake_case(ALERTS[name])
    for condition, written in zip(alert["conditions"], file["conditions"], strict=True):
        [kind] = [key for key in written if key.startswith("condition_")]
        found = unwrap(condition[kind])
        found["trigger"] = unwrap(found["trigger"])
        expected = written[kind]["filter"].replace("UPTIME_CHECK_ID", UPTIME_CHECK_ID)
        assert found == {**written[kind], "filter": expected}
        assert condition["display_name"] == written["display_name"]
    assert unwrap(alert["documentation"]) == file["documentation"]
    assert unwrap(alert["alert_strategy"]) == file["alert_strategy"]
    for argument in ("display_name", "severity", "combiner", "user_labels"):
        assert alert[argument] == file[argument]


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_created_as_its_file_says(planned: Resources, name: str) -> None:
    metric = planned["google_logging_metric"][f"metric[{name}]"]
    file = METRICS[name]
    assert metric["name"] == name
    assert metric["filter"] == file["filter"]
    assert metric["value_extractor"] == file.get("valueExtractor")
    assert metric["label_extractors"] == file.get("labelExtractors")
    descriptor = unwrap(metric["metric_descriptor"])
    assert metric["description"] == file["description"]
    assert descriptor["metric_kind"] == file["metricDescriptor"]["metricKind"]
    assert descriptor["value_type"] == file["metricDescriptor"]["valueType"]
    assert descriptor["unit"] == file["metricDescriptor"].get("unit", "1")
    assert {label["key"]: label["value_type"] for label in descriptor["labels"]} == {
        label["key"]: label["valueType"] for label in file["metricDescriptor"].get("labels", [])
    }
    if "bucketOptions" in file:
        buckets = unwrap(unwrap(metric["bucket_options"])["explicit_buckets"])
        assert buckets["bounds"] == file["bucketOptions"]["explicitBuckets"]["bounds"]


@pytest.mark.parametrize("name", SLOS)
def test_a_service_level_is_created_as_its_file_says(planned: Resources, name: str) -> None:
    slo = without_empty_values(planned["google_monitoring_slo"][f"slo[{name}]"])
    assert slo["goal"] == SLOS[name]["goal"]
    assert slo["rolling_period_days"] == 28
    indicator = unwrap(slo["request_based_sli"])
    [(kind, written)] = SLOS[name]["serviceLevelIndicator"]["requestBased"].items()
    found = unwrap(indicator[to_snake_case({kind: 0}).popitem()[0]])
    if "range" in found:
        found["range"] = unwrap(found["range"])
    assert found == to_snake_case(written)


def test_each_service_level_has_each_burn_rate_alert(planned: Resources) -> None:
    policies = planned["google_monitoring_alert_policy"]
    for slo in SLOS:
        for rate in BURN_RATES:
            alert = policies[f"burn_rate[{slo}/{rate['name']}]"]
            conditions = [unwrap(row["condition_threshold"]) for row in alert["conditions"]]
            assert alert["combiner"] == "AND"
            assert alert["severity"] == rate["severity"]
            assert alert["user_labels"] == {"alarm": rate["name"]}
            runbook = unwrap(alert["documentation"])["content"]
            assert runbook.endswith(f"docs/runbook.md#{rate['name']}")
            assert {row["comparison"] for row in conditions} == {"COMPARISON_GT"}
            assert {row["duration"] for row in conditions} == {"0s"}
            assert unwrap(alert["alert_strategy"])["auto_close"] == "1800s"
            assert [row["threshold_value"] for row in conditions] == [rate["threshold"]] * 2
            for condition, window in zip(conditions, rate["windows"], strict=True):
                assert f'"{window}")' in condition["filter"]
                assert slo in condition["filter"]


def test_the_dashboard_is_created_as_its_file_says(planned: Resources) -> None:
    [dashboard] = planned["google_monitoring_dashboard"].values()
    assert json.loads(dashboard["dashboard_json"]) == DASHBOARD


def test_an_alert_email_is_sent_to_each_address_of_the_environment(planned: Resources) -> None:
    channels = planned["google_monitoring_notification_channel"].values()
    assert [(row["type"], row["labels"]) for row in channels] == [
        ("email", {"email_address": "oncall@example.com"})
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_alert_of_production_notifies_a_person(environment: str) -> None:
    policies = plan_resources(environment)["google_monitoring_alert_policy"]
    assert len(policies) == len(ALERTS) + len(SLOS) * len(BURN_RATES)
    notified = [bool(alert["notification_channels"]) for alert in policies.values()]
    assert all(notified) if environment == "production" else not any(notified)


def test_the_uptime_check_runs_twice_within_the_period_of_its_alert(planned: Resources) -> None:
    [check] = planned["google_monitoring_uptime_check_config"].values()
    [condition] = ALERTS["api-unreachable"]["conditions"]
    [aggregation] = condition["conditionThreshold"]["aggregations"]
    seconds = [
        int(text.removesuffix("s")) for text in (check["period"], aggregation["alignmentPeriod"])
    ]
    assert 2 * seconds[0] <= seconds[1]


def test_the_uptime_check_requests_a_path_that_needs_no_token(planned: Resources) -> None:
    [check] = planned["google_monitoring_uptime_check_config"].values()
    assert unwrap(check["http_check"])["path"] == OPENAPI_PATH
    host = unwrap(check["monitored_resource"])["labels"]["host"]
    assert planned["google_cloud_run_v2_service"]["service[api]"]["uri"] == f"https://{host}"


def test_the_uptime_check_verifies_the_certificate(planned: Resources) -> None:
    [check] = planned["google_monitoring_uptime_check_config"].values()
    request = unwrap(check["http_check"])
    assert (request["use_ssl"], request["validate_ssl"], request["port"]) == (True, True, 443)
