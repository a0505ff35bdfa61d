"""Read what is deployed: a Cloud Run service, or a channel of the staff page's site.

`python3 -m dev.release.deployed service FIELD FILE` prints a field of a service that gcloud
described in JSON. `python3 -m dev.release.deployed channel FIELD CHANNEL` prints a field of a
channel, from the list that `firebase hosting:channel:list --json` wrote to `build/channels.json`.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CANDIDATE_TAG = "candidate"


def main() -> None:
    """Print one field of a service or channel."""
    kind, field, name = sys.argv[1:]
    if kind == "channel":
        output = json.loads(Path("build/channels.json").read_text())
        print(CHANNEL_FIELDS[field](find_channel(output, name)))
        return
    try:
        print(SERVICE_FIELDS[field](read_service(Path(name))))
    except LookupError as error:
        sys.exit(str(error))


def read_service(file: Path) -> dict[str, Any]:
    """Return a described service."""
    return dict(json.loads(file.read_text()))


def get_service_url(service: Mapping[str, Any]) -> str:
    """Return the address of a service, which is also the audience of its tokens."""
    return str(service["status"]["url"])


def find_serving_revision(service: Mapping[str, Any]) -> str:
    """Return the revision with most of the traffic."""
    # A target with only a tag has no percentage.
    targets = [target for target in service["status"].get("traffic", []) if target.get("percent")]
    if not targets:
        name = service["metadata"]["name"]
        problem = f"{name} has no revision with traffic. Read its logs and repair it first."
        raise LookupError(problem)
    return str(max(targets, key=lambda target: target["percent"])["revisionName"])


def find_candidate(service: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the traffic target with the tag of a release: its revision and address."""
    targets: list[dict[str, Any]] = service["status"]["traffic"]
    [target] = [target for target in targets if target.get("tag") == CANDIDATE_TAG]
    return target


def find_channel(output: Mapping[str, Any], channel_id: str) -> Mapping[str, Any]:
    """Return a channel, or an empty one if the site does not have it."""
    channels: list[dict[str, Any]] = output["result"]["channels"]
    named = [row for row in channels if row["name"].endswith(f"/channels/{channel_id}")]
    return named[0] if named else {}


def get_version(channel: Mapping[str, Any]) -> str:
    """Return the id of the version that a channel serves, empty before its first release."""
    # sites/SITE/versions/ID
    name: str = channel.get("release", {}).get("version", {}).get("name", "")
    return name.rpartition("/")[2]


SERVICE_FIELDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "url": get_service_url,
    "serving": find_serving_revision,
    "candidate": lambda service: str(find_candidate(service)["revisionName"]),
}
CHANNEL_FIELDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "url": lambda channel: str(channel["url"]),
    "version": get_version,
}

if __name__ == "__main__":
    main()
