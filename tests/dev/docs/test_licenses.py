"""docs/licenses.md is current, and every license on it is permissive."""

import re

import pytest
from packaging.markers import Marker

from dev.dependencies.lock import export_requirements, list_package_names
from dev.docs.tables import (
    LICENSES_PAGE,
    LicensedPackage,
    list_installed_packages,
    replace_license_tables,
)

# Permissive licenses, and MPL 2.0: it requires publication of changed files only.
ACCEPTED = re.compile(
    r"(The )?(MIT|MIT-0|BSD|ISC|PSF|Apache|Mozilla Public License 2\.0|MPL-2\.0|0BSD|Unlicense"
    r"|[23]-Clause BSD|Python Software Foundation|Dual License)\b.*"
)


def locked_packages() -> list[LicensedPackage]:
    exported = list_package_names(export_requirements())
    return [row for row in list_installed_packages() if row.name in exported]


def is_refused(license_name: str) -> bool:
    """Return whether any part of a license is not accepted."""
    parts = re.split(r"; | AND | OR ", license_name)
    return not all(ACCEPTED.fullmatch(part.strip("()")) for part in parts)


def test_the_licenses_page_is_current() -> None:
    page = LICENSES_PAGE.read_text()
    assert replace_license_tables(page) == page, "run `make lock`"


def test_every_package_that_this_machine_installs_is_listed() -> None:
    text = export_requirements()
    markers = re.findall(r"^([a-z0-9.-]+)\S*==\S+ ; (.+?)(?: \\)?$", text, re.MULTILINE)
    elsewhere = {name for name, marker in markers if not Marker(marker).evaluate()}
    assert list_package_names(text) - elsewhere == {row.name for row in locked_packages()}


def test_no_license_is_unknown_or_copyleft() -> None:
    assert [row for row in locked_packages() if is_refused(row.license_name)] == []


@pytest.mark.parametrize(
    "license_name",
    ["UNKNOWN", "", "GPL-3.0-only", "MIT AND AGPL-3.0", "GNU Lesser General Public License"],
)
def test_an_unknown_or_a_copyleft_license_would_be_refused(license_name: str) -> None:
    assert is_refused(license_name)
