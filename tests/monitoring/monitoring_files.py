"""Load metrics, alerts, service levels and the dashboard, and the log events and metrics they use.

The only place that knows where and in which form they are stored.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from dev.bootstrap import ROOT

FOLDER = ROOT / "infra"
USER_METRIC_PREFIX = "logging.googleapis.com/user/"
# Metrics of Google Cloud; the names are Google's.
PLATFORM_METRICS = {
    "cloudtasks.googleapis.com/queue/depth",
    "firestore.googleapis.com/document/read_count",
    "firestore.googleapis.com/document/write_count",
    "logging.googleapis.com/log_entry_count",
    "monitoring.googleapis.com/uptime_check/check_passed",
    "run.googleapis.com/request_count",
    "run.googleapis.com/request_latencies",
}
_EVENT = re.compile(r'jsonPayload\.event=(?:"([^"]+)"|\(([^)]+)\))')
_FIELD = re.compile(r"jsonPayload\.(\w+)")
_METRIC = re.compile(r'metric\.type="([^"]+)"')
_LABEL = re.compile(r"metric\.label\.(\w+)")


def _read_folder(name: str) -> dict[str, dict[str, Any]]:
    files = sorted((FOLDER / name).glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


METRICS = _read_folder("metrics")
ALERTS = _read_folder("alerts")
SLOS = _read_folder("slos")
BURN_RATES: list[dict[str, Any]] = json.loads((FOLDER / "burn_rates.json").read_text())
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())


def filtered_events(log_filter: str) -> set[str]:
    """Return the names of the log events of a filter."""
    groups = (one or many for one, many in _EVENT.findall(log_filter))
    return {name.strip(' "') for names in groups for name in names.split(" OR ")}


def metric_fields(metric: dict[str, Any]) -> set[str]:
    """Return the log fields of a metric."""
    return set(_FIELD.findall(json.dumps(metric))) - {"event"}


def read_metrics(document: dict[str, Any]) -> set[str]:
    """Return the metric types of an alert or a dashboard."""
    return {name for text in monitoring_filters(document) for name in _METRIC.findall(text)}


def read_labels(query: dict[str, Any]) -> set[str]:
    """Return the metric labels of one condition or series."""
    return set(_LABEL.findall(json.dumps(query)))


def monitoring_filters(value: object) -> Iterator[str]:
    """Yield every filter in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.lower().endswith("filter") and isinstance(inner, str):
                yield inner
            else:
                yield from monitoring_filters(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from monitoring_filters(inner)


def metric_queries() -> Iterator[dict[str, Any]]:
    """Yield every condition of an alert, every service level and every series of the dashboard."""
    for alert in ALERTS.values():
        yield from alert["conditions"]
    yield from SLOS.values()
    for tile in DASHBOARD["mosaicLayout"]["tiles"]:
        yield from tile["widget"]["xyChart"]["dataSets"]
