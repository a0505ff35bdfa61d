"""Parse the integration settings of one restaurant.

An invalid setting is left empty and reported in words; the others stay usable. So the webhook
function can still authenticate a sender and quarantine its events until the setting is fixed.
"""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.normalization.identifiers import is_rid
from shared.errors import InvalidSettingsError

DEFAULT_SERVICE_DAY_END = time(4)
SERVICE_DAY_END_PATTERN = "(?:0[0-9]|1[01]):[0-5][0-9]"
LOCALE_PATTERN = "[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?"
HOUR_CYCLE_PATTERN = "h12|h23"


# In the folder of the zone database, but no names of zones: browsers do not know them.
_FILES_WITHOUT_ZONE = frozenset({"Factory", "localtime", "posix", "posixrules", "right"})


class WebhookAuthScheme(StrEnum):
    """A way to authenticate the sender of a webhook."""

    STANDARD_WEBHOOKS = "standard-webhooks"
    BEARER = "bearer"
    BASIC = "basic"


class IntegrationSettings(Struct, frozen=True):
    """The integration settings of one restaurant.

    Attributes:
        zone: The restaurant's time zone; None if missing or unknown.
        country: ISO country for phone numbers without a country code.
        webhook_auth: The accepted schemes; empty rejects every webhook.
        secret_id: Id of the restaurant's secret; None uses the partner's secret only.
        problems: What to fix first, one sentence each: until then, no run works on the restaurant.
        warnings: Ignored settings, one sentence each.
        service_day_ends_at: Local time at which a service day ends.
        locale: BCP 47 tag for dates and times; None uses the country's.
        hour_cycle: ``h12`` or ``h23``; None uses the locale's.
    """

    restaurant_id: str
    is_enabled: bool
    rid: str | None
    zone: ZoneInfo | None
    country: str | None
    webhook_auth: frozenset[WebhookAuthScheme]
    secret_id: str | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    name: str | None = None
    service_day_ends_at: time = DEFAULT_SERVICE_DAY_END
    locale: str | None = None
    hour_cycle: str | None = None

    def require_zone(self) -> ZoneInfo:
        """Return the time zone of settings without problems.

        Raises:
            InvalidSettingsError: Any setting has a problem.
        """
        if self.zone is None or self.problems:
            raise InvalidSettingsError(" ".join(self.problems))
        return self.zone

    def require_rid(self) -> str:
        """Return the rid.

        Raises:
            InvalidSettingsError: The settings have none.
        """
        if self.rid is None:
            raise InvalidSettingsError(
                "The settings have no OpenTable restaurant: set restaurantId to its number (rid)."
            )
        return self.rid


def parse_settings(restaurant_id: str, document: Mapping[str, Any]) -> IntegrationSettings:
    """Parse ``restaurants/{restaurantId}/integrations/opentable`` as stored; never raise."""
    problems: list[str] = []
    warnings: list[str] = []
    rid = document.get("restaurantId")
    if rid is not None and not (isinstance(rid, str) and is_rid(rid)):
        problems.append("restaurantId must be OpenTable's number as text, digits only.")
        rid = None
    zone_name = document.get("timeZone")
    zone = find_time_zone(zone_name) if isinstance(zone_name, str) else None
    if zone is None:
        problems.append("timeZone must be an IANA zone such as America/New_York.")
    # A damaged setting of the staff page is no reason to stop the integration.
    name = document.get("name")
    service_day_end = _match_or_none(SERVICE_DAY_END_PATTERN, document.get("serviceDayEndsAt"))
    return IntegrationSettings(
        restaurant_id=restaurant_id,
        is_enabled=document.get("enabled") is True,
        rid=rid,
        zone=zone,
        # Without a country, a number without a country code stays as received.
        country=_parse_optional_text(document, "country", warnings),
        webhook_auth=_parse_schemes(document.get("webhookAuth"), problems),
        secret_id=_parse_optional_text(document, "secret", problems),
        problems=tuple(problems),
        warnings=tuple(warnings),
        name=name if isinstance(name, str) and name.strip() else None,
        service_day_ends_at=(
            time.fromisoformat(service_day_end) if service_day_end else DEFAULT_SERVICE_DAY_END
        ),
        locale=_match_or_none(LOCALE_PATTERN, document.get("locale")),
        hour_cycle=_match_or_none(HOUR_CYCLE_PATTERN, document.get("hourCycle")),
    )


def _match_or_none(pattern: str, value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) else None


@lru_cache(maxsize=1024)
def find_time_zone(name: str) -> ZoneInfo | None:
    """Return the IANA time zone with this name, if it exists."""
    if name.split("/", 1)[0] in _FILES_WITHOUT_ZONE:
        return None
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None  # OSError: the name of a folder in the zone database, such as "America"


def _parse_schemes(listed: object, problems: list[str]) -> frozenset[WebhookAuthScheme]:
    # A list, not a set: the stored values may be unhashable.
    known = [scheme.value for scheme in WebhookAuthScheme]
    names = listed if isinstance(listed, list) else []
    if (listed is not None and listed != names) or any(name not in known for name in names):
        # One unknown name rejects all schemes: a typo must not leave a weaker scheme accepted.
        problems.append(f"webhookAuth must be a list of any of {', '.join(sorted(known))}.")
        return frozenset()
    return frozenset(map(WebhookAuthScheme, names))


def _parse_optional_text(document: Mapping[str, Any], name: str, problems: list[str]) -> str | None:
    value = document.get(name)
    if value is None or (isinstance(value, str) and value):
        return value
    problems.append(f"{name} must be text.")
    return None
