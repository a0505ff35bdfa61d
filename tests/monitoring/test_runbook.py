"""Every alert has its runbook section, with all required parts."""

import ast
import re

import pytest

from dev.bootstrap import ROOT
from tests.monitoring.monitoring_files import ALERTS, BURN_RATES

ALERT_NAMES = ALERTS.keys() | {burn_rate["name"] for burn_rate in BURN_RATES}
PARTS = (
    "What it means.",
    "How to see it.",
    "What to do.",
    "How to know that it is over.",
    "Rehearsed by",
)


def sections() -> dict[str, str]:
    """Return the text of each section by its anchor."""
    _, *parts = re.split(r"^## (.+)$", (ROOT / "docs/runbook.md").read_text(), flags=re.MULTILINE)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {title.lower().replace(" ", "-"): text for title, text in pairs}


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    assert sections().keys() == ALERT_NAMES


@pytest.mark.parametrize("name", sections())
def test_every_section_has_the_required_parts_in_order(name: str) -> None:
    assert re.findall(r"\*\*(.+?)\*\*", sections()[name]) == list(PARTS)


@pytest.mark.parametrize("name", sections())
def test_the_first_look_of_a_section_is_a_command(name: str) -> None:
    _, first_look, _ = re.split(r"\*\*How to see it\.\*\*|\*\*What to do\.\*\*", sections()[name])
    assert "\ngcloud " in first_look


@pytest.mark.parametrize("name", sections())
def test_a_section_is_rehearsed_by_tests_that_exist(name: str) -> None:
    rehearsed = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", sections()[name])
    assert rehearsed
    for file, test in rehearsed:
        tree = ast.parse((ROOT / file).read_text())
        assert test in {getattr(node, "name", None) for node in tree.body}


@pytest.mark.parametrize("name", sections())
def test_a_link_to_another_section_leads_there(name: str) -> None:
    assert set(re.findall(r"\]\(#([\w-]+)\)", sections()[name])) <= ALERT_NAMES
