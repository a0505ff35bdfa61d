"""The call that tells somebody who they are in a restaurant."""

from pydantic import Field

from functions.staff.models import Nothing, Told
from functions.staff.replies import Reply
from functions.staff.routing import Route, Visit
from shared.edge.staff.membership import Role


class Me(Told):
    """Somebody as a restaurant knows them."""

    uid: str
    role: str = Field(
        description="`host`, `manager` or `operator`; each may what those before may."
    )
    time_zone: str | None = Field(description="The restaurant's; null while it must be mended.")


async def me(visit: Visit[Nothing, Nothing]) -> Reply:
    """Answer with who calls, and in which zone the restaurant's times are told."""
    settings = await visit.services.directory.by_restaurant_id(visit.restaurant_id)
    zone = settings.zone if settings else None
    return Reply(
        Me(
            uid=visit.person.uid,
            role=visit.role.name.lower(),
            time_zone=zone.key if zone else None,
        )
    )


ROUTES = (
    Route(
        "GET",
        "me",
        Role.HOST,
        "Who calls, and what they may do",
        me,
        Me,
        Nothing,
        Nothing,
    ),
)
