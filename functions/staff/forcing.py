"""The call that has the plan of a held report carried out."""

from functions.staff.models import Nothing
from functions.staff.replies import RefusalError, Reply
from functions.staff.reports import Report, told_whole
from functions.staff.routing import Route, Visit
from functions.staff.usable import unusable
from shared.edge.forcing import force_held
from shared.edge.staff.membership import Role
from shared.edge.telemetry import Event, Severity, log
from shared.errors import ForceRefusedError, InvalidSettingsError

# The rest of the call's deadline is for the last items' commits and the report.
SECONDS = 15.0


async def force(visit: Visit[Nothing, Nothing]) -> Reply:
    """Carry out a held plan, and answer with the report of that.

    A plan too long for one call ends as FAILED; asked again, the call carries out the rest.
    """
    try:
        forced = await force_held(visit.services, visit.restaurant_id, visit.id, SECONDS)
    except ForceRefusedError as refusal:
        status, code = (
            (404, "NOT_FOUND") if refusal.code == "NO_SUCH_REPORT" else (409, refusal.code)
        )
        raise RefusalError(status, code, str(refusal)) from None
    except InvalidSettingsError as problem:
        raise unusable(str(problem)) from None
    log(
        Severity.WARNING,
        Event.FORCED,
        restaurantId=visit.restaurant_id,
        reportId=forced["reportId"],
        forcedFrom=visit.id,
        by=visit.person.uid,
    )
    return await told_whole(visit, forced["reportId"])


ROUTES = (
    Route(
        "POST",
        "reports/{id}/force",
        Role.MANAGER,
        "Carry out the plan of a held report",
        force,
        Report,
        Nothing,
        Nothing,
    ),
)
