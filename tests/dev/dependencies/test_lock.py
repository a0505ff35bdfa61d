"""Every package is pinned with hashes, and requirements.txt is exported from uv.lock."""

import re
import tomllib
from urllib.parse import urlsplit

import pytest
from pip._internal.models.index import PyPI

from dev.bootstrap import LOCK, ROOT, UV, uv_environment
from dev.dependencies.lock import DEPLOYED, EVERYTHING, REQUIREMENTS, export_requirements
from tests.dev.commands import run_program

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = {"project": PROJECT["project"]["dependencies"], **PROJECT["dependency-groups"]}
ENTRY = re.compile(
    r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+ *(; [^#]+?)? *(--hash=sha256:[0-9a-f]{64} *)+"
)
PUBLIC_HOSTS = {urlsplit(PyPI.simple_url).hostname, PyPI.file_storage_domain}  # pip's defaults


def entries(text: str) -> list[str]:
    """Return requirements, each on one line with its hashes."""
    lines = text.replace("\\\n", "").splitlines()
    return [line for line in lines if line and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("group", GROUPS)
def test_every_requested_package_is_pinned_exactly(group: str) -> None:
    assert [text for text in GROUPS[group] if not re.fullmatch(r"[a-z0-9-]+==[0-9.]+", text)] == []


def test_the_lock_fits_the_project() -> None:
    done = run_program(str(UV), "lock", "--check", "--offline", "--no-config", env=uv_environment())
    assert done.returncode == 0, "run `make lock`"


def test_requirements_are_what_the_lock_exports() -> None:
    lines = [line for line in entries(REQUIREMENTS.read_text()) if "[" not in line]
    assert lines == entries(export_requirements(*DEPLOYED)), "run `make lock`"


def test_an_entry_with_extras_repeats_the_entry_without() -> None:
    lines = entries(REQUIREMENTS.read_text())
    with_extras = [line for line in lines if "[" in line]
    assert with_extras
    assert {re.sub(r"\[.+?\]", "", line) for line in with_extras} <= set(lines)


@pytest.mark.parametrize("text", [REQUIREMENTS.read_text(), export_requirements(*EVERYTHING)])
def test_every_package_has_its_hashes(text: str) -> None:
    assert [line for line in entries(text) if not ENTRY.fullmatch(line)] == []


def test_requirements_name_no_place_of_the_machine_that_made_them() -> None:
    places = r"https?:|--(extra-)?index|--find-links|file:|/home|/root|/tmp"
    assert not re.search(places, REQUIREMENTS.read_text())


def test_the_lock_names_only_the_public_registry() -> None:
    urls = re.findall(r'"([^"]*/[^"]*)"', LOCK.read_text())
    assert {(urlsplit(url).scheme, urlsplit(url).hostname) for url in urls} == {
        ("https", host) for host in PUBLIC_HOSTS
    }


def test_the_build_finds_the_framework_pinned() -> None:
    # Google's buildpack adds another version if no line starts with this word.
    assert re.search(r"^functions-framework==", REQUIREMENTS.read_text(), re.MULTILINE)
