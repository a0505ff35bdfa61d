"""The call that tells somebody who they are in a restaurant."""

from pydantic import Field

from functions.api.models import EmptyRequest, ResponseModel
from functions.api.replies import ApiResponse
from functions.api.routing import RequestContext, Route
from shared.staff.auth import Role


class MeResponse(ResponseModel):
    """Somebody as a restaurant knows them."""

    uid: str
    role: str = Field(
        description="`host`, `manager` or `operator`; each may what those before may."
    )
    time_zone: str | None = Field(description="The restaurant's; null while it must be mended.")


async def get_me(context: RequestContext[EmptyRequest, EmptyRequest]) -> ApiResponse:
    """Answer with who calls, and in which zone the restaurant's times are told."""
    settings = await context.app_context.directory.find_by_restaurant_id(context.restaurant_id)
    zone = settings.zone if settings else None
    return ApiResponse(
        MeResponse(
            uid=context.user.uid,
            role=context.role.name.lower(),
            time_zone=zone.key if zone else None,
        )
    )


ROUTES = (
    Route(
        "GET",
        "me",
        Role.HOST,
        "Who calls, and what they may do",
        get_me,
        MeResponse,
        EmptyRequest,
        EmptyRequest,
    ),
)
