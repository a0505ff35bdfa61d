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


class Scheme(StrEnum):
    """How a webhook may prove where it comes from."""

    STANDARD_WEBHOOKS = "standard-webhooks"
    BEARER = "bearer"
    BASIC = "basic"


class Settings(Struct, frozen=True):
    """The settings of one restaurant's integration.

    What cannot be read is left empty (a door stays shut) and named in ``problems``, so that a
    sender can still be authenticated and its event kept for the day the setting is mended.

    Attributes:
        restaurant_id: Lineup's id.
        enabled: Whether the integration is active.
        rid: OpenTable's number for the restaurant, None where it has none.
        zone: The restaurant's zone, None where the setting is missing or unknown.
        country: ISO country for phone numbers without a country code.
        webhook_auth: The accepted schemes; empty accepts nothing.
        secret: The restaurant's own secret's id; None leaves the partner's alone.
        problems: What is to be mended, a sentence each.
    """

    restaurant_id: str
    enabled: bool
    rid: str | None
    zone: ZoneInfo | None
    country: str | None
    webhook_auth: frozenset[Scheme]
    secret: str | None
    problems: tuple[str, ...]

    def usable_zone(self) -> ZoneInfo:
        """Return the zone.

        Raises:
            InvalidSettingsError: When any setting is to be mended first.
        """
        if self.zone is None or self.problems:
            raise InvalidSettingsError(" ".join(self.problems))
        return self.zone

    def usable_rid(self) -> str:
        """Return the rid.

        Raises:
            InvalidSettingsError: When there is none.
        """
        if self.rid is None:
            raise InvalidSettingsError(
                "The settings name no OpenTable restaurant: set restaurantId to its number (rid)."
            )
        return self.rid


def settings_from(restaurant_id: str, document: Mapping[str, Any]) -> Settings:
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
    return Settings(
        restaurant_id=restaurant_id,
        enabled=document.get("enabled") is True,
        rid=rid,
        zone=_zone(document.get("timeZone"), problems),
        country=_text(document.get("country"), "country", problems),
        webhook_auth=_schemes(document.get("webhookAuth"), problems),
        secret=_text(document.get("secret"), "secret", problems),
        problems=tuple(problems),
    )


def _zone(name: object, problems: list[str]) -> ZoneInfo | None:
    zone = zone_named(name) if isinstance(name, str) else None
    if zone is None:
        problems.append("timeZone must be an IANA zone such as America/New_York.")
    return zone


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """Return the IANA zone of that name, or None where there is none."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None  # A folder of the zone database, such as "America", raises an OSError.


def _schemes(listed: object, problems: list[str]) -> frozenset[Scheme]:
    known = [scheme.value for scheme in Scheme]  # a list: what is asked for may be unhashable
    names = listed if isinstance(listed, list) else []
    if (listed is not None and listed != names) or any(name not in known for name in names):
        problems.append(f"webhookAuth must be a list of any of {', '.join(sorted(known))}.")
        return frozenset()
    return frozenset(map(Scheme, names))


def _text(value: object, name: str, problems: list[str]) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    problems.append(f"{name} must be text.")
    return None
