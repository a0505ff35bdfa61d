"""Run the steps of cloudbuild.yaml against a simulated Google Cloud.

The scripts run unchanged in bash. `gcloud`, `npx` and `sleep` send their arguments to a simulation
in this process. The four services are a server in this process, whose revisions work or do not.
"""

import copy
import functools
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dev.bootstrap import ROOT
from sandbox.webhook_senders import encode_signing_secret
from tests.dev.commands import run_program
from tests.dev.http_server import serve_http
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
        environment = {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "PROJECT_ID": PROJECT,
            "BUILD_ID": "build-1",
            "FIRESTORE_EMULATOR_HOST": self.server.removeprefix("http://"),
            **build["substitutions"],
            **pinned,
            **substitutions,
        }
        # The public address of the page is this process too.
        script = script.replace(_PAGE_URL, f"{self.server}/page/live")
        completed = run_program("bash", "-c", script, cwd=self.workspace, env=environment)
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
    hello = {"labels": {}, "image": "us-docker.pkg.dev/cloudrun/container/hello"}
    services = {
        service: {
            "revisions": {f"{service}-00001-abc": hello},
            "traffic": [{"revisionName": f"{service}-00001-abc", "percent": 100, "latest": True}],
        }
        for service in SERVICES
    }
    cloud = SimulatedCloud(
        {
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
    rehearsal = Rehearsal(workspace, programs, "", cloud)
    headers = {"Content-Security-Policy": "default-src 'self'"}
    with (
        install_programs(programs, cloud),
        serve_http(_Services(rehearsal).respond, **headers) as url,
    ):
        rehearsal.server = cloud.state["server"] = url
        yield rehearsal


@dataclass(slots=True)
class _Services:
    """Answers as the four services, Firestore and Hosting do."""

    rehearsal: Rehearsal
    last_event_id: str = ""

    def respond(self, path: str, body: bytes) -> tuple[int, bytes]:
        status, document = self._post(path, json.loads(body)) if body else self._get(path)
        return status, json.dumps(document).encode()

    def _get(self, path: str) -> tuple[int, dict[str, Any]]:
        if path.startswith("/page/"):
            channel = path.split("/")[2]
            state = self.rehearsal.cloud.state
            broken_at = state["page_versions"][state["channels"][channel]]
            return (404 if broken_at in {"everywhere", channel} else 200), {}
        if path.startswith("/v1/"):
            return 200, {"fields": {"eventId": self.last_event_id}}
        if path.endswith("/health"):
            return 401, {"error": {"code": "UNAUTHENTICATED"}}
        return self._get_status(path), {"paths": {"/api/restaurants": {}}}

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status = self._get_status(path)
        if "eventType" in body:
            self.last_event_id = body["id"]
            return status, {"status": "created", "reservationId": "opentable-smoke-test"}
        if "dryRun" in body:
            return status, {"reports": [{"status": "DRY_RUN"}]}
        return status, {"results": [{"status": "ok"}]}

    def _get_status(self, path: str) -> int:
        """Return 404 if the image of the revision at the address does not work there."""
        service, address = path.strip("/").split("/")[:2]
        state = self.rehearsal.cloud.state
        revision = self.rehearsal.serving()[service] if address == "live" else address
        digest = state["services"][service]["revisions"][revision]["image"].rpartition("@")[2]
        return 404 if state["broken"].get(digest) in {"everywhere", address} else 200
