"""The calls that settle a quarantined statement: rehearse, replay, dismiss."""

from typing import Any

from pydantic import Field

from functions.staff.models import Asked, Nothing, Reason, Told
from functions.staff.quarantine import desk_of, item_of
from functions.staff.replies import RefusalError, Reply
from functions.staff.routing import Route, Visit
from functions.staff.usable import settings_as_stored
from shared.core.keys import reservation_document_id
from shared.edge.ledger import Applied
from shared.edge.staff.membership import Role
from shared.edge.staff.replaying import rehearse, replay
from shared.errors import RejectedStatementError


class ReplayAsked(Asked):
    """Whether a replay is only rehearsed."""

    dry_run: bool = Field(default=False, description="Answer with the difference, write nothing.")


class Replayed(Told):
    """What a replay did, or would do."""

    dry_run: bool
    outcome: str
    reservation_id: str
    event_id: str
    changes: dict[str, Any] = Field(description="Field to `from` and `to`.")


async def replay_item(visit: Visit[ReplayAsked, Nothing]) -> Reply:
    """Replay an item, or rehearse it."""
    desk, dry = desk_of(visit), visit.query.dry_run
    item = await item_of(visit, desk)
    if item["status"] == "REPLAYED":
        raise RefusalError(409, "ALREADY_REPLAYED", "This statement was replayed before.")
    settings = await settings_as_stored(visit)
    if not settings.enabled:
        text = "The integration is switched off, and so would refuse this: switch it on first."
        raise RefusalError(409, "DISABLED", text)
    try:
        applied = await (rehearse if dry else replay)(visit.services, settings, item)
    except RejectedStatementError as rejection:
        text = f"It still cannot be applied ({rejection}): mend the cause, or dismiss it."
        raise RefusalError(409, "STILL_REJECTED", text) from None
    told = _replayed(applied, dry=dry)
    if not dry:
        became = told.model_dump(by_alias=True, include={"outcome", "reservation_id", "event_id"})
        await desk.settle(visit.id, "REPLAYED", visit.person, **became)
    return Reply(told)


def _replayed(applied: Applied, *, dry: bool) -> Replayed:
    return Replayed(
        dry_run=dry,
        outcome=applied.outcome.value,
        reservation_id=reservation_document_id(applied.change.external_key),
        event_id=applied.change.event_id,
        changes={} if applied.commit is None else applied.commit.entry["changes"],
    )


class DismissAsked(Asked):
    """Why an item is dismissed."""

    reason: Reason


class Dismissed(Told):
    """An item that is dismissed now."""

    id: str
    status: str


async def dismiss(visit: Visit[Nothing, DismissAsked]) -> Reply:
    """Dismiss an item; it stays readable until it expires."""
    desk = desk_of(visit)
    item = await item_of(visit, desk)
    if item["status"] != "OPEN":
        text = f"Only an open item can be dismissed; this one is {item['status']}."
        raise RefusalError(409, "NOT_OPEN", text)
    await desk.settle(visit.id, "DISMISSED", visit.person, dismissedBecause=visit.body.reason)
    return Reply(Dismissed(id=visit.id, status="DISMISSED"))


ROUTES = (
    Route(
        "POST",
        "quarantine/{id}/replay",
        Role.MANAGER,
        "Apply a statement kept aside, or rehearse it",
        replay_item,
        Replayed,
        ReplayAsked,
        Nothing,
    ),
    Route(
        "POST",
        "quarantine/{id}/dismiss",
        Role.MANAGER,
        "Dismiss a statement kept aside",
        dismiss,
        Dismissed,
        Nothing,
        DismissAsked,
    ),
)
