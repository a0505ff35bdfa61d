"""A restaurant's integration settings, read from their document without ever failing whole.

What works, but keeps a restaurant's webhooks out: told in words before anybody misses them.
"""

import zoneinfo
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.normalization.identifiers import is_rid
from shared.domain.webhook_auth.credentials import Credentials, decode_webhook_secret
from shared.errors import InvalidSettingsError


class WebhookAuthScheme(StrEnum):
    """How a webhook may prove where it comes from."""

    STANDARD_WEBHOOKS = "standard-webhooks"
    BEARER = "bearer"
    BASIC = "basic"


class IntegrationSettings(Struct, frozen=True):
    """The settings of one restaurant's integration.

    What cannot be read is left empty (a door stays shut) and named in ``problems``, so that a
    sender can still be authenticated and its event kept for the day the setting is mended.

    Attributes:
        restaurant_id: Lineup's id.
        is_enabled: Whether the integration is active.
        rid: OpenTable's number for the restaurant, None where it has none.
        zone: The restaurant's zone, None where the setting is missing or unknown.
        country: ISO country for phone numbers without a country code.
        webhook_auth: The accepted schemes; empty accepts nothing.
        secret_id: The restaurant's own secret's id; None leaves the partner's alone.
        problems: What is to be mended, a sentence each.
    """

    restaurant_id: str
    is_enabled: bool
    rid: str | None
    zone: ZoneInfo | None
    country: str | None
    webhook_auth: frozenset[WebhookAuthScheme]
    secret_id: str | None
    problems: tuple[str, ...]

    def require_zone(self) -> ZoneInfo:
        """Return the zone.

        Raises:
            InvalidSettingsError: When any setting is to be mended first.
        """
        if self.zone is None or self.problems:
            raise InvalidSettingsError(" ".join(self.problems))
        return self.zone

    def require_rid(self) -> str:
        """Return the rid.

        Raises:
            InvalidSettingsError: When there is none.
        """
        if self.rid is None:
            raise InvalidSettingsError(
                "The settings name no OpenTable restaurant: set restaurantId to its number (rid)."
            )
        return self.rid


def parse_settings(restaurant_id: str, document: Mapping[str, Any]) -> IntegrationSettings:
    """Read the settings document.

    Args:
        restaurant_id: Lineup's id of the restaurant.
        document: ``restaurants/{restaurantId}/integrations/opentable`` as stored.
    """
    problems: list[str] = []
    rid = document.get("restaurantId")
    if rid is not None and not (isinstance(rid, str) and is_rid(rid)):
        problems.append("restaurantId must be OpenTable's number as text, digits only.")
        rid = None
    return IntegrationSettings(
        restaurant_id=restaurant_id,
        is_enabled=document.get("enabled") is True,
        rid=rid,
        zone=_parse_zone(document.get("timeZone"), problems),
        country=_parse_optional_text(document.get("country"), "country", problems),
        webhook_auth=_parse_schemes(document.get("webhookAuth"), problems),
        secret_id=_parse_optional_text(document.get("secret"), "secret", problems),
        problems=tuple(problems),
    )


def _parse_zone(name: object, problems: list[str]) -> ZoneInfo | None:
    zone = find_time_zone(name) if isinstance(name, str) else None
    if zone is None:
        problems.append("timeZone must be an IANA zone such as America/New_York.")
    return zone


@lru_cache(maxsize=1024)
def find_time_zone(name: str) -> ZoneInfo | None:
    """Return the IANA zone of that name, or None where there is none."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None  # A folder of the zone database, such as "America", raises an OSError.


def _parse_schemes(listed: object, problems: list[str]) -> frozenset[WebhookAuthScheme]:
    scheme_names = [
        scheme.value for scheme in WebhookAuthScheme
    ]  # a list: what is asked for may be unhashable
    names = listed if isinstance(listed, list) else []
    if (listed is not None and listed != names) or any(name not in scheme_names for name in names):
        problems.append(f"webhookAuth must be a list of any of {', '.join(sorted(scheme_names))}.")
        return frozenset()
    return frozenset(map(WebhookAuthScheme, names))


def _parse_optional_text(value: object, name: str, problems: list[str]) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    problems.append(f"{name} must be text.")
    return None


_CREDENTIAL_LIST_BY_SCHEME = {
    WebhookAuthScheme.STANDARD_WEBHOOKS: "webhookSecrets",
    WebhookAuthScheme.BEARER: "bearerTokens",
    WebhookAuthScheme.BASIC: "basicCredentials",
}

_NO_SCHEME_PROBLEM = (
    "webhookAuth is empty, so every webhook is refused and changes come with the polls alone: "
    f"list any of {', '.join(_CREDENTIAL_LIST_BY_SCHEME)}."
)


def webhook_config_problems(
    settings: IntegrationSettings, credentials: Credentials, claiming_restaurant_id: str | None
) -> tuple[str, ...]:
    """Return what is to be mended so that webhooks come in, a sentence each.

    Args:
        settings: The restaurant's.
        credentials: The restaurant's, completed by the partner's.
        claiming_restaurant_id: The restaurant that ``openTableRids/{rid}`` names, None where it
            names none.
    """
    return (
        *_scheme_problems(settings, credentials),
        *_secret_problems(credentials),
        *_rid_claim_problems(settings, claiming_restaurant_id),
    )


def _scheme_problems(settings: IntegrationSettings, credentials: Credentials) -> list[str]:
    if not settings.webhook_auth:
        return [_NO_SCHEME_PROBLEM]
    credentials_by_scheme = {
        WebhookAuthScheme.STANDARD_WEBHOOKS: credentials.webhook_secrets,
        WebhookAuthScheme.BEARER: credentials.bearer_tokens,
        WebhookAuthScheme.BASIC: credentials.basic_credentials,
    }
    return [
        f"webhookAuth accepts {scheme}, but the secret holds no "
        f"{_CREDENTIAL_LIST_BY_SCHEME[scheme]}: enter one."
        for scheme in sorted(settings.webhook_auth)
        if not credentials_by_scheme[scheme]
    ]


def _secret_problems(credentials: Credentials) -> list[str]:
    return [
        f"webhookSecrets[{index}] is no Standard Webhooks secret (whsec_ and base64), so it "
        "opens nothing: enter it anew."
        for index, secret in enumerate(credentials.webhook_secrets)
        if not _is_decodable(secret)
    ]


def _is_decodable(secret: str) -> bool:
    try:
        return bool(decode_webhook_secret(secret))
    except ValueError:
        return False


def _rid_claim_problems(
    settings: IntegrationSettings, claiming_restaurant_id: str | None
) -> list[str]:
    if claiming_restaurant_id == settings.restaurant_id:
        return []
    mismatch = "does not exist" if claiming_restaurant_id is None else "names another restaurant"
    problem = f"openTableRids/{settings.rid} {mismatch}, so OpenTable's webhooks are refused"
    return [f'{problem}: give it the restaurantId "{settings.restaurant_id}".']
