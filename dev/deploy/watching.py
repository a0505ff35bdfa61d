"""Log-based metrics, alarms and the dashboard: one file each in `infra/`."""

import json
from pathlib import Path

from dev.deploy.gcloud import Ensured, Words, gcloud, read_output
from dev.deploy.target import Target

FOLDER = Path(__file__).resolve().parents[2] / "infra"
DASHBOARD = FOLDER / "dashboard.json"
# gcloud 528 has no command for alarms outside its alpha track.
_POLICIES = ("alpha", "monitoring", "policies")
_DASHBOARDS = ("monitoring", "dashboards")


def metric_files() -> list[Path]:
    """Return the files of the log-based metrics; a metric is named after its file."""
    return sorted((FOLDER / "metrics").glob("*.json"))


def alarm_files() -> list[Path]:
    """Return the files of the alarms."""
    return sorted((FOLDER / "alerts").glob("*.json"))


def metric(target: Target, file: Path) -> Ensured:
    """Return the step to create or update a log-based metric."""
    metrics, project = ("logging", "metrics"), target.project
    return Ensured(
        look=gcloud(*metrics, "describe", file.stem, project=project),
        create=gcloud(*metrics, "create", file.stem, project=project, config_from_file=str(file)),
        update=gcloud(*metrics, "update", file.stem, project=project, config_from_file=str(file)),
    )


def look_up_alarm(target: Target, file: Path) -> Words:
    """Return the command that prints an alert policy's resource name, nothing for a new one."""
    return _look_up(target, file, _POLICIES, "value(name)")


def alarm(target: Target, file: Path, existing_name: str | None) -> Words:
    """Return the command to create or update an alert policy.

    Args:
        existing_name: The resource name of the existing policy.
    """
    flags = {"project": target.project, "policy_from_file": str(file)}
    channels = ",".join(target.alert)
    if existing_name:
        channel_flags = {"set_notification_channels": channels} if channels else {}
        return gcloud(*_POLICIES, "update", existing_name, **flags, **channel_flags)
    return gcloud(
        *_POLICIES, "create", **flags, **({"notification_channels": channels} if channels else {})
    )


def look_up_dashboard(target: Target) -> Words:
    """Return the command that prints the dashboard's resource name and etag."""
    return _look_up(target, DASHBOARD, _DASHBOARDS, "value(name,etag)")


def dashboard(target: Target, existing: str | None) -> Words:
    """Return the command to create or update the dashboard.

    Args:
        existing: Resource name and etag in one line, if it exists.
    """
    if not existing:
        file = str(DASHBOARD)
        return gcloud(*_DASHBOARDS, "create", project=target.project, config_from_file=file)
    name, etag = existing.split()
    config = json.dumps({**json.loads(DASHBOARD.read_text()), "etag": etag})
    return gcloud(*_DASHBOARDS, "update", name, project=target.project, config=config)


def find_single_resource(look: Words) -> str | None:
    """Return the output of a lookup.

    Raises:
        LookupError: There are several resources.
    """
    lines = (read_output(look) or "").splitlines()
    if len(lines) > 1:
        raise LookupError(f"Several are named alike, delete all but one: {lines}")
    return lines[0] if lines else None


def _look_up(target: Target, file: Path, group: tuple[str, ...], output_format: str) -> Words:
    name_filter = f'displayName="{json.loads(file.read_text())["displayName"]}"'
    return gcloud(*group, "list", project=target.project, filter=name_filter, format=output_format)
