"""Read and validate the environment variables when a function starts, and build safe URLs."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from msgspec import Meta, Struct, field
from msgspec.structs import fields

from shared.domain.normalization.canonical import (
    DEFAULT_MAX_TEXT_BYTES,
    MAX_TEXT_BYTES_LIMIT,
    MIN_TEXT_BYTES_LIMIT,
)
from shared.domain.validation import FieldReaders, InvalidFieldsError, read_struct
from shared.errors import InvalidSettingsError

MAX_RESTAURANTS_PER_TASK = 200
MIN_ANONYMIZE_AFTER_DAYS = 31


def validate_base_url(variable_name: str, value: str) -> str:
    """Return a base URL without its last slash, if it is safe to send a token to.

    Safe is https, or http to this machine (the simulator). `variable_name` is for the error.
    """
    try:
        url: SplitResult | None = urlsplit(value)
        _ = url and url.port  # access validates the port
    except ValueError:
        url = None
    if url is None or not url.hostname or "@" in url.netloc or url.query or url.fragment:
        raise InvalidSettingsError(f"{variable_name} must be a plain URL such as https://host.")
    is_loopback = url.hostname == "localhost"
    with suppress(ValueError):  # a name, not an address
        is_loopback = is_loopback or ip_address(url.hostname).is_loopback
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback):
        raise InvalidSettingsError(
            f"{variable_name} must be https, unless its host is this machine."
        )
    return url.geturl().rstrip("/")


def build_url(base: str, *path: str, query: Mapping[str, str] | None = None) -> str:
    """Return the URL of a path below a base, with every segment and value quoted.

    `base` comes from `validate_base_url`. A slash within a segment is quoted too.
    """
    segments = "/".join(quote(segment, safe="") for segment in path)
    return f"{base}/{segments}?{urlencode(query)}" if query else f"{base}/{segments}"


class Environment(Struct, frozen=True, kw_only=True):
    """All environment variables of the bundle, each with its meaning below it.

    `python -m dev settings` lists them in docs/settings.md.
    """

    project: str | None = field(default=None, name="GOOGLE_CLOUD_PROJECT")
    """The Google Cloud project. A deployed function does not start without it."""
    service: str | None = field(default=None, name="K_SERVICE")
    """The deployed function's name; set by Google."""
    firestore_emulator: str | None = field(default=None, name="FIRESTORE_EMULATOR_HOST")
    """Use the Firestore emulator there."""
    auth_emulator: str | None = field(default=None, name="FIREBASE_AUTH_EMULATOR_HOST")
    """Use the Auth emulator there."""
    api_url: str = field(default="https://platform.opentable.com", name="OPENTABLE_API_URL")
    """OpenTable's API. The bundle sends tokens to no other host."""
    oauth_url: str = field(default="https://oauth.opentable.com", name="OPENTABLE_OAUTH_URL")
    """OpenTable's token service."""
    webhook_url: str | None = field(default=None, name="WEBHOOK_URL")
    """The address of `opentable_webhook`, shown to managers and tested."""
    partner_secret: str | None = field(default=None, name="OPENTABLE_PARTNER_SECRET")
    """The secret that completes the secrets of all restaurants."""
    secrets_file: str | None = field(default=None, name="SECRETS_FILE")
    """A JSON file of secrets, with the Firestore emulator only."""
    webhook_deadline_seconds: Annotated[float, Meta(gt=0, le=60)] = field(
        default=8.0, name="WEBHOOK_DEADLINE_SECONDS"
    )
    """The time limit of a webhook; after it, 503 and the sender retries."""
    refetch_budget_seconds: Annotated[float, Meta(ge=0, le=10)] = field(
        default=1.5, name="HINT_BUDGET_SECONDS"
    )
    """The time limit to fetch OpenTable's row after a webhook's commit."""
    guest_budget_seconds: Annotated[float, Meta(ge=0, le=10)] = field(
        default=1.5, name="GUEST_BUDGET_SECONDS"
    )
    """The time limit to fetch a new guest after a webhook's commit."""
    lookback_seconds: Annotated[int, Meta(ge=1, le=172_800)] = field(
        default=900, name="POLL_LOOKBACK_SECONDS"
    )
    """How far before its cursor a poll begins."""
    quiet_poll_minutes: Annotated[int, Meta(ge=0, le=30)] = field(
        default=30, name="QUIET_POLL_MINUTES"
    )
    """How often a quiet restaurant with working webhooks is polled; 0 is at every run."""
    near_days_ahead: Annotated[int, Meta(ge=0, le=30)] = field(default=2, name="NEAR_DAYS_AHEAD")
    """How many days ahead the hourly reconciliation compares; the nightly one compares 30."""
    max_concurrent_restaurants: Annotated[int, Meta(ge=1, le=64)] = field(
        default=32, name="RESTAURANTS_AT_ONCE"
    )
    """How many restaurants a run processes at the same time."""
    run_budget_seconds: Annotated[float, Meta(gt=0, le=3500)] = field(
        default=480.0, name="RUN_BUDGET_SECONDS"
    )
    """The time limit of a poll or reconciliation; below the function's timeout."""
    fan_out_threshold: Annotated[int, Meta(ge=0, le=1_000_000)] = field(
        default=1_000, name="FAN_OUT_ABOVE"
    )
    """With a queue: if there are more restaurants, tasks are enqueued for them."""
    restaurants_per_task: Annotated[int, Meta(ge=1, le=MAX_RESTAURANTS_PER_TASK)] = field(
        default=32, name="RESTAURANTS_PER_TASK"
    )
    """With a queue: how many restaurants one task processes."""
    tasks_queue: str | None = field(default=None, name="TASKS_QUEUE")
    """The Cloud Tasks queue, `projects/…/locations/…/queues/…`."""
    tasks_target_url: str | None = field(default=None, name="TASKS_TARGET_URL")
    """The URL that the tasks call, without `/` and the function's name."""
    tasks_service_account: str | None = field(default=None, name="TASKS_SERVICE_ACCOUNT")
    """The service account that authenticates the tasks."""
    journal_retention_days: Annotated[int, Meta(ge=1, le=36_500)] = field(
        default=400, name="JOURNAL_RETENTION_DAYS"
    )
    """Days from a reservation's start until its journal expires."""
    quarantine_retention_days: Annotated[int, Meta(ge=1, le=36_500)] = field(
        default=90, name="QUARANTINE_RETENTION_DAYS"
    )
    """Days until a quarantined event expires."""
    report_retention_days: Annotated[int, Meta(ge=7, le=36_500)] = field(
        default=400, name="REPORT_RETENTION_DAYS"
    )
    """Days until a reconciliation report expires."""
    analytics_retention_days: Annotated[int, Meta(ge=31, le=36_500)] = field(
        default=1100, name="ANALYTICS_RETENTION_DAYS"
    )
    """Days until the counts of a day expire."""
    staff_change_retention_days: Annotated[int, Meta(ge=31, le=36_500)] = field(
        default=1100, name="STAFF_CHANGE_RETENTION_DAYS"
    )
    """Days until a recorded change of the staff expires."""
    anonymize_after_days: Annotated[int, Meta(ge=0, le=36_500)] = field(
        default=1100, name="ANONYMIZE_AFTER_DAYS"
    )
    """Days until a past reservation's personal data is removed; at least 31, or 0 for never."""
    api_requests_per_second: Annotated[float, Meta(gt=0, le=10_000)] = field(
        default=20.0, name="API_REQUESTS_PER_SECOND"
    )
    """Requests per second of a staff API user, per instance; bursts may have five times as many."""
    max_text_bytes: Annotated[int, Meta(ge=MIN_TEXT_BYTES_LIMIT, le=MAX_TEXT_BYTES_LIMIT)] = field(
        default=DEFAULT_MAX_TEXT_BYTES, name="MAX_TEXT_BYTES"
    )
    """The limit of a reservation's or guest's texts and lists; the rest is cut."""

    def __post_init__(self) -> None:
        """Reject variables that do not go together (`ValueError`, with what to do)."""
        if self.service and (self.firestore_emulator or self.auth_emulator):
            raise ValueError(
                "FIRESTORE_EMULATOR_HOST and FIREBASE_AUTH_EMULATOR_HOST must not be set on a "
                "deployed function: remove them and deploy again"
            )
        if self.service and not self.project:
            raise ValueError(
                "GOOGLE_CLOUD_PROJECT is not set: set it to the Google Cloud project and deploy "
                "again"
            )
        if self.secrets_file and not self.firestore_emulator:
            raise ValueError(
                "SECRETS_FILE is read with the Firestore emulator only: unset it, "
                "and keep the credentials in Secret Manager"
            )
        if 0 < self.anonymize_after_days < MIN_ANONYMIZE_AFTER_DAYS:
            raise ValueError(
                f"ANONYMIZE_AFTER_DAYS must be 0 or at least {MIN_ANONYMIZE_AFTER_DAYS}: "
                "reconciliations still correct younger reservations"
            )
        queue_variables = {
            "TASKS_QUEUE": self.tasks_queue,
            "TASKS_TARGET_URL": self.tasks_target_url,
            "TASKS_SERVICE_ACCOUNT": self.tasks_service_account,
        }
        missing = [name for name, value in queue_variables.items() if not value]
        # A local run queues in its own process and needs the URL only.
        is_local = self.firestore_emulator and missing == ["TASKS_QUEUE", "TASKS_SERVICE_ACCOUNT"]
        if missing and len(missing) < len(queue_variables) and not is_local:
            raise ValueError(
                f"{' and '.join(missing)} must be set too, or none of {', '.join(queue_variables)}"
            )

    def require_project(self) -> str:
        """Return the project, or raise `InvalidSettingsError` if none is set."""
        if not self.project:
            raise InvalidSettingsError("Set GOOGLE_CLOUD_PROJECT to the Google Cloud project.")
        return self.project


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Validate environment variables. An empty one counts as unset.

    Raises:
        InvalidSettingsError: The text has the name of each unusable variable.
    """
    try:
        return read_struct(Environment, {k: v for k, v in variables.items() if v}, _FIELD_READERS)
    except InvalidFieldsError as error:
        problems = (f"{name or 'environment'}: {text}" for name, text in error.problems.items())
        raise InvalidSettingsError("; ".join(problems)) from None


def _parse_number(text: str) -> float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise ValueError("It must be a number")


def _validate_base_url(url: str) -> str:
    try:
        return validate_base_url("It", url)
    except InvalidSettingsError as error:
        raise ValueError(str(error)) from None


def _require_match(pattern: str, example: str) -> Callable[[str], str]:
    def validate(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"It must be {example}")
        return value

    return validate


_NUMBER_FIELDS = [each for each in fields(Environment) if isinstance(each.default, int | float)]

_FIELD_READERS: FieldReaders = {
    **{each.encode_name: _parse_number for each in _NUMBER_FIELDS},
    "OPENTABLE_API_URL": _validate_base_url,
    "OPENTABLE_OAUTH_URL": _validate_base_url,
    "TASKS_QUEUE": _require_match(
        r"projects/[^/\s]+/locations/[^/\s]+/queues/[A-Za-z0-9-]{1,100}",
        "projects/PROJECT/locations/REGION/queues/QUEUE",
    ),
    "TASKS_SERVICE_ACCOUNT": _require_match(
        r"[^@\s]+@[^@\s]+", "NAME@PROJECT.iam.gserviceaccount.com"
    ),
    "TASKS_TARGET_URL": _validate_base_url,
    "WEBHOOK_URL": _validate_base_url,
}
