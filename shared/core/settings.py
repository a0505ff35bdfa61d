"""A restaurant's integration settings, read from their document without ever failing whole."""

import zoneinfo
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.core.keys import is_rid
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
