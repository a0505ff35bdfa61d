"""The calls about a restaurant's integration: its settings, and a trial of them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from functions.staff.models import Instant, Nothing, Told
from functions.staff.replies import Reply
from functions.staff.routing import Route, Visit
from functions.staff.usable import settings_as_stored
from shared.core.settings import Settings, settings_from
from shared.edge.staff.connection import try_connection
from shared.edge.staff.integration import read_integration
from shared.edge.staff.key_uses import counted_from, last_uses
from shared.edge.staff.membership import Role
from shared.errors import InvalidSettingsError


class CredentialsHeld(Told):
    """Which credentials serve the restaurant, its own or the partner's; never what they are."""

    api: bool = Field(description="Whether OpenTable's API can be called.")
    webhook_secrets: int
    bearer_tokens: int
    basic_credentials: int


class KeyUse(Told):
    """When a webhook last came with one of the credentials."""

    scheme: str
    position: int = Field(description="Which of that scheme's credentials, 0 the newest.")
    last_used_at: Instant


class Integration(Told):
    """A restaurant's integration settings."""

    enabled: bool
    restaurant_id: str | None = Field(description="OpenTable's number, the rid.")
    time_zone: str | None
    country: str | None
    webhook_auth: list[str]
    secret: str | None = Field(description="The name of the restaurant's own secret.")
    credentials: CredentialsHeld | None = Field(description="Null where they cannot be read.")
    key_uses: list[KeyUse] = Field(description="Of those that the newest webhooks came with.")
    key_uses_from: Instant | None = Field(
        description="Since when uses are told: soon after credentials were last entered."
    )
    last_polled_at: Instant | None
    updated_at: Instant | None
    problems: list[str] = Field(description="What is to be mended, in words.")


async def show(visit: Visit[Any, Any]) -> Reply:
    """Answer with the settings as they are stored."""
    document = await read_integration(visit.services.firestore, visit.restaurant_id) or {}
    settings = settings_from(visit.restaurant_id, document)
    held, problem = await _credentials(visit, settings)
    since = counted_from(document)
    uses = await last_uses(visit.services.firestore, visit.restaurant_id, since)
    return Reply(
        Integration(
            enabled=settings.enabled,
            restaurant_id=settings.rid,
            time_zone=settings.zone.key if settings.zone else None,
            country=settings.country,
            webhook_auth=sorted(settings.webhook_auth),
            secret=settings.secret,
            credentials=held,
            key_uses=[
                KeyUse(scheme=use.scheme, position=use.position, last_used_at=use.at)
                for use in uses
            ],
            key_uses_from=since,
            last_polled_at=_moment(document.get("lastPolledAt")),
            updated_at=_moment(document.get("updatedAt")),
            problems=[*settings.problems, *([problem] if problem else [])],
        )
    )


async def _credentials(
    visit: Visit[Any, Any], settings: Settings
) -> tuple[CredentialsHeld | None, str | None]:
    try:
        held = await visit.services.directory.credentials(settings)
    except InvalidSettingsError as error:
        return None, str(error)
    counts = CredentialsHeld(
        api=held.has_api_credential,
        webhook_secrets=len(held.webhook_secrets),
        bearer_tokens=len(held.bearer_tokens),
        basic_credentials=len(held.basic_credentials),
    )
    return counts, None


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


class Trial(Told):
    """How a trial of the connection ended."""

    works: bool
    rows: int = Field(description="Rows that came, of the one asked for; a new book is empty.")
    problem: str | None = Field(description="What to do where it does not work.")


async def test(visit: Visit[Nothing, Nothing]) -> Reply:
    """Try the connection with the credentials as they are stored now."""
    trial = await try_connection(visit.services, await settings_as_stored(visit))
    return Reply(Trial(works=trial.works, rows=trial.rows, problem=trial.problem))


ROUTES = (
    Route(
        "GET",
        "integration",
        Role.MANAGER,
        "The integration's settings, without any credential",
        show,
        Integration,
        Nothing,
        Nothing,
    ),
    Route(
        "POST",
        "integration/test",
        Role.MANAGER,
        "Try the connection to OpenTable",
        test,
        Trial,
        Nothing,
        Nothing,
    ),
)
