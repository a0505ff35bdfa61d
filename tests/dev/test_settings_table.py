"""docs/settings.md says what the code reads."""

import pytest

from dev.settings_table import BEGIN, END, PAGE, with_table
from shared.edge.environment import Environment


def test_the_page_is_current() -> None:
    page = PAGE.read_text()
    assert with_table(page) == page, "run `python -m dev settings`"


def test_every_variable_has_a_row() -> None:
    table = with_table(f"{BEGIN}{END}")
    assert [field.alias for field in Environment.model_fields.values()] == [
        row.split("`")[1] for row in table.splitlines() if row.startswith("| `")
    ]


def test_every_variable_has_a_meaning() -> None:
    assert all(field.description for field in Environment.model_fields.values())


def test_a_row_tells_default_range_and_meaning() -> None:
    rows = with_table(f"{BEGIN}{END}").splitlines()
    assert (
        "| `POLL_LOOKBACK_SECONDS` | `900` | ≥ 1, ≤ 172800 "
        "| How far before its cursor a poll asks again. |"
    ) in rows


def test_what_stands_around_the_table_stays() -> None:
    page = with_table(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert page.startswith(f"before\n{BEGIN}\n")
    assert page.endswith(f"{END}\nafter\n")
    assert "old" not in page


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        with_table("no table here")
