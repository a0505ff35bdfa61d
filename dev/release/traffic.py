"""`python3 -m dev.release.traffic FIELD FILE`: read a service that gcloud described in JSON."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CANDIDATE_TAG = "candidate"


def main() -> None:
    """Print one field of a service."""
    field, file = sys.argv[1:]
    service = read_service(Path(file))
    try:
        print(FIELDS[field](service))
    except LookupError as error:
        sys.exit(str(error))


def read_service(file: Path) -> dict[str, Any]:
    """Return a described service."""
    return dict(json.loads(file.read_text()))


def get_service_url(service: Mapping[str, Any]) -> str:
    """Return the address of a service, which is also the audience of its tokens."""
    return str(service["status"]["url"])


def find_serving_revision(service: Mapping[str, Any]) -> str:
    """Return the revision with most of the traffic.

    Raises:
        LookupError: No revision has traffic.
    """
    # A target with a tag alone has no percentage.
    targets = [target for target in service["status"].get("traffic", []) if target.get("percent")]
    if not targets:
        name = service["metadata"]["name"]
        raise LookupError(
            f"{name} has no revision with traffic. Read its logs and repair it first."
        )
    return str(max(targets, key=lambda target: target["percent"])["revisionName"])


def find_candidate_revision(service: Mapping[str, Any]) -> str:
    """Return the revision with the tag of a release."""
    return str(_find_candidate(service)["revisionName"])


def find_candidate_url(service: Mapping[str, Any]) -> str:
    """Return the address of the revision with the tag of a release."""
    return str(_find_candidate(service)["url"])


def _find_candidate(service: Mapping[str, Any]) -> Mapping[str, Any]:
    targets: list[dict[str, Any]] = service["status"]["traffic"]
    [target] = [target for target in targets if target.get("tag") == CANDIDATE_TAG]
    return target


FIELDS = {
    "url": get_service_url,
    "serving": find_serving_revision,
    "candidate": find_candidate_revision,
}

if __name__ == "__main__":
    main()
