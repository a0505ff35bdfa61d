"""An overview of many restaurants, from few reads each."""

import asyncio
from collections.abc import Sequence

from google.cloud.firestore import AsyncClient
from msgspec import Struct

from shared.concurrency import gather_bounded
from shared.context import AppContext
from shared.domain.analytics import counts_from_map, sum_counts
from shared.domain.days import ServiceDay
from shared.domain.health import RestaurantHealth, WebhookRefusal, summarize_health
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.firestore import paths
from shared.firestore.documents import read_document, translate_firestore_errors
from shared.ingest.deliveries import read_unresolved_refusals
from shared.quarantine.store import read_quarantine_backlog
from shared.staff.identity import Role
from shared.staff.members import Membership, read_group_page

_MAX_CONCURRENT_RESTAURANTS = 16
_READ_TIMEOUT_SECONDS = 10.0


class RestaurantCounts(Struct, frozen=True):
    """What waits for a person in a restaurant, and today's covers; None is unknown.

    `covers_today` is as old as the last reconciliation: less than an hour in normal operation.
    """

    open_quarantine: int
    covers_today: int | None


class RestaurantOverview(Struct, frozen=True):
    """One restaurant of an overview.

    Attributes:
        settings: None, like `health`, if the restaurant has no OpenTable integration.
        counts: None, like `refusals`, if they were not requested.
        refusals: The refused webhooks that no accepted one followed.
    """

    membership: Membership
    settings: IntegrationSettings | None
    health: RestaurantHealth | None
    counts: RestaurantCounts | None = None
    refusals: list[WebhookRefusal] | None = None


async def list_all_restaurants(
    client: AsyncClient, limit: int, cursor: str | None
) -> tuple[list[Membership], str | None]:
    """Return the restaurants with an integration as an operator sees them, and the next cursor.

    Raises:
        InvalidCursorError: The cursor does not come from a page.
    """
    integrations = client.collection_group("integrations").select([])
    snapshots, next_cursor = await read_group_page(
        client, integrations, "integrations", limit, cursor
    )
    memberships = []
    for snapshot in snapshots:
        restaurant_id = paths.find_restaurant_id(snapshot.reference)
        # The integrations of other parts of the application have other ids.
        if restaurant_id is not None and snapshot.id == paths.INTEGRATION_ID:
            memberships.append(Membership(restaurant_id, Role.OPERATOR))
    return memberships, next_cursor


async def read_overviews(
    context: AppContext, memberships: Sequence[Membership], *, with_counts: bool
) -> list[RestaurantOverview]:
    """Return the overview of each restaurant, in the same order; one read each.

    Counts cost up to four more reads each, and `MAX_DELIVERIES` more after refused webhooks. Only
    with them does the health consider the quarantine and refused webhooks.
    """
    client, now = context.firestore, context.clock()
    references = [paths.integration_document(client, each.restaurant_id) for each in memberships]
    with translate_firestore_errors():
        documents = await client.rpc.batch_get(references, _READ_TIMEOUT_SECONDS)

    async def build(membership: Membership) -> RestaurantOverview:
        restaurant_id = membership.restaurant_id
        document = documents[paths.integration_document(client, restaurant_id).path].fields
        settings = None if document is None else parse_settings(restaurant_id, document)
        counts, refusals = None, None
        if with_counts:
            backlog, covers, refusals = await asyncio.gather(
                read_quarantine_backlog(context, restaurant_id),
                _read_covers_today(context, restaurant_id, settings),
                read_unresolved_refusals(context, restaurant_id),
            )
            counts = RestaurantCounts(backlog.open_count, covers)
        health = None
        if document is not None and settings is not None:
            health = summarize_health(
                settings,
                document,
                now,
                open_quarantine=counts.open_quarantine if counts else 0,
                refused_webhooks=sum(refusal.count for refusal in refusals or ()),
            )
        return RestaurantOverview(membership, settings, health, counts, refusals)

    return await gather_bounded(_MAX_CONCURRENT_RESTAURANTS, build, memberships)


async def _read_covers_today(
    context: AppContext, restaurant_id: str, settings: IntegrationSettings | None
) -> int | None:
    """Return today's covers from the restaurant's analytics.

    Today begins at the end of the last service day. Analytics count by the calendar, so covers
    after midnight belong to the next day.
    """
    if settings is None or settings.zone is None:
        return None
    service_day = ServiceDay.at(context.clock(), settings.service_day_ends_at, settings.zone)
    days = paths.analytics_collection(context.firestore, restaurant_id)
    day = (await read_document(days.document(service_day.date.isoformat()))).to_dict() or {}
    if not isinstance(day.get("sources"), dict):
        return None
    return sum_counts(map(counts_from_map, day["sources"].values()))["covers"]
