"""A reconciliation report as a person reads it."""

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_LINES = 20
_LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
_PARTING = {
    "HELD": "Nothing was changed: look at the plan, then carry it out with --force {reportId}.",
    "DRY_RUN": "Nothing was changed: this is what a run would do.",
    "FAILED": "The run failed; what is listed was done. Run it again once the reason is mended.",
}

Report = Mapping[str, Any]


def report_lines(report: Report) -> Iterator[str]:
    """Yield a report's lines, each list cut after `_MOST_LINES`.

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
    yield f"  {_counts(report)}; late webhooks {report['missedWebhooks']}"
    for name in _LISTS:
        yield from _list_lines(name, report[name], report["counts"][name])
    if report["status"] in _PARTING:
        yield _PARTING[report["status"]].format(reportId=report["reportId"])


def needs_a_person(report: Report) -> bool:
    """Whether a report leaves something for a person to do."""
    return report["status"] in {"HELD", "FAILED"} or report["newDivergences"] > 0


def _counts(report: Report) -> str:
    counts = report["counts"]
    told = [f"{name} {counts[name]}" for name in _LISTS[:3]]
    told.append(f"divergences {counts['divergences']} ({report['newDivergences']} new)")
    return ", ".join([*told, *(f"{name} {counts[name]}" for name in _LISTS[4:] if counts[name])])


def _list_lines(name: str, entries: list[Report], count: int) -> Iterator[str]:
    for entry in entries[:_MOST_LINES]:
        yield f"  {name:<11}  {entry['externalId'] or ''}  {_what(entry)}".rstrip()
    if count > _MOST_LINES:
        yield f"  {name:<11}  … and {count - _MOST_LINES} more: --json tells them all"


def _what(entry: Report) -> str:
    kind = [str(entry[name]) for name in ("type", "reason") if name in entry]
    moved = [_move(path, change) for path, change in (entry.get("changes") or {}).items()]
    return "; ".join([*kind, *moved])


def _move(path: str, change: Mapping[str, Any]) -> str:
    if change.get("personal"):
        return f"{path} (personal)"
    return f"{path} {_word(change['from'])} → {_word(change['to'])}"


def _word(value: object) -> str:
    return "nothing" if value in (None, "", []) else str(value)
