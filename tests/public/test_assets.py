"""The page has no inline code and requests nothing from other servers."""

import gzip
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.public.conftest import OpenPage
from tests.public.harness import PageHarness

ROOT = Path(__file__).parents[2]
VENDORED = ROOT / "public" / "vendor"
FILES = sorted(
    path for path in (ROOT / "public").rglob("*") if path.is_file() and VENDORED not in path.parents
)
# The hash of each file as published on npm.
PUBLISHED = {
    "chart.js-4.6.1/chart.umd.min.js": (
        "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"
    ),
}
SIGN_IN = {"identitytoolkit.googleapis.com", "securetoken.googleapis.com"}
DOCUMENTATION = {"firebase.google.com", "www.w3.org"}


async def test_the_page_sends_no_third_party_requests(
    harness: PageHarness, open_page: OpenPage
) -> None:
    hosts = set()
    page = await open_page()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Saturday 14 March")
    assert hosts == {urlsplit(harness.url).netloc}


def test_the_files_name_no_other_host() -> None:
    text = "".join(path.read_text() for path in FILES)
    assert set(re.findall(r"https?://([^/\s\"'`]+)", text)) <= SIGN_IN | DOCUMENTATION


def test_vendored_files_are_unmodified_and_have_their_licence() -> None:
    scripts = {path.relative_to(VENDORED).as_posix(): path for path in VENDORED.rglob("*.js")}
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in scripts.items()}
    assert hashes == PUBLISHED
    for path in scripts.values():
        assert "MIT License" in (path.parent / "LICENSE.md").read_text()


def test_every_module_is_preloaded() -> None:
    page = (ROOT / "public" / "index.html").read_text()
    modules = {f"/{path.relative_to(ROOT / 'public')}" for path in FILES if path.suffix == ".js"}
    assert set(re.findall(r'(?:modulepreload" href|module" src)="([^"]+)"', page)) == modules


def test_the_page_weighs_little() -> None:
    # As Hosting sends it; the chart library is loaded with the first chart.
    assert sum(len(gzip.compress(path.read_bytes())) for path in FILES) < 80_000


def test_the_content_security_policy_allows_only_the_sign_in_host() -> None:
    hosting = json.loads((ROOT / "firebase.json").read_text())["hosting"]
    [headers] = [rule["headers"] for rule in hosting["headers"] if rule["source"] == "**"]
    [policy] = [each["value"] for each in headers if each["key"] == "Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; connect-src 'self' ")
    assert set(re.findall(r"https://(\S+?)[; ]", policy)) == SIGN_IN
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_the_page_is_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 130
