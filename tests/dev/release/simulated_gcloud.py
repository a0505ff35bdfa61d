"""A `gcloud`, an `npx` and a `sleep` that keep the state of a project in a file.

It runs as a program. Traffic follows the sources of the Cloud SDK 528 (`api_lib/run/traffic.py`):
a deployment moves traffic only if a target is "latest"; `--no-traffic` gives that target's share to
the revision that served before; `--to-revisions` pins. Channels of the page's site follow the
sources of firebase-tools 15.34 (`commands/hosting-clone.js`). Indexes are built after as many
`sleep` as the state says. Everything else is recorded and answered.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STATE = HERE / "state.json"
GROUPS = "projects/p/databases/(default)/collectionGroups"
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
        sys.stdout.write(change_state(names, flags, state) or answer(names, flags, state))
    elif program == "npx":
        sys.stdout.write(run_firebase(names[1:], flags, state))
    else:  # asleep
        state["sleeps_until_built"] -= 1
        if state["index_state"] == "CREATING" and state["sleeps_until_built"] <= 0:
            state["index_state"] = "READY"
    STATE.write_text(json.dumps(state))
    return 0


def change_state(names: list[str], flags: dict[str, str], state: dict[str, Any]) -> str:
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
            return submit_build(flags, state)
    return ""


def answer(names: list[str], flags: dict[str, str], state: dict[str, Any]) -> str:
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
            output = list_composite_indexes(state)
        case ["secrets", "versions", "access", _]:
            output = {"webhookSecrets": [state["canary_secret"]]}
        case ["auth", *_]:
            output = "token"
    return output if isinstance(output, str) else json.dumps(output)


def submit_build(flags: dict[str, str], state: dict[str, Any]) -> str:
    """Build an image, whose digest depends on its tag. A comment in main.py says if it works."""
    if flags["config"] != "cloudbuild.image.yaml":
        return ""
    image = flags["substitutions"].split(",")[0].removeprefix("_IMAGE=")
    tag = image.rpartition(":")[2]
    digest = "sha256:" + hashlib.sha256(tag.encode()).hexdigest()
    state["images"][tag] = digest
    state["broken"][digest] = Path("main.py").read_text().partition("# broken: ")[2].strip()
    return digest


def list_composite_indexes(state: dict[str, Any]) -> list[dict[str, Any]]:
    indexes = json.loads(Path("firestore.indexes.json").read_text())["indexes"]
    return [
        {
            "name": f"{GROUPS}/{index['collectionGroup']}/indexes/1",
            "queryScope": index["queryScope"],
            "fields": [*index["fields"], {"fieldPath": "__name__", "order": "ASCENDING"}],
            "state": state["index_state"],
        }
        for index in indexes
    ]


def run_firebase(names: list[str], flags: dict[str, str], state: dict[str, Any]) -> str:
    """Carry out a command of firebase-tools; return its output."""
    channels = state["channels"]
    match names:
        case ["deploy"]:
            state["fields"] = deploy_fields()
        case ["hosting:channel:deploy", channel]:
            version = f"version-{len(state['page_versions']) + 1}"
            # A comment in the page says if it works.
            page = Path("public/index.html").read_text()
            state["page_versions"][version] = page.partition("<!-- broken: ")[2].partition(" -->")[
                0
            ]
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


def deploy_fields() -> list[dict[str, Any]]:
    """Return the fields with settings of their own as gcloud prints them after a deployment."""
    overrides = json.loads(Path("firestore.indexes.json").read_text())["fieldOverrides"]
    return [
        {
            "name": f"{GROUPS}/{row['collectionGroup']}/fields/{row['fieldPath']}",
            "indexConfig": {
                "indexes": [
                    {
                        "queryScope": index["queryScope"],
                        "fields": [{"fieldPath": row["fieldPath"], "order": index["order"]}],
                        "state": "READY",
                    }
                    for index in row["indexes"]
                ]
            },
            **({"ttlConfig": {"state": "ACTIVE"}} if row.get("ttl") else {}),
        }
        for row in overrides
    ]


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


def describe_service(service: str, state: dict[str, Any]) -> dict[str, Any]:
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
    status = {"url": f"{state['server']}/{service}/live", "traffic": traffic}
    return {"metadata": {"name": service}, "status": status}


if __name__ == "__main__":
    sys.exit(main())
