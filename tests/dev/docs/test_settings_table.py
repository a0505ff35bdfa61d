"""docs/settings.md equals the code."""

import pytest
from msgspec.structs import fields

from dev.docs.tables import (
    SETTINGS_PAGE,
    SETTINGS_TABLE_BEGIN,
    SETTINGS_TABLE_END,
    read_field_docstrings,
    replace_settings_table,
)
from shared.config import Environment


def test_the_settings_page_is_current() -> None:
    page = SETTINGS_PAGE.read_text()
    assert replace_settings_table(page) == page, "run `python -m dev settings`"


def test_every_variable_has_a_row() -> None:
    table = replace_settings_table(f"{SETTINGS_TABLE_BEGIN}{SETTINGS_TABLE_END}")
    assert [field.encode_name for field in fields(Environment)] == [
        row.split("`")[1] for row in table.splitlines() if row.startswith("| `")
    ]


def test_every_variable_has_a_meaning() -> None:
    meanings = read_field_docstrings(Environment)
    assert [field.name for field in fields(Environment) if not meanings.get(field.name)] == []


def test_a_row_has_default_range_and_meaning() -> None:
    rows = replace_settings_table(f"{SETTINGS_TABLE_BEGIN}{SETTINGS_TABLE_END}").splitlines()
    assert (
        "| `POLL_LOOKBACK_SECONDS` | `900` | ≥ 1, ≤ 172800 "
        "| How far before its cursor a poll begins. |"
    ) in rows


def test_text_around_the_table_is_unchanged() -> None:
    page = replace_settings_table(
        f"before\n{SETTINGS_TABLE_BEGIN}\nold\n{SETTINGS_TABLE_END}\nafter\n"
    )
    assert page.startswith(f"before\n{SETTINGS_TABLE_BEGIN}\n")
    assert page.endswith(f"{SETTINGS_TABLE_END}\nafter\n")
    assert "old" not in page


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        replace_settings_table("no table here")
