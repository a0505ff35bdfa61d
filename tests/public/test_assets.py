"""The page has no inline code and requests nothing from other servers."""

import hashlib
import json
import re
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Response, expect

from tests.public.harness import PageHarness, expect_day

ROOT = Path(__file__).parents[2]
VENDORED = ROOT / "public" / "vendor"
TEXT_SUFFIXES = {".css", ".html", ".js", ".svg", ".txt", ".webmanifest"}
FILES = sorted(
    path
    for path in (ROOT / "public").rglob("*")
    if path.suffix in TEXT_SUFFIXES and VENDORED not in path.parents
)
# The hash of each file as published on npm.
PUBLISHED = {
    "chart.js-4.6.1/chart.umd.min.js": (
        "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"
    ),
    "htm-3.1.1/htm.umd.js": "7a31776e04bd4afde0d4308177d26f377716fcf7e4bd70be590746d6aa594f08",
    "preact-10.29.8/hooks.umd.js": (
        "5c29238e5dc99df306d7f7fff038591a397cfcfabb59f81fbdef43d670aa0566"
    ),
    "preact-10.29.8/preact.min.umd.js": (
        "aa558e32247d4ccea18c5addbb0311bc1771bf39734185be01dc0c3c4cf3fd6d"
    ),
}
LICENSES = ("MIT License", "Apache License")
SIGN_IN = {"identitytoolkit.googleapis.com", "securetoken.googleapis.com"}
MAX_REQUESTS = 15
MAX_BYTES = 120_000
MAX_LINES = 400
DOCUMENTATION = {"firebase.google.com", "www.w3.org"}


async def test_the_page_sends_no_third_party_requests(harness: PageHarness) -> None:
    hosts = set()
    page = await harness.open_page()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    await page.reload()
    await expect_day(page, "Saturday, March 14")
    assert hosts == {urlsplit(harness.url).netloc}


def test_the_files_name_no_other_host() -> None:
    text = "".join(path.read_text() for path in FILES)
    assert set(re.findall(r"https?://([^/\s\"'`]+)", text)) <= SIGN_IN | DOCUMENTATION


def test_vendored_files_are_unmodified_and_have_their_licence() -> None:
    scripts = {path.relative_to(VENDORED).as_posix(): path for path in VENDORED.rglob("*.js")}
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in scripts.items()}
    assert hashes == PUBLISHED
    for path in scripts.values():
        text = (path.parent / "LICENSE.md").read_text()
        assert any(name in text for name in LICENSES)


def test_the_content_security_policy_allows_only_the_sign_in_host() -> None:
    hosting = json.loads((ROOT / "firebase.json").read_text())["hosting"]
    [headers] = [rule["headers"] for rule in hosting["headers"] if rule["source"] == "**"]
    [policy] = [each["value"] for each in headers if each["key"] == "Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; connect-src 'self' ")
    assert set(re.findall(r"https://(\S+?)[; ]", policy)) == SIGN_IN
    assert "unsafe" not in policy


async def test_the_sign_in_needs_few_requests_and_bytes(
    harness: PageHarness, browser: Browser
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))  # noqa: PLW0108 -- Playwright takes no built-in
    await page.goto(harness.url, wait_until="networkidle")
    await expect(page.get_by_role("button", name="View as host")).to_be_visible()
    sizes = [(await each.request.sizes())["responseBodySize"] for each in responses]
    await context.close()
    assert len(responses) <= MAX_REQUESTS, [each.url for each in responses]
    assert sum(sizes) <= MAX_BYTES
    assert [each.url for each in responses if each.status >= HTTPStatus.BAD_REQUEST] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_the_page_is_readable_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES
