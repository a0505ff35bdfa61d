"""Simulate a project for the commands `gcloud`, `npx` and `sleep` of a release.

Traffic follows the sources of the Cloud SDK 528 (`api_lib/run/traffic.py`): a deployment moves
traffic only if a target is "latest"; `--no-traffic` gives that target's share to the revision that
served before; `--to-revisions` pins. Channels of the page's site follow the sources of
firebase-tools 15.34 (`commands/hosting-clone.js`). Indexes are built after as many `sleep` as the
state says. Everything else is recorded and answered.
"""

import hashlib
import json
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typing_extensions import override

GROUPS = "projects/p/databases/(default)/collectionGroups"
PROGRAMS = ("gcloud", "npx", "sleep")
Flags = dict[str, str]
State = dict[str, Any]
# Sends its folder, name and arguments to this process, and ends with the received status.
_CLIENT = r"""#!/usr/bin/env bash
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\0' "$#" "$PWD" "${{0##*/}}" "$@" >&3
read -r status <&3 || exit
if ((status)); then cat <&3 >&2; else cat <&3; fi
exit "$status"
"""


@dataclass(slots=True)
class SimulatedCloud:
    """A project, and the commands that it received."""

    state: State
    commands: list[list[str]] = field(default_factory=list)

    def execute(self, program: str, words: Sequence[str], folder: Path) -> tuple[int, str]:
        """Record a command and change the state; return the exit status and the output."""
        self.commands.append([program, *words])
        line, state = " ".join(words), self.state
        if any(failing in line for failing in state["failing"]):
            return 1, "ERROR: HttpError 503: The service is currently unavailable.\n"
        pairs = (word[2:].partition("=") for word in words if word.startswith("--"))
        flags = {name: value for name, _, value in pairs}
        names = [word for word in words if not word.startswith("--")]
        if program == "gcloud":
            changed = change_state(names, flags, state, folder)
            return 0, changed or answer(names, flags, state, folder)
        if program == "npx":
            return 0, run_firebase(names[1:], flags, state, folder)
        state["sleeps_until_built"] -= 1
        if state["index_state"] == "CREATING" and state["sleeps_until_built"] <= 0:
            state["index_state"] = "READY"
        return 0, ""


@contextmanager
def install_programs(folder: Path, cloud: SimulatedCloud) -> Iterator[None]:
    """Install the programs in a folder for a `with` block."""

    class Handler(socketserver.StreamRequestHandler):
        @override
        def handle(self) -> None:
            def read() -> str:
                return b"".join(iter(lambda: self.rfile.read(1), b"\0")).decode()

            count, directory, program = int(read()), Path(read()), read()
            status, output = cloud.execute(program, [read() for _ in range(count)], directory)
            self.wfile.write(f"{status}\n{output}".encode())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        for name in PROGRAMS:
            program = folder / name
            program.write_text(_CLIENT.format(port=server.server_address[1]))
            program.chmod(0o755)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def change_state(names: list[str], flags: Flags, state: State, folder: Path) -> str:
    """Carry out a command that changes the state; return its output."""
    match names:
        case ["run", "deploy", service]:
            deploy(state["services"][service], service, flags)
        case ["run", "services", "update-traffic", service]:
            revision, _, percent = flags["to-revisions"].partition("=")
            row = state["services"][service]
            if revision not in row["revisions"]:
                raise LookupError(revision)
            tags = [{**target, "percent": 0} for target in row["traffic"] if "tag" in target]
            row["traffic"] = [*tags, {"revisionName": revision, "percent": int(percent)}]
        case ["builds", "submit", ".", *_]:
            return submit_build(flags, state, folder)
    return ""


def answer(names: list[str], flags: Flags, state: State, folder: Path) -> str:
    """Return the output of a command that changes nothing."""
    output: Any = ""
    match names:
        case ["run", "services", "describe", service]:
            output = describe_service(service, state)
        case ["run", "revisions", "describe", revision]:
            [output] = [
                row["revisions"][revision]["labels"].get("release", "")
                for row in state["services"].values()
                if revision in row["revisions"]
            ]
        case ["builds", "list"]:
            output = state["other_releases"]
        case ["artifacts", "docker", "tags", "list", _]:
            output = state["images"].get(flags["filter"].removeprefix("tag~"), "")
        case ["firestore", "indexes", "fields", "list"]:
            output = state["fields"]
        case ["firestore", "indexes", "composite", "list"]:
            output = list_composite_indexes(state, folder)
        case ["secrets", "versions", "access", _]:
            output = {"webhookSecrets": [state["canary_secret"]]}
        case ["auth", *_]:
            output = "token"
    return output if isinstance(output, str) else json.dumps(output)


def submit_build(flags: Flags, state: State, folder: Path) -> str:
    """Build an image, whose digest depends on its tag. A comment in main.py says if it works."""
    if flags["config"] != "cloudbuild.image.yaml":
        return ""
    image = flags["substitutions"].split(",")[0].removeprefix("_IMAGE=")
    tag = image.rpartition(":")[2]
    digest = "sha256:" + hashlib.sha256(tag.encode()).hexdigest()
    state["images"][tag] = digest
    state["broken"][digest] = (folder / "main.py").read_text().partition("# broken: ")[2].strip()
    return digest


def list_composite_indexes(state: State, folder: Path) -> list[dict[str, Any]]:
    indexes = json.loads((folder / "firestore.indexes.json").read_text())["indexes"]
    return [
        {
            "name": f"{GROUPS}/{index['collectionGroup']}/indexes/1",
            "queryScope": index["queryScope"],
            "fields": [*index["fields"], {"fieldPath": "__name__", "order": "ASCENDING"}],
            "state": state["index_state"],
        }
        for index in indexes
    ]


def run_firebase(names: list[str], flags: Flags, state: State, folder: Path) -> str:
    """Carry out a command of firebase-tools; return its output."""
    channels = state["channels"]
    match names:
        case ["deploy"]:
            state["fields"] = deploy_fields(folder)
        case ["hosting:channel:deploy", channel]:
            version = f"version-{len(state['page_versions']) + 1}"
            # A comment in the page says if it works.
            comment = (folder / "public/index.html").read_text().partition("<!-- broken: ")[2]
            state["page_versions"][version] = comment.partition(" -->")[0]
            channels[channel] = version
        case ["hosting:channel:list"]:
            rows: list[dict[str, Any]] = [
                {
                    "name": f"projects/p/sites/{flags['site']}/channels/{channel}",
                    "url": f"{state['server']}/page/{channel}",
                    "release": {"version": {"name": f"sites/s/versions/{version}"}},
                }
                for channel, version in channels.items()
            ]
            if "live" not in channels:  # a site always has it
                rows.append({"name": "projects/p/sites/s/channels/live", "url": "live"})
            return json.dumps({"status": "success", "result": {"channels": rows}})
        case ["hosting:clone", source, target]:
            version = source.partition("@")[2] or channels[source.partition(":")[2]]
            channels[target.partition(":")[2]] = version
    return ""


def deploy_fields(folder: Path) -> list[dict[str, Any]]:
    """Return the fields with settings of their own as gcloud prints them after a deployment."""
    fields = []
    for row in json.loads((folder / "firestore.indexes.json").read_text())["fieldOverrides"]:
        indexes = [
            {
                "queryScope": index["queryScope"],
                "fields": [{"fieldPath": row["fieldPath"], "order": index["order"]}],
                "state": "READY",
            }
            for index in row["indexes"]
        ]
        name = f"{GROUPS}/{row['collectionGroup']}/fields/{row['fieldPath']}"
        ttl = {"ttlConfig": {"state": "ACTIVE"}} if row.get("ttl") else {}
        fields.append({"name": name, "indexConfig": {"indexes": indexes}, **ttl})
    return fields


def deploy(row: dict[str, Any], service: str, flags: Flags) -> None:
    revision = f"{service}-{len(row['revisions']) + 1:05}-abc"
    labels = dict(pair.split("=") for pair in flags["update-labels"].split(","))
    row["revisions"][revision] = {"labels": labels, "image": flags["image"]}
    for target in row["traffic"]:
        if target.get("latest"):
            if "no-traffic" in flags:
                target.pop("latest")
            else:
                target["revisionName"] = revision
    if "tag" in flags:
        row["traffic"] = [target for target in row["traffic"] if target.get("tag") != flags["tag"]]
        row["traffic"].append({"revisionName": revision, "percent": 0, "tag": flags["tag"]})


def describe_service(service: str, state: State) -> dict[str, Any]:
    """Return a service as gcloud prints it; its addresses lead to the test's server."""
    traffic = []
    for target in state["services"][service]["traffic"]:
        shown = {"revisionName": target["revisionName"]}
        if target["percent"]:
            shown["percent"] = target["percent"]
        if "tag" in target:
            url = f"{state['server']}/{service}/{target['revisionName']}"
            shown |= {"tag": target["tag"], "url": url}
        traffic.append(shown)
    status = {"url": f"{state['server']}/{service}/live", "traffic": traffic}
    return {"metadata": {"name": service}, "status": status}
