"""firebase-tools accepts firebase.json and serves the page with it."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from dev.bootstrap import ROOT
from dev.local.emulator_files import ensure_java
from dev.local.firebase_tools import FIREBASE_TOOLS_VERSION, find_firebase_tools
from dev.local.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from dev.page import build_page
from tests.dev.commands import run_program
from tests.support.processes import ProcessOutput

TOOLS = find_firebase_tools()
NODE = shutil.which("node") or ""
pytestmark = pytest.mark.skipif(
    not (TOOLS and NODE), reason="firebase-tools is not here: `make firebase` fetches it"
)
START_SECONDS = 120
NEEDS_JAVA = 21  # firebase-tools starts with no older one
VALIDATE = """
const [tools, file] = process.argv.slice(1);
const { FirestoreApi } = require(tools + "/lib/firestore/api");
const api = new FirestoreApi();
api.validateSpec(api.upgradeOldSpec(JSON.parse(require("fs").readFileSync(file, "utf8"))));
"""


@dataclass(frozen=True, slots=True)
class Emulators:
    """The emulators of Hosting and Auth, and their output."""

    hosting: str
    auth: str
    output: ProcessOutput


@pytest.fixture(scope="module")
def firebase_emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    place = tmp_path_factory.mktemp("firebase")
    config = json.loads((ROOT / "firebase.json").read_text())
    del config["hosting"]["target"]  # a project has a site for it, the emulator has one site
    build_page(place / config["hosting"]["public"])
    ports = {name: find_free_port() for name in ("auth", "hosting", "hub", "logging")}
    rows = {name: {"host": LOOPBACK, "port": port} for name, port in ports.items()}
    config["emulators"] = {**rows, "ui": {"enabled": False}, "singleProjectMode": False}
    (place / "firebase.json").write_text(json.dumps(config))
    program = [NODE, f"{TOOLS}/lib/bin/firebase.js", "emulators:start", "--project", "demo-page"]
    options = ["--only", "auth,hosting", "--config", str(place / "firebase.json")]
    java = ensure_java(NEEDS_JAVA).parent
    found = {"PATH": f"{java}{os.pathsep}{os.environ['PATH']}", "HOME": str(place)}
    output = ProcessOutput()
    with run_process([*program, *options], output.add, found) as child:
        urls = {name: f"http://{LOOPBACK}:{ports[name]}" for name in ("hosting", "auth")}
        for url in urls.values():
            wait_until_reachable(f"{url}/", START_SECONDS, child)
        yield Emulators(urls["hosting"], urls["auth"], output)


def validated(file: Path) -> str:
    """Return firebase-tools' errors about an index file."""
    return run_program(NODE, "-e", VALIDATE, str(TOOLS), str(file)).stderr


def test_the_build_deploys_with_this_very_version() -> None:
    assert (ROOT / "cloudbuild.yaml").read_text().count(
        f"firebase-tools@{FIREBASE_TOOLS_VERSION}"
    ) == 2


def test_the_indexes_are_taken() -> None:
    assert validated(ROOT / "firestore.indexes.json") == ""


def test_indexes_of_another_scope_would_be_refused(tmp_path: Path) -> None:
    text = (ROOT / "firestore.indexes.json").read_text()
    (tmp_path / "wrong.json").write_text(text.replace('"COLLECTION_GROUP"', '"GROUP"'))
    assert 'Field "queryScope" must be one of' in validated(tmp_path / "wrong.json")


def test_the_page_answers_with_the_headers_that_protect_it(
    firebase_emulators: Emulators, tmp_path: Path
) -> None:
    build_page(tmp_path / "page")
    answer = httpx.get(f"{firebase_emulators.hosting}/", timeout=START_SECONDS)
    assert (answer.status_code, answer.text) == (200, (tmp_path / "page/index.html").read_text())
    assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_api_paths_are_routed_to_the_function(firebase_emulators: Emulators) -> None:
    httpx.get(f"{firebase_emulators.hosting}/api/openapi.json", timeout=START_SECONDS)
    firebase_emulators.output.wait_for("/projects/demo-page/locations/us-central1/services/api")


def test_staff_can_sign_in(firebase_emulators: Emulators) -> None:
    url = f"{firebase_emulators.auth}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any"
    person = {"email": "host@example.com", "password": "made-up", "returnSecureToken": True}
    assert httpx.post(url, json=person, timeout=START_SECONDS).json()["idToken"]
