"""The calls that settle a quarantined statement: rehearse, replay, dismiss."""

from typing import Any

from pydantic import Field

from functions.api.models import EmptyRequest, ReasonText, RequestModel, ResponseModel
from functions.api.quarantine import build_quarantine_review, require_quarantine_item
from functions.api.replies import ApiError, ApiResponse
from functions.api.routing import RequestContext, Route
from functions.api.usable import require_stored_settings
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.errors import InvalidEventError
from shared.ledger.ledger import ApplyResult
from shared.quarantine.review import dry_run_replay, replay_quarantined_event
from shared.staff.auth import Role


class ReplayRequest(RequestModel):
    """Whether a replay is only rehearsed."""

    dry_run: bool = Field(default=False, description="Answer with the difference, write nothing.")


class ReplayResponse(ResponseModel):
    """What a replay did, or would do."""

    dry_run: bool
    outcome: str
    reservation_id: str
    event_id: str
    changes: dict[str, Any] = Field(description="Field to `from` and `to`.")


async def replay_quarantine_item(
    context: RequestContext[ReplayRequest, EmptyRequest],
) -> ApiResponse:
    """Replay an item, or rehearse it."""
    review, dry_run = build_quarantine_review(context), context.query.dry_run
    item = await require_quarantine_item(context, review)
    if item["status"] == "REPLAYED":
        raise ApiError(409, "ALREADY_REPLAYED", "This statement was replayed before.")
    settings = await require_stored_settings(context)
    if not settings.is_enabled:
        text = "The integration is switched off, and so would refuse this: switch it on first."
        raise ApiError(409, "DISABLED", text)
    try:
        apply_result = await (dry_run_replay if dry_run else replay_quarantined_event)(
            context.app_context, settings, item
        )
    except InvalidEventError as rejection:
        text = f"It still cannot be applied ({rejection}): mend the cause, or dismiss it."
        raise ApiError(409, "STILL_REJECTED", text) from None
    response = _build_replay_response(apply_result, dry_run=dry_run)
    if not dry_run:
        result_fields = response.model_dump(
            by_alias=True, include={"outcome", "reservation_id", "event_id"}
        )
        await review.resolve(context.id, "REPLAYED", context.user, **result_fields)
    return ApiResponse(response)


def _build_replay_response(apply_result: ApplyResult, *, dry_run: bool) -> ReplayResponse:
    return ReplayResponse(
        dry_run=dry_run,
        outcome=apply_result.outcome.value,
        reservation_id=build_reservation_document_id(apply_result.event.external_key),
        event_id=apply_result.event.event_id,
        changes={} if apply_result.write is None else apply_result.write.entry["changes"],
    )


class DismissRequest(RequestModel):
    """Why an item is dismissed."""

    reason: ReasonText


class DismissResponse(ResponseModel):
    """An item that is dismissed now."""

    id: str
    status: str


async def dismiss_quarantine_item(
    context: RequestContext[EmptyRequest, DismissRequest],
) -> ApiResponse:
    """Dismiss an item; it stays readable until it expires."""
    review = build_quarantine_review(context)
    item = await require_quarantine_item(context, review)
    if item["status"] != "OPEN":
        text = f"Only an open item can be dismissed; this one is {item['status']}."
        raise ApiError(409, "NOT_OPEN", text)
    await review.resolve(context.id, "DISMISSED", context.user, dismissReason=context.body.reason)
    return ApiResponse(DismissResponse(id=context.id, status="DISMISSED"))


ROUTES = (
    Route(
        "POST",
        "quarantine/{id}/replay",
        Role.MANAGER,
        "Apply a statement kept aside, or rehearse it",
        replay_quarantine_item,
        ReplayResponse,
        ReplayRequest,
        EmptyRequest,
    ),
    Route(
        "POST",
        "quarantine/{id}/dismiss",
        Role.MANAGER,
        "Dismiss a statement kept aside",
        dismiss_quarantine_item,
        DismissResponse,
        EmptyRequest,
        DismissRequest,
    ),
)
