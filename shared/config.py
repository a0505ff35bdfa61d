"""The addresses that calls go to: built from the configured base alone.

The process's settings, read once from environment variables and checked before any request.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from msgspec import Meta, Struct, field
from msgspec.structs import fields

from shared.domain.webhook_auth.credentials import FieldReaders, InvalidFieldsError, read_struct
from shared.errors import InvalidSettingsError


def validate_base_url(variable_name: str, value: str) -> str:
    """Return a configured base URL without its last slash, once it is safe to send a token to.

    Args:
        variable_name: The environment variable it came from, for the error's text.
        value: The URL: https, or http to this machine itself (the sandbox).

    Raises:
        InvalidSettingsError: When the URL is anything else or carries more than host and path.
    """
    url = _parse_url(value)
    if url is None or not url.hostname or "@" in url.netloc or url.query or url.fragment:
        raise InvalidSettingsError(
            f"{variable_name} is not a plain URL such as https://host. Mend it."
        )
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname)):
        raise InvalidSettingsError(
            f"{variable_name} must be https unless it names this machine itself."
        )
    return url.geturl().rstrip("/")


def build_url(base: str, *path: str, query: Mapping[str, str] | None = None) -> str:
    """Return the URL of a path below a base; every segment and value is quoted.

    Args:
        base: What `validate_base_url` returned.
        path: Its segments; a slash within one is data and stays within it.
        query: The query's names and values.
    """
    segments = "/".join(quote(segment, safe="") for segment in path)
    return f"{base}/{segments}?{urlencode(query)}" if query else f"{base}/{segments}"


def _parse_url(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        _ = url.port  # reading it is what validates it
    except ValueError:
        return None
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


_QUEUE_PATTERN = re.compile(r"projects/[^/\s]+/locations/[^/\s]+/queues/[A-Za-z0-9-]{1,100}")
_SERVICE_ACCOUNT_PATTERN = re.compile(r"[^@\s]+@[^@\s]+")


class Environment(Struct, frozen=True, kw_only=True):
    """Every environment variable that the bundle reads; the field's ``name`` is the variable's."""

    project: Annotated[
        str | None,
        Meta(
            description="The Google Cloud project; a deployed function does not start without it."
        ),
    ] = field(default=None, name="GOOGLE_CLOUD_PROJECT")
    service: Annotated[
        str | None, Meta(description="The deployed function's name; set by Google.")
    ] = field(default=None, name="K_SERVICE")
    firestore_emulator: Annotated[
        str | None, Meta(description="Use the Firestore emulator there.")
    ] = field(default=None, name="FIRESTORE_EMULATOR_HOST")
    auth_emulator: Annotated[str | None, Meta(description="Use the Auth emulator there.")] = field(
        default=None, name="FIREBASE_AUTH_EMULATOR_HOST"
    )
    api_url: Annotated[
        str, Meta(description="OpenTable's API; a token is sent to this host alone.")
    ] = field(default="https://platform.opentable.com", name="OPENTABLE_API_URL")
    oauth_url: Annotated[str, Meta(description="OpenTable's token service.")] = field(
        default="https://oauth.opentable.com", name="OPENTABLE_OAUTH_URL"
    )
    partner_secret: Annotated[
        str | None,
        Meta(description="The secret that serves every restaurant for what its own lacks."),
    ] = field(default=None, name="OPENTABLE_PARTNER_SECRET")
    secrets_file: Annotated[
        str | None, Meta(description="A JSON file of secrets, beside the Firestore emulator only.")
    ] = field(default=None, name="SECRETS_FILE")
    webhook_deadline_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=60,
            description="One webhook's deadline for everything; then 503 and the sender retries.",
        ),
    ] = field(default=8.0, name="WEBHOOK_DEADLINE_SECONDS")
    refetch_budget_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="How long a webhook may fetch OpenTable's own row after its commit.",
        ),
    ] = field(default=1.5, name="HINT_BUDGET_SECONDS")
    guest_budget_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="How long a webhook may fetch a new guest's details after its commit.",
        ),
    ] = field(default=1.5, name="GUEST_BUDGET_SECONDS")
    lookback_seconds: Annotated[
        int, Meta(ge=1, le=172_800, description="How far before its cursor a poll asks again.")
    ] = field(default=900, name="POLL_LOOKBACK_SECONDS")
    max_concurrent_restaurants: Annotated[
        int,
        Meta(ge=1, le=64, description="How many restaurants one run works on at the same time."),
    ] = field(default=16, name="RESTAURANTS_AT_ONCE")
    run_budget_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3500,
            description="The budget of one poll or reconciliation; below the function's time-out.",
        ),
    ] = field(default=480.0, name="RUN_BUDGET_SECONDS")
    fan_out_threshold: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description=(
                "More restaurants than this are enqueued, a task each, where a queue is set."
            ),
        ),
    ] = field(default=200, name="FAN_OUT_ABOVE")
    tasks_queue: Annotated[
        str | None, Meta(description="The Cloud Tasks queue, `projects/…/locations/…/queues/…`.")
    ] = field(default=None, name="TASKS_QUEUE")
    tasks_target_url: Annotated[
        str | None, Meta(description="What the tasks call, less `/` and the function's name.")
    ] = field(default=None, name="TASKS_TARGET_URL")
    tasks_service_account: Annotated[
        str | None, Meta(description="The service account as which the tasks call.")
    ] = field(default=None, name="TASKS_SERVICE_ACCOUNT")
    journal_retention_days: Annotated[
        int,
        Meta(
            ge=1,
            le=36_500,
            description="Days after a reservation's start that its journal is kept.",
        ),
    ] = field(default=400, name="JOURNAL_RETENTION_DAYS")
    quarantine_retention_days: Annotated[
        int, Meta(ge=1, le=36_500, description="Days that a quarantined statement is kept.")
    ] = field(default=90, name="QUARANTINE_RETENTION_DAYS")

    def __post_init__(self) -> None:
        """Refuse variables that do not go together.

        Raises:
            ValueError: In words for the operator.
        """
        self._check_deployment()
        self._check_queue()

    def _check_deployment(self) -> None:
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
                "SECRETS_FILE is read beside the Firestore emulator only: unset it, "
                "and keep the credentials in Secret Manager"
            )

    def _check_queue(self) -> None:
        variables = {
            "TASKS_QUEUE": self.tasks_queue,
            "TASKS_TARGET_URL": self.tasks_target_url,
            "TASKS_SERVICE_ACCOUNT": self.tasks_service_account,
        }
        missing = [name for name, value in variables.items() if not value]
        is_local = self.firestore_emulator and missing == ["TASKS_QUEUE", "TASKS_SERVICE_ACCOUNT"]
        if missing and len(missing) < len(variables) and not is_local:
            raise ValueError(
                f"{' and '.join(missing)} must be set too, or none of {', '.join(variables)}: "
                "half a queue takes no task"
            )

    def require_project(self) -> str:
        """Return the project.

        Raises:
            InvalidSettingsError: When none is set.
        """
        if not self.project:
            raise InvalidSettingsError("Set GOOGLE_CLOUD_PROJECT to the Google Cloud project.")
        return self.project


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Read the environment; an empty variable counts as unset.

    Raises:
        InvalidSettingsError: When a variable cannot be used; the text names it.
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


def _validate_queue_name(name: str) -> str:
    if not _QUEUE_PATTERN.fullmatch(name):
        raise ValueError("It must be projects/PROJECT/locations/REGION/queues/QUEUE")
    return name


def _validate_service_account(name: str) -> str:
    if not _SERVICE_ACCOUNT_PATTERN.fullmatch(name):
        raise ValueError("It must be NAME@PROJECT.iam.gserviceaccount.com")
    return name


_NUMBER_FIELDS = [each for each in fields(Environment) if isinstance(each.default, int | float)]

_FIELD_READERS: FieldReaders = {
    **{each.encode_name: _parse_number for each in _NUMBER_FIELDS},
    "OPENTABLE_API_URL": _validate_base_url,
    "OPENTABLE_OAUTH_URL": _validate_base_url,
    "TASKS_QUEUE": _validate_queue_name,
    "TASKS_SERVICE_ACCOUNT": _validate_service_account,
    "TASKS_TARGET_URL": _validate_base_url,
}
