"""Log-based metrics, alarms and the dashboard: one file each in `monitoring/`."""

import json
from pathlib import Path

from dev.deploy.gcloud import Ensured, Words, gcloud, read_output
from dev.deploy.target import Target

FOLDER = Path(__file__).resolve().parents[2] / "monitoring"
DASHBOARD = FOLDER / "dashboard.json"
# gcloud 528 has no command for alarms outside its alpha track.
_POLICIES = ("alpha", "monitoring", "policies")
_DASHBOARDS = ("monitoring", "dashboards")


def metric_files() -> list[Path]:
    """Return the files of the log-based metrics; a metric is named after its file."""
    return sorted((FOLDER / "metrics").glob("*.json"))


def alarm_files() -> list[Path]:
    """Return the files of the alarms."""
    return sorted((FOLDER / "alarms").glob("*.json"))


def metric(target: Target, file: Path) -> Ensured:
    """Return the step that brings a log-based metric up to date."""
    metrics, project = ("logging", "metrics"), target.project
    return Ensured(
        look=gcloud(*metrics, "describe", file.stem, project=project),
        create=gcloud(*metrics, "create", file.stem, project=project, config_from_file=str(file)),
        update=gcloud(*metrics, "update", file.stem, project=project, config_from_file=str(file)),
    )


def look_up_alarm(target: Target, file: Path) -> Words:
    """Return the command that prints the resource name of an alarm, nothing where it is new."""
    return _look_up(target, file, _POLICIES, "value(name)")


def alarm(target: Target, file: Path, existing_name: str | None) -> Words:
    """Return the command that brings an alarm up to date.

    Args:
        target: The environment, whose notification channels it goes to.
        file: The alarm's.
        existing_name: The resource name under which it stands already.
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
    """Return the command that prints the dashboard's resource name and its present etag."""
    return _look_up(target, DASHBOARD, _DASHBOARDS, "value(name,etag)")


def dashboard(target: Target, existing: str | None) -> Words:
    """Return the command that brings the dashboard up to date.

    Args:
        target: The environment.
        existing: Its resource name and its etag, in one line, where it stands already.
    """
    if not existing:
        file = str(DASHBOARD)
        return gcloud(*_DASHBOARDS, "create", project=target.project, config_from_file=file)
    name, etag = existing.split()
    config = json.dumps({**json.loads(DASHBOARD.read_text()), "etag": etag})
    return gcloud(*_DASHBOARDS, "update", name, project=target.project, config=config)


def find_single_resource(look: Words) -> str | None:
    """Return what a look prints.

    Raises:
        LookupError: When there are several of it: nobody can tell which one is meant.
    """
    lines = (read_output(look) or "").splitlines()
    if len(lines) > 1:
        raise LookupError(f"Several are named alike, delete all but one: {lines}")
    return lines[0] if lines else None


def _look_up(target: Target, file: Path, group: tuple[str, ...], output_format: str) -> Words:
    name_filter = f'displayName="{json.loads(file.read_text())["displayName"]}"'
    return gcloud(*group, "list", project=target.project, filter=name_filter, format=output_format)
