"""Describe the plan of a held report: why it is held, and what its execution does."""

from collections.abc import Iterator, Mapping


def describe_held_plan(ledger_count: int, update_count: int, missing_count: int) -> str:
    """Return why a run was held."""
    reasons = []
    if missing_count:
        reasons.append(
            f"{missing_count} of {ledger_count} reservations are not in OpenTable's list."
        )
    if update_count:
        reasons.append(f"OpenTable's list would change {update_count} of {ledger_count}.")
    return " ".join((*reasons, "Nothing was changed. A manager must review the plan."))


def describe_plan_effects(counts: Mapping[str, int]) -> list[str]:
    """Return what the execution of a plan does, and what it does not do, one sentence each.

    Args:
        counts: The lengths of the report's lists.
    """
    return list(_iterate_effects(counts))


def _iterate_effects(counts: Mapping[str, int]) -> Iterator[str]:
    if counts["created"]:
        yield f"{_count(counts['created'])} will be added."
    if counts["updated"]:
        yield f"{_count(counts['updated'])} will be updated as listed."
    if counts["cancelled"]:
        yield f"{_count(counts['cancelled'])} will be canceled, because OpenTable canceled them."
    if counts["missing"]:
        yield (
            f"{_count(counts['missing'])} will be looked up at OpenTable one by one. "
            "Those that OpenTable does not know are marked for review."
        )
        yield "No reservation is canceled because it is missing from OpenTable's list."
    yield "A reservation that has changed since this report is skipped."


def _count(number: int) -> str:
    return "1 reservation" if number == 1 else f"{number} reservations"
