"""A reconciliation report as a person reads it."""

from collections.abc import Iterator, Mapping
from typing import Any

_MAX_LINES_PER_LIST = 20
_REPORT_LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
_NEXT_STEPS = {
    "HELD": "Nothing was changed: look at the plan, then carry it out with --force {reportId}.",
    "DRY_RUN": "Nothing was changed: this is what a run would do.",
    "FAILED": "The run failed; what is listed was done. Run it again once the reason is mended.",
}

ReportJson = Mapping[str, Any]


def format_report(report: ReportJson) -> Iterator[str]:
    """Yield a report's lines, each list cut after `_MAX_LINES_PER_LIST`.

    Args:
        report: As the staff API tells it.
    """
    yield f"Report {report['reportId']}: {report['status']}"
    if report["reason"]:
        yield f"  {report['reason']}"
    yield f"  {report['startDate']} to {report['endDate']}, local dates"
    yield (
        f"  OpenTable shows {report['openTableCount']}, the ledger {report['ledgerCount']}; "
        f"compared {report['comparedCount']}, alike {report['unchangedCount']}"
    )
    yield f"  {_format_counts(report)}; late webhooks {report['missedWebhooks']}"
    for name in _REPORT_LISTS:
        yield from _format_list(name, report[name], report["counts"][name])
    if report["status"] in _NEXT_STEPS:
        yield _NEXT_STEPS[report["status"]].format(reportId=report["reportId"])


def requires_action(report: ReportJson) -> bool:
    """Whether a report leaves something for a person to do."""
    return report["status"] in {"HELD", "FAILED"} or report["newDivergences"] > 0


def _format_counts(report: ReportJson) -> str:
    counts = report["counts"]
    parts = [f"{name} {counts[name]}" for name in _REPORT_LISTS[:3]]
    parts.append(f"divergences {counts['divergences']} ({report['newDivergences']} new)")
    return ", ".join(
        [*parts, *(f"{name} {counts[name]}" for name in _REPORT_LISTS[4:] if counts[name])]
    )


def _format_list(name: str, entries: list[ReportJson], count: int) -> Iterator[str]:
    for entry in entries[:_MAX_LINES_PER_LIST]:
        yield f"  {name:<11}  {entry['externalId'] or ''}  {_format_entry(entry)}".rstrip()
    if count > _MAX_LINES_PER_LIST:
        yield f"  {name:<11}  … and {count - _MAX_LINES_PER_LIST} more: --json tells them all"


def _format_entry(entry: ReportJson) -> str:
    kind = [str(entry[name]) for name in ("type", "reason") if name in entry]
    changes = [
        _format_change(path, change) for path, change in (entry.get("changes") or {}).items()
    ]
    return "; ".join([*kind, *changes])


def _format_change(path: str, change: Mapping[str, Any]) -> str:
    if change.get("personal"):
        return f"{path} (personal)"
    return f"{path} {_format_value(change['from'])} → {_format_value(change['to'])}"


def _format_value(value: object) -> str:
    return "nothing" if value in (None, "", []) else str(value)
