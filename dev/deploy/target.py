"""Read an environment's file from `deploy/`: where to deploy, and in which sizes."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "deploy"
PUBLIC = ("opentable-webhook", "api")
"""They check each request themselves; Cloud Run lets nobody but the scheduler call the others."""
SCHEDULER = "opentable-scheduler"
"""Who calls the others: Cloud Scheduler, and the queues in its stead."""
QUEUE_OF = {
    "opentable-poll": "opentable-poll",
    "opentable-reconcile": "opentable-reconcile",
    "api": "opentable-poll",
}
"""The queue into which a function puts tasks."""
BUILDER = "opentable-build"


class TargetError(RuntimeError):
    """An environment's file is invalid; the message says what to correct."""


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function's sizes.

    Attributes:
        memory: As gcloud writes it, e.g. "512Mi".
        cpu: Whole virtual processors; at least 1 where several requests share an instance.
        concurrency: Most requests at once in one instance.
        min_instances: Instances that are kept warm.
        max_instances: Most instances.
        timeout: Seconds until Google cuts a request.
        settings: Its own environment variables, over the environment's.
    """

    memory: str
    cpu: int
    concurrency: int
    min_instances: int
    max_instances: int
    timeout: int
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """When the scheduler calls a function.

    Attributes:
        schedule: Five fields of cron, UTC.
        attempt_deadline: Seconds until the scheduler stops waiting for an answer.
        retries: How often it tries again before the next turn.
    """

    schedule: str
    attempt_deadline: int
    retries: int


@dataclass(frozen=True, slots=True)
class Queue:
    """How fast a queue of Cloud Tasks calls the function that it is named after.

    Attributes:
        per_second: Most calls begun in a second.
        at_once: Most calls under way.
        attempts: How often a call is made before it is given up.
        min_backoff: Least seconds before a call is made again.
        max_backoff: Most seconds before that.
    """

    per_second: float
    at_once: int
    attempts: int
    min_backoff: int
    max_backoff: int


@dataclass(frozen=True, slots=True)
class Target:
    """An environment.

    Attributes:
        name: Its file's, e.g. "production".
        project: Google Cloud project id.
        region: Of everything that has one.
        partner_secret: Secret Manager id of the partner's credential.
        canary: Id of the restaurant that the smoke test speaks for.
        alert: Resource names of the notification channels that alarms go to.
        settings: Environment variables of every function.
        functions: By the deployed name.
        jobs: By the name of the function that each calls.
        queues: The same.
    """

    name: str
    project: str
    region: str
    partner_secret: str
    canary: str
    alert: tuple[str, ...]
    settings: Mapping[str, str]
    functions: Mapping[str, Function]
    jobs: Mapping[str, Job]
    queues: Mapping[str, Queue]

    def account(self, name: str) -> str:
        """Return a service account's address, e.g. of "opentable-poll"."""
        return f"{name}@{self.project}.iam.gserviceaccount.com"


def account_of(function: str) -> str:
    """Return the name of a function's service account."""
    return function if function.startswith("opentable-") else f"opentable-{function}"


def read_target(name: str, folder: Path = FOLDER) -> Target:
    """Read an environment's file.

    Raises:
        TargetError: There is none, or an entry is missing, unknown or no TOML.
    """
    path = folder / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text())
        return Target(name=name, **{**table, **_parts(table)})
    except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError, AttributeError) as error:
        raise TargetError(f"{path} cannot be used: {error}") from error


def _parts(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "alert": tuple(table["alert"]),
        "functions": {name: Function(**row) for name, row in table["functions"].items()},
        "jobs": {name: Job(**row) for name, row in table["jobs"].items()},
        "queues": {name: Queue(**row) for name, row in table["queues"].items()},
    }
