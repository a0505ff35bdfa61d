"""Check a change of a restaurant's time zone before it is written."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from google.cloud.firestore import FieldFilter
from msgspec import Struct

from shared.concurrency import Deadline
from shared.context import AppContext, load_restaurant_context
from shared.domain.normalization.field_values import format_local_date
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidSettingsError, OpenTableError
from shared.firestore.documents import translate_firestore_errors
from shared.ledger.queries import stream_reservation_documents
from shared.restaurants.settings import TimeZoneEvidence, check_time_zone

# The rest of a call's time limit is for the count of the moved reservations.
_EVIDENCE_TIMEOUT_SECONDS = 8.0
_COUNT_TIMEOUT_SECONDS = 12.0
# As in a reconciliation, which recomputes the local dates from here on.
_LOCAL_DATE_LOOKBACK = timedelta(days=2)


class TimeZonePreview(Struct, frozen=True):
    """What a time zone would do.

    Attributes:
        evidence: OpenTable's rows; None if OpenTable cannot be asked yet or does not answer.
        moved_count: OpenTable's stored reservations that move to another day.
    """

    evidence: TimeZoneEvidence | None
    moved_count: int


async def preview_time_zone(context: AppContext, settings: IntegrationSettings) -> TimeZonePreview:
    """Preview settings with a new time zone, without writing anything."""
    evidence: TimeZoneEvidence | None = None
    try:
        deadline = Deadline.after(_EVIDENCE_TIMEOUT_SECONDS)
        restaurant = await load_restaurant_context(context, settings, deadline)
        evidence = await check_time_zone(restaurant)
    except (InvalidSettingsError, OpenTableError):
        pass  # without a credential or an answer there is no evidence
    return TimeZonePreview(evidence, await _count_moved(context, settings))


async def _count_moved(context: AppContext, settings: IntegrationSettings) -> int:
    zone = settings.require_zone()
    earliest_start = context.clock() - _LOCAL_DATE_LOOKBACK
    moved_count = 0
    with translate_firestore_errors():
        async for _, document in stream_reservation_documents(
            context.firestore,
            settings.restaurant_id,
            ("source.system", "startAtTimestamp", "localDate"),
            [FieldFilter("startAtTimestamp", ">=", earliest_start)],
            Deadline.after(_COUNT_TIMEOUT_SECONDS),
        ):
            moved_count += _is_moved(document, zone)
    return moved_count


def _is_moved(document: dict[str, Any], zone: ZoneInfo) -> bool:
    source, start = document.get("source"), document.get("startAtTimestamp")
    # Native reservations keep the date of their own application.
    is_opentable = isinstance(source, dict) and source.get("system") == "OPENTABLE"
    if not is_opentable or not isinstance(start, datetime):
        return False
    return format_local_date(start, zone) != document.get("localDate")
