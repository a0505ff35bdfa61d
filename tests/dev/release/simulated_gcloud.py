"""A `gcloud` (and `npx`) that keeps services, revisions and traffic in a file as Cloud Run does.

It runs as a program. Traffic follows the sources of the Cloud SDK 528 (`api_lib/run/traffic.py`):
a deployment moves traffic only if a target is "latest"; `--no-traffic` gives that target's share to
the revision that served before; `--to-revisions` pins. Everything else is recorded and answered.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STATE = HERE / "state.json"
COMMANDS = HERE / "commands.jsonl"


def main() -> int:
    """Record the command, change the state, print the output."""
    program, *words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    with COMMANDS.open("a") as commands:
        commands.write(json.dumps([program, *words]) + "\n")
    line = " ".join(words)
    state = json.loads(STATE.read_text())
    for failing in state["failing"]:
        if failing in line:
            sys.stderr.write("ERROR: HttpError 503: The service is currently unavailable.\n")
            return 1
    flags = {
        name: value
        for name, _, value in (word[2:].partition("=") for word in words if word.startswith("--"))
    }
    names = [word for word in words if not word.startswith("--")]
    if program == "gcloud":
        sys.stdout.write(change(names, flags, state) or answer(names, flags, state))
        STATE.write_text(json.dumps(state))
    return 0


def change(names: list[str], flags: dict[str, str], state: dict[str, Any]) -> str:
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
            return build(flags, state)
    return ""


def answer(names: list[str], flags: dict[str, str], state: dict[str, Any]) -> str:
    """Return the output of a command that changes nothing."""
    output: Any = ""
    match names:
        case ["run", "services", "describe", service]:
            output = describe(service, state)
        case ["run", "revisions", "describe", revision]:
            [output] = [
                row["revisions"][revision]["labels"].get("release", "")
                for row in state["services"].values()
                if revision in row["revisions"]
            ]
        case ["artifacts", "docker", "tags", "list", _]:
            output = state["images"].get(flags["filter"].removeprefix("tag~"), "")
        case ["firestore", "indexes", "fields", "list"]:
            output = state["fields"]
        case ["secrets", "versions", "access", _]:
            output = {"webhookSecrets": [state["canary_secret"]]}
        case ["auth", *_]:
            output = "token"
    return output if isinstance(output, str) else json.dumps(output)


def build(flags: dict[str, str], state: dict[str, Any]) -> str:
    """Build an image, whose digest depends on its tag. A comment in main.py says if it works."""
    if flags["config"] != "cloudbuild.image.yaml":
        return ""
    image = flags["substitutions"].split(",")[0].removeprefix("_IMAGE=")
    tag = image.rpartition(":")[2]
    digest = "sha256:" + hashlib.sha256(tag.encode()).hexdigest()
    state["images"][tag] = digest
    state["broken"][digest] = Path("main.py").read_text().partition("# broken: ")[2].strip()
    return digest


def deploy(row: dict[str, Any], service: str, flags: dict[str, str]) -> None:
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


def describe(service: str, state: dict[str, Any]) -> dict[str, Any]:
    """Return a service as gcloud prints it; its addresses lead to the test's server."""
    traffic = []
    for target in state["services"][service]["traffic"]:
        shown = {"revisionName": target["revisionName"]}
        if target["percent"]:
            shown["percent"] = target["percent"]
        if "tag" in target:
            shown |= {
                "tag": target["tag"],
                "url": f"{state['server']}/{service}/{target['revisionName']}",
            }
        traffic.append(shown)
    return {"status": {"url": f"{state['server']}/{service}/live", "traffic": traffic}}


if __name__ == "__main__":
    sys.exit(main())
