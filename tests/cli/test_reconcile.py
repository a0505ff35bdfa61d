"""A report in words."""

from typing import Any

import pytest

from cli.report_text import format_report, requires_action

LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")


def build_report(status: str = "COMPLETED", **changes: Any) -> dict[str, Any]:
    lists: dict[str, list[dict[str, Any]]] = {name: changes.pop(name, []) for name in LISTS}
    return {
        "reportId": "r-1",
        "status": status,
        "reason": None,
        "startDate": "2026-03-08",
        "endDate": "2026-04-08",
        "openTableCount": 5,
        "ledgerCount": 4,
        "comparedCount": 5,
        "unchangedCount": 3,
        "newDivergences": 0,
        "missedWebhooks": 1,
        "counts": {name: len(entries) for name, entries in lists.items()},
        **lists,
        **changes,
    }


def report_text(told: dict[str, Any]) -> str:
    return "\n".join(format_report(told))


def test_counts_are_printed() -> None:
    told = report_text(
        build_report(created=[{"externalId": "ot_1", "reason": "Missing in the ledger"}])
    )
    assert "OpenTable shows 5, the ledger 4; compared 5, alike 3" in told
    assert "created 1, updated 0, cancelled 0, divergences 0 (0 new); late webhooks 1" in told
    assert "created      ot_1  Missing in the ledger" in told


def test_changed_fields_are_printed_without_personal_data() -> None:
    changes = {"partySize": {"from": 2, "to": 4}, "metadata.venueNotes": {"personal": True}}
    told = report_text(build_report(updated=[{"externalId": "ot_1", "changes": changes}]))
    assert "ot_1  partySize 2 → 4; metadata.venueNotes (personal)" in told


def test_a_long_list_is_truncated_with_a_note() -> None:
    told = report_text(
        build_report(skipped=[{"externalId": f"ot_{n}", "reason": "moved"} for n in range(25)])
    )
    assert told.count("moved") == 20
    assert "… and 5 more" in told


@pytest.mark.parametrize("status, hint", [("HELD", "--force r-1"), ("DRY_RUN", "would do")])
def test_the_next_step_is_printed(status: str, hint: str) -> None:
    assert hint in report_text(build_report(status, reason="because"))


@pytest.mark.parametrize(
    "told, wanted",
    [
        (build_report(), False),
        (build_report("DRY_RUN"), False),
        (build_report("HELD"), True),
        (build_report("FAILED"), True),
        (build_report(newDivergences=1), True),
        (
            build_report(divergences=[{"type": "UNREADABLE", "externalId": None, "reason": "x"}]),
            False,
        ),
    ],
)
def test_new_or_failed_results_require_manual_action(told: dict[str, Any], wanted: bool) -> None:  # noqa: FBT001 -- a table of cases
    assert requires_action(told) is wanted
