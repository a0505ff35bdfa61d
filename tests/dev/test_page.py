"""The build of the staff page for Firebase Hosting."""

import re
import shutil
from pathlib import Path

import pytest

from dev.page import PAGE_SOURCE, build_page, compute_version, list_versioned_files


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PAGE_SOURCE, tmp_path / "public"))


def test_every_address_in_the_entry_files_exists(tmp_path: Path) -> None:
    build_page(tmp_path / "page")
    for name in ("index.html", "manifest.webmanifest", "sw.js"):
        text = (tmp_path / "page" / name).read_text()
        addresses = re.findall(r'"(/[\w./-]+\.\w+)"', text)
        assert addresses
        ours = [each[1:] for each in addresses if not each.startswith("/__/")]
        assert [each for each in ours if not (tmp_path / "page" / each).is_file()] == [], name


def test_the_service_worker_stores_every_versioned_file(tmp_path: Path) -> None:
    version = build_page(tmp_path / "page")
    worker = (tmp_path / "page" / "sw.js").read_text()
    files = set(re.findall(rf'"/v/{version}/([^"]+)"', worker))
    assert files == {name for name in list_versioned_files() if not name.endswith(".md")}


@pytest.mark.parametrize("name", ["js/main.js", "css/base.css", "index.html", "sw.js"])
def test_a_changed_file_changes_the_version(name: str, source: Path) -> None:
    before = compute_version(source)
    (source / name).write_text((source / name).read_text() + "\n")
    assert compute_version(source) != before


def test_a_build_removes_the_files_of_the_version_before(source: Path, tmp_path: Path) -> None:
    build_page(tmp_path / "page", source)
    (source / "js" / "main.js").write_text("")
    version = build_page(tmp_path / "page", source)
    assert [path.name for path in (tmp_path / "page" / "v").iterdir()] == [version]
