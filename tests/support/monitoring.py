"""Evaluate the filters of log-based metrics and the conditions of alerts, as Google's services do.

It knows the part of both languages that this repository uses, and fails for anything else. All
points count as one alignment period: a test decides what happens within it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

Entry = Mapping[str, Any]
Predicate = Callable[[Entry], bool]

SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
USER_METRIC_PREFIX = "logging.googleapis.com/user/"
_LOGGING_FIELDS = "logging.googleapis.com/"
_TOKEN = re.compile(r'\s*(?:(?P<text>"[^"]*")|(?P<symbol>>=|<=|[()=><])|(?P<word>[^\s()=<>"]+))')
# The resource of a metric. The services write the log lines of all other metrics.
_RESOURCE_TYPES = {
    "cloudtasks.googleapis.com/queue/depth": "cloud_tasks_queue",
    "firestore.googleapis.com/document/write_count": "firestore_instance",
    "logging.googleapis.com/log_entry_count": "cloud_scheduler_job",
    "monitoring.googleapis.com/uptime_check/check_passed": "uptime_url",
}
_EXTRACTOR = re.compile(r"EXTRACT\(([\w.]+)\)")
_RESTRICTION = re.compile(r'([\w.]+)=(?:"([^"]*)"|one_of\(([^)]*)\))')


def parse_log_entry(line: str, service: str) -> Entry | None:
    """Return a line of a function's output as Cloud Logging stores it; None for plain text."""
    try:
        payload = json.loads(line)
    except ValueError:
        return None
    severity = payload.pop("severity", "DEFAULT")
    payload = {key: value for key, value in payload.items() if not key.startswith(_LOGGING_FIELDS)}
    resource = {"type": "cloud_run_revision", "labels": {"service_name": service}}
    return {"severity": severity, "jsonPayload": payload, "resource": resource}


def compile_log_filter(text: str) -> Predicate:
    """Return whether an entry matches a filter of Cloud Logging's query language."""
    tokens = [match.group().strip() for match in _TOKEN.finditer(text)]
    predicate, rest = _parse_all(tokens)
    assert not rest, f"not understood: {rest}"
    return predicate


def _parse_all(tokens: list[str]) -> tuple[Predicate, list[str]]:
    """Parse `a AND b`; OR binds more tightly in this language."""
    parts, tokens = [], ["AND", *tokens]
    while tokens[:1] == ["AND"]:
        part, tokens = _parse_any(tokens[1:])
        parts.append(part)
    return (lambda entry: all(part(entry) for part in parts)), tokens


def _parse_any(tokens: list[str]) -> tuple[Predicate, list[str]]:
    parts, tokens = [], ["OR", *tokens]
    while tokens[:1] == ["OR"]:
        part, tokens = _parse_term(tokens[1:])
        parts.append(part)
    return (lambda entry: any(part(entry) for part in parts)), tokens


def _parse_term(tokens: list[str]) -> tuple[Predicate, list[str]]:
    if tokens[0] == "(":
        predicate, tokens = _parse_all(tokens[1:])
        assert tokens[0] == ")"
        return predicate, tokens[1:]
    path, operator, *tokens = tokens
    if tokens[0] != "(":
        return _compare(path, operator, [tokens[0]]), tokens[1:]
    end = tokens.index(")")
    return _compare(path, operator, tokens[1:end:2]), tokens[end + 1 :]


def _compare(path: str, operator: str, values: Sequence[str]) -> Predicate:
    def matches(entry: Entry) -> bool:
        actual = read_path(entry, path)
        return actual is not None and any(
            _compare_value(path, actual, operator, value.strip('"')) for value in values
        )

    return matches


def _compare_value(path: str, actual: Any, operator: str, expected: str) -> bool:
    if operator == "=":
        return str(actual) == expected
    if path == "severity":
        left, right = float(SEVERITIES.index(actual)), float(SEVERITIES.index(expected))
    else:
        left, right = float(actual), float(expected)
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[
        operator
    ]


def read_path(value: Any, path: str) -> Any:
    """Return the value at a dotted path, None if there is none."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True, slots=True)
class Point:
    """A measurement: its labels as `metric.label.NAME` or `resource.label.NAME`."""

    labels: Mapping[str, str]
    value: float = 1


@dataclass(slots=True)
class Observation:
    """What the platform sees of some processes: log entries, and points of Google's metrics."""

    entries: list[Entry] = field(default_factory=list)
    points_by_metric: dict[str, list[Point]] = field(default_factory=lambda: defaultdict(list))

    def record_request(self, service: str, status: int, milliseconds: float) -> None:
        """Record a response as Cloud Run measures it."""
        labels = {
            "resource.label.service_name": service,
            "metric.label.response_code": str(status),
            "metric.label.response_code_class": f"{status // 100}xx",
        }
        self.points_by_metric["run.googleapis.com/request_count"].append(Point(labels))
        latencies = self.points_by_metric["run.googleapis.com/request_latencies"]
        latencies.append(Point(labels, milliseconds))

    def record_scheduled_attempt(self, job: str, status: int) -> None:
        """Record an attempt of Cloud Scheduler, which logs a failed one as an error."""
        is_success = status // 100 == 2
        severity = "INFO" if is_success else "ERROR"
        labels = {"resource.label.job_id": job, "metric.label.severity": severity}
        self.points_by_metric["logging.googleapis.com/log_entry_count"].append(Point(labels))


def measure(metrics: Mapping[str, Any], observation: Observation, text: str) -> list[Point]:
    """Return the points that a Monitoring filter selects."""
    restrictions = {path: _parse_values(*values) for path, *values in _RESTRICTION.findall(text)}
    [metric_type] = restrictions.pop("metric.type")
    [resource_type] = restrictions.pop("resource.type")
    assert resource_type == _RESOURCE_TYPES.get(metric_type, "cloud_run_revision")
    if metric_type.startswith(USER_METRIC_PREFIX):
        points = _extract_points(
            metrics[metric_type.removeprefix(USER_METRIC_PREFIX)], observation.entries
        )
    else:
        points = observation.points_by_metric[metric_type]
    return [
        point
        for point in points
        if all(point.labels.get(path) in values for path, values in restrictions.items())
    ]


def _parse_values(single: str, many: str) -> list[str]:
    return [value.strip(' "') for value in many.split(",")] if many else [single]


def _extract_points(metric: Mapping[str, Any], entries: Iterable[Entry]) -> list[Point]:
    matches = compile_log_filter(metric["filter"])
    points = []
    for entry in filter(matches, entries):
        labels = {
            f"metric.label.{name}": str(_extract(entry, extractor))
            for name, extractor in metric.get("labelExtractors", {}).items()
        }
        value = _extract(entry, metric["valueExtractor"]) if "valueExtractor" in metric else 1
        if value is not None:  # a line without the field adds nothing to a distribution
            points.append(Point(labels, float(value)))
    return points


def _extract(entry: Entry, extractor: str) -> Any:
    match = _EXTRACTOR.fullmatch(extractor)
    assert match, extractor
    return read_path(entry, match[1])


def fires(metrics: Mapping[str, Any], alert: Mapping[str, Any], observation: Observation) -> bool:
    """Return whether an alert fires."""
    combine = {"OR": any, "AND": all}[alert["combiner"]]
    return combine(is_met(metrics, each, observation) for each in alert["conditions"])


def is_met(
    metrics: Mapping[str, Any], condition: Mapping[str, Any], observation: Observation
) -> bool:
    """Return whether a condition of an alert is met."""
    [kind] = condition.keys() - {"displayName"}
    assert condition[kind]["trigger"] == {"count": 1}
    if kind == "conditionAbsent":
        return not measure(metrics, observation, condition["conditionAbsent"]["filter"])
    threshold = condition["conditionThreshold"]
    assert threshold["comparison"] == "COMPARISON_GT"
    values = _aggregate(metrics, observation, threshold["filter"], threshold["aggregations"])
    if "denominatorFilter" in threshold:
        totals = _aggregate(
            metrics,
            observation,
            threshold["denominatorFilter"],
            threshold["denominatorAggregations"],
        )
        values = {group: value / totals[group] for group, value in values.items()}
    return any(value > threshold["thresholdValue"] for value in values.values())


def _aggregate(
    metrics: Mapping[str, Any],
    observation: Observation,
    text: str,
    aggregations: Sequence[Mapping[str, Any]],
) -> dict[tuple[str, ...], float]:
    [aggregation] = aggregations
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for point in measure(metrics, observation, text):
        group = tuple(point.labels[name] for name in aggregation.get("groupByFields", ()))
        groups[group].append(point.value)
    reduce = _REDUCERS[aggregation["perSeriesAligner"], aggregation["crossSeriesReducer"]]
    return {group: reduce(values) for group, values in groups.items()}


def _percentile_99(values: list[float]) -> float:
    return sorted(values)[ceil(len(values) * 0.99) - 1]


def _count_false(values: list[float]) -> float:
    return values.count(0)


# The points of a gauge are those of one period; those of a counter add up.
_REDUCERS: dict[tuple[str, str], Callable[[list[float]], float]] = {
    ("ALIGN_DELTA", "REDUCE_SUM"): sum,
    ("ALIGN_DELTA", "REDUCE_PERCENTILE_99"): _percentile_99,
    ("ALIGN_MIN", "REDUCE_SUM"): min,
    ("ALIGN_NEXT_OLDER", "REDUCE_COUNT_FALSE"): _count_false,
}


def measure_service_level(
    metrics: Mapping[str, Any], slo: Mapping[str, Any], observation: Observation
) -> float | None:
    """Return the share of good events of a service level, None without events."""
    indicator = slo["serviceLevelIndicator"]["requestBased"]
    if "distributionCut" in indicator:
        cut = indicator["distributionCut"]
        values = [point.value for point in measure(metrics, observation, cut["distributionFilter"])]
        good, total = sum(value <= cut["range"]["max"] for value in values), len(values)
    else:
        ratio = indicator["goodTotalRatio"]
        good = len(measure(metrics, observation, ratio["goodServiceFilter"]))
        total = good + len(measure(metrics, observation, ratio["badServiceFilter"]))
    return good / total if total else None


def measure_burn_rate(
    metrics: Mapping[str, Any], slo: Mapping[str, Any], observation: Observation
) -> float:
    """Return the share of bad events, as a multiple of the share that the goal allows."""
    measured = measure_service_level(metrics, slo, observation)
    assert measured is not None
    return (1 - measured) / (1 - float(slo["goal"]))
