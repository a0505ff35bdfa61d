"""What is installed is pinned with its hashes, and says what the short lists ask for."""

import re

import pytest

from dev.bootstrap import ROOT

LISTS = ("requirements", "requirements-dev", "dev/tools", "dev/java")
PINNED_LINE = re.compile(r"([a-z0-9-]+==[0-9.]+)(?:  # .+)?")


def requested_lines(name: str) -> list[str]:
    """Return the lines of a short list that name a package."""
    lines = (ROOT / f"{name}.in").read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def locked(name: str) -> list[str]:
    """Return the requirements of a locked file, each on one line with its hashes."""
    text = (ROOT / f"{name}.txt").read_text().replace("\\\n", "")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def pins(name: str) -> set[str]:
    return {line.split()[0] for line in locked(name)}


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_is_pinned_exactly(name: str) -> None:
    assert requested_lines(name)
    assert [line for line in requested_lines(name) if not PINNED_LINE.fullmatch(line)] == []


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_is_locked(name: str) -> None:
    missing = {line.split()[0] for line in requested_lines(name)} - pins(name)
    assert not missing, "run `make lock`"


@pytest.mark.parametrize("name", LISTS)
def test_every_locked_package_has_hashes(name: str) -> None:
    line = re.compile(r"[a-z0-9-]+==\S+ *(; [^#]+?)? *(--hash=sha256:[0-9a-f]{64} *)+")
    assert [told for told in locked(name) if not line.fullmatch(told)] == []


@pytest.mark.parametrize("name", LISTS)
def test_a_locked_file_names_no_place_of_the_machine_that_made_it(name: str) -> None:
    assert not re.search(
        r"https?:|--(extra-)?index|--find-links|file:|/home|/root|/tmp",
        (ROOT / f"{name}.txt").read_text(),
    )


def test_the_tests_see_the_very_packages_that_are_deployed() -> None:
    assert pins("requirements") <= pins("requirements-dev")


def test_the_build_finds_the_framework_pinned() -> None:
    # Google's buildpack adds a version of its own where no line starts with this word.
    text = (ROOT / "requirements.txt").read_text()
    assert re.search(r"^functions-framework==", text, re.MULTILINE)
