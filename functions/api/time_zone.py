"""Preview a change of the time zone, and refuse a wrong or an unconfirmed one."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from functions.api.authorization import ManagerContext, RequestContext
from functions.api.integration_settings import require_iana_zone
from functions.api.requests import API_PREFIX, RequestModel, StaffRoute
from functions.api.responses import BODY_ERROR_RESPONSES, ApiError, ResponseModel
from shared.concurrency import Deadline
from shared.context import AppContext, load_restaurant_context
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.errors import InvalidSettingsError, OpenTableError
from shared.ledger.queries import count_moved_reservations
from shared.restaurants.settings import (
    TimeZoneEvidence,
    check_time_zone,
    read_integration_document,
)

# The rest of a call's time limit is for the count of the moved reservations.
_EVIDENCE_TIMEOUT_SECONDS = 8.0

router = APIRouter(prefix=f"{API_PREFIX}/integration", route_class=StaffRoute)


class TimeZoneRequest(RequestModel):
    """A time zone to preview."""

    time_zone: Annotated[str, AfterValidator(require_iana_zone)]


class TimeZonePreviewResponse(ResponseModel):
    """What a change of the time zone would do."""

    time_zone: str
    checked_rows: int | None = Field(
        description="OpenTable's rows compared with the zone; null if it cannot be asked."
    )
    contradicting_rows: int | None = Field(
        description="Rows whose local and UTC times contradict the zone."
    )
    moved_reservations: int = Field(
        description="Reservations from yesterday on that move to another day."
    )
    problem: str | None = Field(description="Why the zone would be refused.")


@router.post(
    "/time-zone-preview",
    summary="Preview a change of the time zone",
    responses=BODY_ERROR_RESPONSES,
)
async def preview_new_time_zone(
    context: ManagerContext, body: TimeZoneRequest
) -> TimeZonePreviewResponse:
    """Return what a time zone would do, and write nothing."""
    client, restaurant_id = context.app_context.firestore, context.restaurant_id
    stored = await read_integration_document(client, restaurant_id) or {}
    settings = parse_settings(restaurant_id, stored | {"timeZone": body.time_zone})
    evidence = await _read_evidence(context.app_context, settings)
    return TimeZonePreviewResponse(
        time_zone=body.time_zone,
        checked_rows=evidence.row_count if evidence else None,
        contradicting_rows=evidence.contradicting_count if evidence else None,
        moved_reservations=await count_moved_reservations(context.app_context, settings),
        problem=_find_contradiction(evidence, settings),
    )


async def require_acceptable_time_zone(
    context: RequestContext,
    stored: dict[str, Any],
    fields: dict[str, Any],
    *,
    is_confirmed: bool,
) -> None:
    """Raise a 409 error if a new time zone is wrong, or moves reservations unconfirmed.

    Args:
        context: The request.
        stored: The stored settings.
        fields: The settings to write.
        is_confirmed: Whether a person has confirmed that reservations move to another day.
    """
    new_zone = fields.get("timeZone")
    if new_zone is None or new_zone == stored.get("timeZone"):
        return
    settings = parse_settings(context.restaurant_id, stored | fields)
    evidence = await _read_evidence(context.app_context, settings)
    contradiction = _find_contradiction(evidence, settings)
    if contradiction is not None:
        raise ApiError(409, "TIME_ZONE_CONTRADICTED", f"Nothing was changed. {contradiction}")
    number = await count_moved_reservations(context.app_context, settings)
    if number and not is_confirmed:
        moved = "1 reservation moves" if number == 1 else f"{number} reservations move"
        text = f"With {new_zone}, {moved} to another day. Nothing was changed. Confirm the change."
        raise ApiError(409, "TIME_ZONE_UNCONFIRMED", text)


async def _read_evidence(
    context: AppContext, settings: IntegrationSettings
) -> TimeZoneEvidence | None:
    """Return OpenTable's evidence about a zone, None if it cannot be asked or does not answer."""
    try:
        deadline = Deadline.after(_EVIDENCE_TIMEOUT_SECONDS)
        return await check_time_zone(await load_restaurant_context(context, settings, deadline))
    except (InvalidSettingsError, OpenTableError):
        return None


def _find_contradiction(
    evidence: TimeZoneEvidence | None, settings: IntegrationSettings
) -> str | None:
    if evidence is None or not evidence.contradicting_count:
        return None
    return evidence.describe(settings.require_zone())
