"""Start the Auth emulator of firebase-tools, to compare the simulated responses with its own."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from dev.local.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable

VERSION = "15.34.2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "opentable-ledger"
HOME = CACHE / f"firebase-tools-{VERSION}"
PROGRAM = HOME / "node_modules" / "firebase-tools" / "lib" / "bin" / "firebase.js"
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
FETCH_SECONDS = 600
START_SECONDS = 180  # it contacts Google first, and waits without a connection
OWNER = {"Authorization": "Bearer owner"}


@dataclass(frozen=True, slots=True)
class AuthEmulator:
    """A running Auth emulator; the services are paths below `url`."""

    url: str
    project: str

    async def create(self, uid: str, email: str, password: str, **fields: object) -> None:
        """Create an account, as the Firebase console does."""
        await self._administer("", localId=uid, email=email, password=password, **fields)

    async def change(self, uid: str, **fields: object) -> None:
        """Change an account, e.g. ``disableUser`` or ``customAttributes``."""
        await self._administer(":update", localId=uid, **fields)

    async def delete(self, uid: str) -> None:
        """Delete an account."""
        await self._administer(":delete", localId=uid)

    async def _administer(self, verb: str, **fields: object) -> None:
        path = f"identitytoolkit.googleapis.com/v1/projects/{self.project}/accounts{verb}"
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/{path}", headers=OWNER, json=fields)
        assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def serving_auth(folder: Path, project: str) -> Iterator[AuthEmulator]:
    """Run an Auth emulator, or skip the test with the reason."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("There is no node on the PATH: apt-get install nodejs npm")
    ensure_firebase_tools()
    auth, hub, logging = find_free_port(), find_free_port(), find_free_port()
    emulators = {
        "auth": {"host": LOOPBACK, "port": auth},
        "hub": {"port": hub},
        "logging": {"port": logging},
        "ui": {"enabled": False},
    }
    (folder / "firebase.json").write_text(json.dumps({"emulators": emulators}))
    command = [node, str(PROGRAM), "emulators:start", "--only", "auth", "--project", project]
    # It writes logs to its working directory.
    there = ["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *command]
    url = f"http://{LOOPBACK}:{auth}"
    with run_process(there, print) as child:
        wait_until_reachable(url, START_SECONDS, child)
        yield AuthEmulator(url, project)


def ensure_firebase_tools() -> None:
    """Install firebase-tools if this is the soak; it is large."""
    npm = shutil.which("npm")
    if PROGRAM.exists():
        return
    if not SOAK or npm is None:
        pytest.skip(f"There is no firebase-tools in {HOME}: `make soak` fetches it, given npm")
    quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    fetch = [npm, "install", "--prefix", str(HOME), *quietly, f"firebase-tools@{VERSION}"]
    try:
        subprocess.run(fetch, timeout=FETCH_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(HOME, ignore_errors=True)
        pytest.skip(f"firebase-tools cannot be fetched: {error}")
