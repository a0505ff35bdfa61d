"""Which revision of each function serves: remembered, replaced, and served again if need be."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.deploy.functions import (
    ROOT,
    content,
    describe_service,
    labelled,
    serve_revision,
)
from dev.deploy.gcloud import GcloudError, answer, run
from dev.deploy.target import Target

REMEMBERED = ROOT / "build" / "serving.json"
"""Revision by function, None for one that was not deployed; kept from step to step of a build."""


def remember(target: Target, file: Path = REMEMBERED) -> None:
    """Write down which revision of each function serves now."""
    serving = {name: _serving(_service(target, name)) for name in target.functions}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(serving, indent=2) + "\n")


def release(target: Target, name: str) -> None:
    """Deploy a function, unless exactly this is what serves.

    Raises:
        GcloudError: It could not be deployed.
    """
    if is_current(_service(target, name), content(target, name)):
        print(f"{name} is what it should be.", flush=True)
    else:
        run(labelled(target, name))


def roll_back(target: Target, file: Path = REMEMBERED) -> list[str]:
    """Have every function served by the revision that served before.

    Returns:
        The functions that had none before, and so stay as they are.

    Raises:
        GcloudError: One could not be rolled back; the others were, or were tried.
    """
    serving: dict[str, str | None] = json.loads(file.read_text())
    failed = []
    for name, revision in serving.items():
        try:
            if revision:
                run(serve_revision(target, name, revision))
        except GcloudError as error:
            failed.append(str(error))
    if failed:
        raise GcloudError("; ".join(failed))
    return [name for name, revision in serving.items() if not revision]


def is_current(service: Mapping[str, Any], wanted: str) -> bool:
    """Tell whether the service behind a function serves just what would be deployed.

    Args:
        service: As Cloud Run describes it; empty where there is none.
        wanted: The checksum of what would be deployed.
    """
    labels = service.get("metadata", {}).get("labels", {})
    return labels.get("content") == wanted and _serves_latest(service)


def _serves_latest(service: Mapping[str, Any]) -> bool:
    """Whether everything goes to the latest revision: after a rollback it does not."""
    traffic = service.get("status", {}).get("traffic", [])
    return [row.get("latestRevision") for row in traffic if row.get("percent")] == [True]


def _serving(service: Mapping[str, Any]) -> str | None:
    traffic = service.get("status", {}).get("traffic", [])
    busiest: Mapping[str, Any] = max(traffic, key=lambda row: row.get("percent", 0), default={})
    return busiest.get("revisionName")


def _service(target: Target, name: str) -> dict[str, Any]:
    return dict(json.loads(answer(describe_service(target, name)) or "{}"))
