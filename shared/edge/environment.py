"""The process's settings, read once from environment variables and checked before any request."""

import re
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shared.edge.opentable.address import base_url
from shared.errors import InvalidSettingsError

_QUEUE = re.compile(r"projects/[^/\s]+/locations/[^/\s]+/queues/[A-Za-z0-9-]{1,100}")
_ACCOUNT = re.compile(r"[^@\s]+@[^@\s]+")


class Environment(BaseModel):
    """Every environment variable that the bundle reads; the field's alias is its name."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    project: str | None = Field(
        None,
        alias="GOOGLE_CLOUD_PROJECT",
        description="The Google Cloud project; a deployed function does not start without it.",
    )
    service: str | None = Field(
        None, alias="K_SERVICE", description="The deployed function's name; set by Google."
    )
    firestore_emulator: str | None = Field(
        None, alias="FIRESTORE_EMULATOR_HOST", description="Use the Firestore emulator there."
    )
    auth_emulator: str | None = Field(
        None, alias="FIREBASE_AUTH_EMULATOR_HOST", description="Use the Auth emulator there."
    )
    api_url: str = Field(
        "https://platform.opentable.com",
        alias="OPENTABLE_API_URL",
        description="OpenTable's API; a token is sent to this host alone.",
    )
    oauth_url: str = Field(
        "https://oauth.opentable.com",
        alias="OPENTABLE_OAUTH_URL",
        description="OpenTable's token service.",
    )
    partner_secret: str | None = Field(
        None,
        alias="OPENTABLE_PARTNER_SECRET",
        description="The secret that serves every restaurant for what its own lacks.",
    )
    secrets_file: str | None = Field(
        None,
        alias="SECRETS_FILE",
        description="A JSON file of secrets, beside the Firestore emulator only.",
    )
    webhook_seconds: float = Field(
        8.0,
        gt=0,
        le=60,
        alias="WEBHOOK_DEADLINE_SECONDS",
        description="One webhook's deadline for everything; then 503 and the sender retries.",
    )
    hint_seconds: float = Field(
        1.5,
        ge=0,
        le=10,
        alias="HINT_BUDGET_SECONDS",
        description="How long a webhook may fetch OpenTable's own row after its commit.",
    )
    guest_seconds: float = Field(
        1.5,
        ge=0,
        le=10,
        alias="GUEST_BUDGET_SECONDS",
        description="How long a webhook may fetch a new guest's details after its commit.",
    )
    lookback_seconds: int = Field(
        900,
        ge=1,
        le=172_800,
        alias="POLL_LOOKBACK_SECONDS",
        description="How far before its cursor a poll asks again.",
    )
    restaurants_at_once: int = Field(
        16,
        ge=1,
        le=64,
        alias="RESTAURANTS_AT_ONCE",
        description="How many restaurants one run works on at the same time.",
    )
    run_seconds: float = Field(
        480.0,
        gt=0,
        le=3500,
        alias="RUN_BUDGET_SECONDS",
        description="The budget of one poll or reconciliation; below the function's time-out.",
    )
    fan_out_above: int = Field(
        200,
        ge=0,
        le=1_000_000,
        alias="FAN_OUT_ABOVE",
        description="More restaurants than this are enqueued, a task each, where a queue is set.",
    )
    tasks_queue: str | None = Field(
        None,
        alias="TASKS_QUEUE",
        description="The Cloud Tasks queue, `projects/…/locations/…/queues/…`.",
    )
    tasks_url: str | None = Field(
        None,
        alias="TASKS_TARGET_URL",
        description="What the tasks call, less `/` and the function's name.",
    )
    tasks_account: str | None = Field(
        None,
        alias="TASKS_SERVICE_ACCOUNT",
        description="The service account as which the tasks call.",
    )
    journal_days: int = Field(
        400,
        ge=1,
        le=36_500,
        alias="JOURNAL_RETENTION_DAYS",
        description="Days after a reservation's start that its journal is kept.",
    )
    quarantine_days: int = Field(
        90,
        ge=1,
        le=36_500,
        alias="QUARANTINE_RETENTION_DAYS",
        description="Days that a quarantined statement is kept.",
    )

    @field_validator("api_url", "oauth_url", "tasks_url")
    @classmethod
    def _safe_for_a_token(cls, url: str | None) -> str | None:
        try:
            return url and base_url("It", url)
        except InvalidSettingsError as error:
            raise ValueError(str(error)) from None

    @field_validator("tasks_queue")
    @classmethod
    def _is_a_queues_whole_name(cls, name: str | None) -> str | None:
        if name and not _QUEUE.fullmatch(name):
            raise ValueError("It must be projects/PROJECT/locations/REGION/queues/QUEUE")
        return name

    @field_validator("tasks_account")
    @classmethod
    def _is_an_account(cls, name: str | None) -> str | None:
        if name and not _ACCOUNT.fullmatch(name):
            raise ValueError("It must be NAME@PROJECT.iam.gserviceaccount.com")
        return name

    @model_validator(mode="after")
    def _suits_where_it_runs(self) -> Self:
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
        return self

    @model_validator(mode="after")
    def _keeps_secrets_where_they_belong(self) -> Self:
        if self.secrets_file and not self.firestore_emulator:
            raise ValueError(
                "SECRETS_FILE is read beside the Firestore emulator only: unset it, "
                "and keep the credentials in Secret Manager"
            )
        return self

    @model_validator(mode="after")
    def _names_a_whole_queue(self) -> Self:
        named = {
            "TASKS_QUEUE": self.tasks_queue,
            "TASKS_TARGET_URL": self.tasks_url,
            "TASKS_SERVICE_ACCOUNT": self.tasks_account,
        }
        lacking = [name for name, value in named.items() if not value]
        local = self.firestore_emulator and lacking == ["TASKS_QUEUE", "TASKS_SERVICE_ACCOUNT"]
        if lacking and len(lacking) < len(named) and not local:
            raise ValueError(
                f"{' and '.join(lacking)} must be set too, or none of {', '.join(named)}: half a "
                "queue takes no task"
            )
        return self

    def required_project(self) -> str:
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
        return Environment.model_validate({k: v for k, v in variables.items() if v})
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, item['loc'])) or 'environment'}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise InvalidSettingsError("; ".join(problems)) from None
