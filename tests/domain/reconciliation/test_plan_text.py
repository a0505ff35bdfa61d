"""A held plan says why it is held, and what its execution does."""

import pytest

from shared.domain.reconciliation.plan_text import describe_held_plan, describe_plan_effects

NO_CHANGES = dict.fromkeys(("created", "updated", "cancelled", "missing"), 0)


@pytest.mark.parametrize(
    "update_count, missing_count, expected",
    [
        (0, 160, "160 of 366 reservations are not in OpenTable's list. "),
        (200, 0, "OpenTable's list would change 200 of 366. "),
        (
            200,
            1,
            (
                "1 of 366 reservations are not in OpenTable's list. "
                "OpenTable's list would change 200 of 366. "
            ),
        ),
    ],
)
def test_the_reason_of_a_held_plan(update_count: int, missing_count: int, expected: str) -> None:
    reason = describe_held_plan(366, update_count, missing_count)
    assert reason == expected + "Nothing was changed. A manager must review the plan."


def test_missing_reservations_are_looked_up_and_never_canceled() -> None:
    assert describe_plan_effects(NO_CHANGES | {"missing": 160}) == [
        (
            "160 reservations will be looked up at OpenTable one by one. "
            "Those that OpenTable does not know are marked for review."
        ),
        "No reservation is canceled because it is missing from OpenTable's list.",
        "A reservation that has changed since this report is skipped.",
    ]


def test_each_kind_of_change_is_named_with_its_number() -> None:
    counts = {"created": 1, "updated": 22, "cancelled": 3, "missing": 0}
    assert describe_plan_effects(counts) == [
        "1 reservation will be added.",
        "22 reservations will be updated as listed.",
        "3 reservations will be canceled, because OpenTable canceled them.",
        "A reservation that has changed since this report is skipped.",
    ]
