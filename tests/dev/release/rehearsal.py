"""Run the steps of cloudbuild.yaml against a simulated Google Cloud.

The scripts run unchanged in bash. `gcloud`, `npx` and `sleep` send their arguments to a simulation
in this process. The four services are a server in this process, whose revisions work or do not.
"""

import copy
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from typing_extensions import override

from dev.bootstrap import ROOT
from sandbox.webhook_senders import encode_signing_secret
from tests.dev.release.build_parser import read_build
from tests.dev.release.simulated_cloud import SimulatedCloud, install_programs

SERVICES = ("opentable-webhook", "opentable-poll", "opentable-reconcile", "api")
PROJECT = "restaurants-production"
DIGEST = f"@sha256:{'a' * 64}"
_WORKSPACE = ("functions", "shared", "sandbox", "deploy", "dev/release", "public")
_FILES = (
    "main.py",
    "requirements.txt",
    "dev/__init__.py",
    "dev/page.py",
    "*.yaml",
    "firestore.*",
    "firebase.json",
)
_PAGE_URL = "https://$site.web.app"
_SECONDS = 120


@dataclass(slots=True)
class Rehearsal:
    """A project in which builds can be run.

    Attributes:
        workspace: The source of the release, which a test may change.
    """

    workspace: Path
    programs: Path
    server: str
    cloud: SimulatedCloud
    last_output: str = ""

    def serving(self) -> dict[str, str]:
        """Return the revision with the traffic of each service."""
        return {
            service: target["revisionName"]
            for service, row in self.cloud.state["services"].items()
            for target in row["traffic"]
            if target["percent"] == 100
        }

    def return_to(self, revisions: Mapping[str, str]) -> None:
        """Move the traffic by hand, as docs/deploy.md describes."""
        for service, revision in revisions.items():
            words = ["run", "services", "update-traffic", service, f"--to-revisions={revision}=100"]
            status, output = self.cloud.execute("gcloud", words, self.workspace)
            assert status == 0, output

    def commit(self, comment: str) -> None:
        """Change the source. After "broken: live" it works until it has the traffic."""
        with (self.workspace / "main.py").open("a") as file:
            file.write(f"# {comment}\n")

    def change_page(self, comment: str) -> None:
        """Change the page. After "broken: live" it works until it is published."""
        with (self.workspace / "public" / "index.html").open("a") as file:
            file.write(f"<!-- {comment} -->\n")

    def commands(self, *words: str) -> list[list[str]]:
        """Return the recorded commands of the last build that contain words."""
        return [command for command in self.cloud.commands if set(words) <= set(command)]

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state of the project and to the source of this repository."""
        self.cloud.state = copy.deepcopy(state)
        _copy_source(self.workspace)

    def copy(self, folder: Path) -> "Rehearsal":
        """Return the project, its source and the commands of the last build as they are now."""
        workspace = Path(shutil.copytree(self.workspace, folder / "workspace"))
        return replace(self, workspace=workspace, cloud=copy.deepcopy(self.cloud))

    def run(self, *steps: str, **substitutions: str) -> str | None:
        """Run a build; return the id of the step that failed, None for a successful build.

        Args:
            steps: Ids of the steps to run; all by default.
            substitutions: Substitutions of the build.
        """
        self.cloud.commands.clear()
        shutil.rmtree(self.workspace / "build", ignore_errors=True)
        if steps:
            (self.workspace / "build").mkdir()  # by the first step of a whole build
        chosen = steps or [step["id"] for step in _read_release_build()["steps"]]
        return next((step for step in chosen if not self.run_step(step, **substitutions)), None)

    def run_step(self, step_id: str, **substitutions: str) -> bool:
        """Run one step of a build; return whether it succeeds."""
        build = _read_release_build()
        [script] = [step["script"] for step in build["steps"] if step["id"] == step_id]
        pinned = {
            name: value.partition(":")[0] + DIGEST
            for name, value in build["substitutions"].items()
            if name.endswith("_IMAGE")
        }
        completed = subprocess.run(
            # The public address of the page is this process too.
            ["bash", "-c", script.replace(_PAGE_URL, f"{self.server}/page/live")],
            cwd=self.workspace,
            env={
                "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
                "PROJECT_ID": PROJECT,
                "BUILD_ID": "build-1",
                "FIRESTORE_EMULATOR_HOST": self.server.removeprefix("http://"),
                **build["substitutions"],
                **pinned,
                **substitutions,
            },
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        self.last_output = completed.stdout + completed.stderr
        return completed.returncode == 0


def _copy_source(workspace: Path) -> None:
    for name in _WORKSPACE:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, workspace / name, ignore=ignored, dirs_exist_ok=True)
    for pattern in _FILES:
        for file in ROOT.glob(pattern):
            shutil.copy(file, workspace / file.relative_to(ROOT))


@functools.cache
def _read_release_build() -> dict[str, Any]:
    return read_build(ROOT / "cloudbuild.yaml")


@contextmanager
def rehearse(folder: Path) -> Iterator[Rehearsal]:
    """Set up a project with Terraform's empty services for a `with` block."""
    workspace, programs = folder / "workspace", folder / "programs"
    _copy_source(workspace)
    programs.mkdir()
    # A version manager would take longer to find it.
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hello = {"labels": {}, "image": "us-docker.pkg.dev/cloudrun/container/hello"}
    services = {
        service: {
            "revisions": {f"{service}-00001-abc": hello},
            "traffic": [{"revisionName": f"{service}-00001-abc", "percent": 100, "latest": True}],
        }
        for service in SERVICES
    }
    url = f"http://127.0.0.1:{server.server_port}"
    cloud = SimulatedCloud(
        {
            "server": url,
            "services": services,
            "images": {},
            "broken": {},
            "fields": [],
            "index_state": "CREATING",
            "sleeps_until_built": 1,
            "other_releases": "",
            "channels": {},
            "page_versions": {},
            "failing": [],
            "canary_secret": encode_signing_secret(b"k" * 32),
        }
    )
    server.rehearsal = Rehearsal(workspace, programs, url, cloud)
    try:
        with install_programs(programs, cloud):
            yield server.rehearsal
    finally:
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    rehearsal: Rehearsal


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the four services, Firestore and Hosting do."""

    server: _Server
    _last_event_id = ""

    def do_GET(self) -> None:
        if self.path.startswith("/page/"):
            channel = self.path.split("/")[2]
            state = self.server.rehearsal.cloud.state
            broken_at = state["page_versions"][state["channels"][channel]]
            is_broken = broken_at in {"everywhere", channel}
            self._send(404 if is_broken else 200, {})
        elif self.path.startswith("/v1/"):
            self._send(200, {"fields": {"eventId": _Handler._last_event_id}})
        elif self.path.endswith("/health"):
            self._send(401, {"error": {"code": "UNAUTHENTICATED"}})
        else:
            self._answer({"paths": {"/api/restaurants": {}}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "eventType" in body:
            _Handler._last_event_id = body["id"]
            self._answer({"status": "created", "reservationId": "opentable-smoke-test"})
        elif "dryRun" in body:
            self._answer({"reports": [{"status": "DRY_RUN"}]})
        else:
            self._answer({"results": [{"status": "ok"}]})

    def _answer(self, document: dict[str, Any]) -> None:
        """Answer as the revision at the address; 404 if its image does not work there."""
        service, address = self.path.strip("/").split("/")[:2]
        rehearsal = self.server.rehearsal
        state = rehearsal.cloud.state
        revision = rehearsal.serving()[service] if address == "live" else address
        digest = state["services"][service]["revisions"][revision]["image"].rpartition("@")[2]
        is_broken = state["broken"].get(digest) in {"everywhere", address}
        self._send(404 if is_broken else 200, document)

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""
