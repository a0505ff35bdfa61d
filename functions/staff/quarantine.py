"""The calls about the quarantine: the list, and one item."""

from typing import Any

from pydantic import Field

from functions.staff.models import Asked, Instant, Limit, Nothing, Told
from functions.staff.replies import Reply
from functions.staff.routing import Route, Visit, not_found
from shared.core.masking import masked
from shared.edge.backlog import read_backlog
from shared.edge.staff.membership import Role
from shared.edge.staff.quarantine import Item, QuarantineDesk


class QuarantineSummary(Told):
    """A statement that was kept aside."""

    id: str
    status: str
    reason: str
    detail: str
    received_at: Instant
    last_seen_at: Instant
    count: int = Field(description="How often it came.")


class Proof(Told):
    """How a sender proved who it is."""

    scheme: str
    key_position: int | None = Field(description="Which of the live keys matched, 0 the newest.")


class QuarantineItem(QuarantineSummary):
    """A statement that was kept aside, with what it says."""

    content_type: str
    body: str = Field(description="As it came; personal values masked unless asked for.")
    masked: bool
    verdict: Proof | None = Field(description="Null for what we asked OpenTable for.")


class QuarantineAsked(Asked):
    """How many items."""

    limit: Limit = 50


class Quarantine(Told):
    """Items of the quarantine: open ones first, then newest first."""

    open_count: int
    items: list[QuarantineSummary]


async def newest(visit: Visit[QuarantineAsked, Nothing]) -> Reply:
    """Answer with the newest items."""
    desk = desk_of(visit)
    found = await desk.newest(visit.query.limit)
    items = [QuarantineSummary.model_validate({"id": id_, **item}) for id_, item in found.items()]
    backlog = await read_backlog(visit.services, visit.restaurant_id)
    return Reply(Quarantine(open_count=backlog.open_items, items=items))


class ItemAsked(Asked):
    """How an item is shown."""

    unmask: bool = Field(
        default=False, description="Show personal values; who looks is written in the item."
    )


async def one(visit: Visit[ItemAsked, Nothing]) -> Reply:
    """Answer with an item."""
    desk, unmask = desk_of(visit), visit.query.unmask
    item = await item_of(visit, desk)
    if unmask:
        await desk.note_view(visit.id, item, visit.person)
    body = item["body"] if unmask else masked(item["body"])
    told = {"id": visit.id, **item, "body": body, "masked": not unmask}
    return Reply(QuarantineItem.model_validate(told))


def desk_of(visit: Visit[Any, Any]) -> QuarantineDesk:
    """Return the desk at which a restaurant's quarantine is worked through."""
    services = visit.services
    return QuarantineDesk(services.firestore, visit.restaurant_id, services.clock)


async def item_of(visit: Visit[Any, Any], desk: QuarantineDesk) -> Item:
    """Return the item that a call names.

    Raises:
        RefusalError: When there is none.
    """
    item = await desk.item(visit.id)
    if item is None:
        raise not_found("There is no such item in the quarantine; it may have expired.")
    return item


ROUTES = (
    Route(
        "GET",
        "quarantine",
        Role.MANAGER,
        "The newest statements kept aside, open ones first",
        newest,
        Quarantine,
        QuarantineAsked,
        Nothing,
    ),
    Route(
        "GET",
        "quarantine/{id}",
        Role.MANAGER,
        "One statement kept aside",
        one,
        QuarantineItem,
        ItemAsked,
        Nothing,
    ),
)
