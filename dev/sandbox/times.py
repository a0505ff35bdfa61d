"""OpenTable's ways of writing a moment: local without a zone, and UTC in whole seconds."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def format_opentable_utc(moment: datetime) -> str:
    """Return ``YYYY-MM-DDThh:mm:ssZ`` of an aware moment."""
    return moment.astimezone(UTC).isoformat()[:19] + "Z"


def format_opentable_local(moment: datetime, zone: ZoneInfo) -> str:
    """Return ``YYYY-MM-DDThh:mm:ss`` of an aware moment as the wall clock of ``zone`` shows it."""
    return moment.astimezone(zone).isoformat()[:19]


def build_time_fields(name: str, moment: datetime | None, zone: ZoneInfo) -> dict[str, object]:
    """Return the pair of fields ``name`` and ``name_utc``, both null where there is no moment."""
    if moment is None:
        return {name: None, f"{name}_utc": None}
    return {name: format_opentable_local(moment, zone), f"{name}_utc": format_opentable_utc(moment)}
