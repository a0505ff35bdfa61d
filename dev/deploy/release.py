"""Record, replace and restore the serving revision of each function."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.deploy.functions import (
    ROOT,
    compute_content_checksum,
    deploy_with_label,
    describe_service,
    serve_revision,
)
from dev.deploy.gcloud import GcloudError, read_output, run
from dev.deploy.target import Target

REMEMBERED = ROOT / "build" / "serving.json"
"""Revision by function, None for one that was not deployed; kept from step to step of a build."""


def record_serving_revisions(target: Target, file: Path = REMEMBERED) -> None:
    """Record the serving revision of each function."""
    serving = {name: _serving_revision(_read_service(target, name)) for name in target.functions}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(serving, indent=2) + "\n")


def release(target: Target, name: str) -> None:
    """Deploy a function, unless the serving revision has the same content.

    Raises:
        GcloudError: It could not be deployed.
    """
    if is_current(_read_service(target, name), compute_content_checksum(target, name)):
        print(f"{name} is what it should be.", flush=True)
    else:
        run(deploy_with_label(target, name))


def roll_back(target: Target, file: Path = REMEMBERED) -> list[str]:
    """Restore the recorded revision of every function.

    Returns:
        The functions without a recorded revision, left unchanged.

    Raises:
        GcloudError: One could not be rolled back; the others were tried.
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


def is_current(service: Mapping[str, Any], checksum: str) -> bool:
    """Return whether a function's service has the content to deploy.

    Args:
        service: As Cloud Run describes it; empty if there is none.
        checksum: The checksum of the content to deploy.
    """
    labels = service.get("metadata", {}).get("labels", {})
    return labels.get("content") == checksum and _serves_latest(service)


def _serves_latest(service: Mapping[str, Any]) -> bool:
    """Whether everything goes to the latest revision: after a rollback it does not."""
    traffic = service.get("status", {}).get("traffic", [])
    return [row.get("latestRevision") for row in traffic if row.get("percent")] == [True]


def _serving_revision(service: Mapping[str, Any]) -> str | None:
    traffic = service.get("status", {}).get("traffic", [])
    busiest: Mapping[str, Any] = max(traffic, key=lambda row: row.get("percent", 0), default={})
    return busiest.get("revisionName")


def _read_service(target: Target, name: str) -> dict[str, Any]:
    return dict(json.loads(read_output(describe_service(target, name)) or "{}"))
