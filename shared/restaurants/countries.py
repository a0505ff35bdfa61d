"""Countries: the ISO codes, and the locale of a restaurant."""

from functools import cache
from importlib.resources import files

from shared.domain.settings import IntegrationSettings


@cache
def read_country_codes() -> frozenset[str]:
    """Return the ISO 3166 codes, from the time zone database."""
    return frozenset(code for code, *_ in _read_table("iso3166.tab"))


def resolve_locale(settings: IntegrationSettings) -> str | None:
    """Return the locale for dates and times; by default that of the country or the time zone."""
    if settings.locale is not None:
        return settings.locale
    country = settings.country
    if country is None and settings.zone is not None:
        country = _read_zone_countries().get(settings.zone.key)
    # The staff page is in English: only the conventions are the country's.
    return None if country is None else f"en-{country}"


@cache
def _read_zone_countries() -> dict[str, str]:
    return {zone: code for code, _, zone, *_ in _read_table("zone.tab")}


def _read_table(name: str) -> list[list[str]]:
    # The package has these tables on every machine; the system's database may not.
    lines = (files("tzdata") / "zoneinfo" / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]
