"""An overview of many restaurants, from few reads each."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient
from msgspec import Struct

from shared.concurrency import gather_bounded
from shared.context import AppContext
from shared.domain.analytics.rollup import counts_from_map, sum_counts
from shared.domain.restaurant_health import RestaurantHealth, summarize_health
from shared.domain.service_day import ServiceDay
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.firestore import paths
from shared.firestore.documents import read_document, translate_firestore_errors
from shared.quarantine.store import read_quarantine_backlog
from shared.staff.identity import Role
from shared.staff.members import Membership, read_group_page

_MAX_CONCURRENT_RESTAURANTS = 16
_READ_TIMEOUT_SECONDS = 10.0
_SETTINGS_PATH_LENGTH = 4  # restaurants/{restaurantId}/integrations/opentable


class RestaurantOverview(Struct, frozen=True):
    """One restaurant of an overview; `settings` is None if it has no OpenTable integration."""

    membership: Membership
    settings: IntegrationSettings | None
    health: RestaurantHealth | None


class RestaurantCounts(Struct, frozen=True):
    """What waits for a person in a restaurant, and today's covers; None is unknown.

    `covers_today` is as old as the last reconciliation: less than an hour in normal operation.
    """

    open_quarantine: int
    covers_today: int | None


async def list_all_restaurants(
    client: AsyncClient, limit: int, cursor: str | None
) -> tuple[list[Membership], str | None]:
    """Return the restaurants with an integration as an operator sees them, and the next cursor.

    Raises `InvalidCursorError` for a cursor that does not come from a page.
    """
    integrations = client.collection_group("integrations").select([])
    snapshots, next_cursor = await read_group_page(
        client, integrations, "integrations", limit, cursor
    )
    memberships = []
    for snapshot in snapshots:
        segments = snapshot.reference.path.split("/")
        is_settings = len(segments) == _SETTINGS_PATH_LENGTH and segments[0] == "restaurants"
        # The integrations of other parts of the application have other ids.
        if is_settings and snapshot.id == "opentable":
            memberships.append(Membership(segments[1], Role.OPERATOR))
    return memberships, next_cursor


async def read_overviews(
    context: AppContext, memberships: Sequence[Membership]
) -> list[RestaurantOverview]:
    """Return the overview of each restaurant, in the same order; one read each."""
    client, now = context.firestore, context.clock()
    references = [paths.integration_document(client, each.restaurant_id) for each in memberships]
    with translate_firestore_errors():
        documents = await client.rpc.batch_get(references, _READ_TIMEOUT_SECONDS)
    return [
        _build_overview(membership, documents[reference.path].fields, now)
        for membership, reference in zip(memberships, references, strict=True)
    ]


def _build_overview(
    membership: Membership, document: dict[str, Any] | None, now: datetime
) -> RestaurantOverview:
    if document is None:
        return RestaurantOverview(membership, None, None)
    settings = parse_settings(membership.restaurant_id, document)
    return RestaurantOverview(membership, settings, summarize_health(settings, document, now))


async def read_counts(
    context: AppContext, overviews: Sequence[RestaurantOverview]
) -> list[RestaurantCounts]:
    """Return the counts of each restaurant, in the same order; at most three reads each."""

    async def read(overview: RestaurantOverview) -> RestaurantCounts:
        backlog, covers = await asyncio.gather(
            read_quarantine_backlog(context, overview.membership.restaurant_id),
            _read_covers_today(context, overview),
        )
        return RestaurantCounts(backlog.open_count, covers)

    return await gather_bounded(_MAX_CONCURRENT_RESTAURANTS, read, overviews)


async def _read_covers_today(context: AppContext, overview: RestaurantOverview) -> int | None:
    """Return today's covers from the restaurant's analytics.

    Today begins at the end of the last service day. Analytics count by the calendar, so covers
    after midnight belong to the next day.
    """
    settings = overview.settings
    if settings is None or settings.zone is None:
        return None
    service_day = ServiceDay.at(context.clock(), settings.service_day_ends_at, settings.zone)
    today = service_day.date.isoformat()
    days = paths.analytics_collection(context.firestore, overview.membership.restaurant_id)
    sources = ((await read_document(days.document(today))).to_dict() or {}).get("sources")
    if not isinstance(sources, dict):
        return None
    total = sum_counts(counts_from_map(counts) for counts in sources.values())
    return total["covers"]
