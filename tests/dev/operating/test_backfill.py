"""How far a backfill is, in one line."""

import pytest

from dev.operating.backfill import format_progress


@pytest.mark.parametrize(
    "done, seconds, line",
    [
        (0, None, "░░░░░░░░░░░░░░░░░░░░░░░░ 0 of 396 days, 7 rows"),
        (198, 90, "████████████░░░░░░░░░░░░ 198 of 396 days, 7 rows, about 2 min left"),
        (396, 9, "████████████████████████ 396 of 396 days, 7 rows, about 9 s left"),
    ],
)
def test_days_rows_and_the_estimate_are_printed(done: int, seconds: int | None, line: str) -> None:
    told = {"daysDone": done, "daysTotal": 396, "fetched": 7, "secondsLeft": seconds}
    assert format_progress(told) == line
