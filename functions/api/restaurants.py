"""The restaurants of the caller, with a summary of their health."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field

from functions.api.auth import AnyUserContext
from functions.api.requests import PageLimit, RequestModel, StaffRoute
from functions.api.responses import ResponseModel, UtcInstant
from functions.api.webhooks import RefusalResponse
from shared.domain.health import HealthStatus
from shared.restaurants.overview import RestaurantOverview, list_all_restaurants, read_overviews
from shared.staff.members import list_memberships

router = APIRouter(prefix="/api/restaurants", route_class=StaffRoute)


class RestaurantListRequest(RequestModel):
    """Which page of the restaurants, and how much of each."""

    limit: PageLimit = 100
    cursor: Annotated[str, Field(max_length=1_000)] | None = Field(
        None, description="`nextCursor` of the page before."
    )
    include: Literal["counts"] | None = Field(
        None,
        description="`counts` adds counts and refused webhooks, for four or more reads a "
        "restaurant. The health then considers them.",
    )


class RestaurantHealthResponse(ResponseModel):
    """The summary of a restaurant's health."""

    status: HealthStatus
    reasons: list[str] = Field(description="Codes of the causes, the worst first.")
    last_polled_at: UtcInstant | None
    last_reconciled_at: UtcInstant | None
    webhooks_silent_since: UtcInstant | None
    divergences: int | None = Field(description="Divergences that wait for a decision.")


class RestaurantCountsResponse(ResponseModel):
    """What waits for a person, and what the day brings."""

    open_quarantine: int
    covers_today: int | None = Field(description="As of the last reconciliation; null if unknown.")


class RestaurantResponse(ResponseModel):
    """A restaurant of the caller."""

    id: str
    name: str | None = Field(description="Null until a manager sets it.")
    time_zone: str | None
    role: str = Field(description="The caller's: `host`, `manager` or `operator`.")
    health: RestaurantHealthResponse | None = Field(
        description="Null for a restaurant without an OpenTable integration."
    )
    counts: RestaurantCountsResponse | None = Field(description="Only with `include=counts`.")
    refusals: list[RefusalResponse] | None = Field(description="Only with `include=counts`.")

    @classmethod
    def from_overview(cls, overview: RestaurantOverview) -> Self:
        """Return a restaurant as the API shows it."""
        settings, counts, refusals = overview.settings, overview.counts, overview.refusals
        return cls(
            id=overview.membership.restaurant_id,
            name=settings.name if settings else None,
            time_zone=settings.zone.key if settings and settings.zone else None,
            role=overview.membership.role.code,
            health=RestaurantHealthResponse.model_validate(overview.health, from_attributes=True)
            if overview.health
            else None,
            counts=RestaurantCountsResponse.model_validate(counts, from_attributes=True)
            if counts
            else None,
            refusals=None
            if refusals is None
            else [RefusalResponse.model_validate(each, from_attributes=True) for each in refusals],
        )


class RestaurantListResponse(ResponseModel):
    """Restaurants by id."""

    restaurants: list[RestaurantResponse]
    next_cursor: str | None = Field(
        description="Null on the last page. A page may be shorter than the limit, even empty."
    )


@router.get("", summary="List the caller's restaurants")
async def list_restaurants(
    context: AnyUserContext, query: Annotated[RestaurantListRequest, Query()]
) -> RestaurantListResponse:
    """Return the restaurants in which the caller is staff; for an operator, all with settings."""
    client, user = context.app_context.firestore, context.user
    if user.is_operator:
        memberships, next_cursor = await list_all_restaurants(client, query.limit, query.cursor)
    else:
        memberships, next_cursor = await list_memberships(
            client, user.uid, query.limit, query.cursor
        )
    with_counts = query.include == "counts"
    overviews = await read_overviews(context.app_context, memberships, with_counts=with_counts)
    return RestaurantListResponse(
        restaurants=[RestaurantResponse.from_overview(overview) for overview in overviews],
        next_cursor=next_cursor,
    )
