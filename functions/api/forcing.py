"""The call that has the plan of a held report carried out."""

from functions.api.models import EmptyRequest
from functions.api.replies import ApiError, ApiResponse
from functions.api.reports import ReportResponse, respond_with_report
from functions.api.routing import RequestContext, Route
from functions.api.usable import build_settings_error
from shared.errors import InvalidSettingsError, PlanNotExecutableError
from shared.log import LogEvent, Severity, log_event
from shared.reconciliation.forced_plan import force_held_report
from shared.staff.auth import Role

# The rest of the call's deadline is for the last items' commits and the report.
FORCE_BUDGET_SECONDS = 15.0


async def force_report(context: RequestContext[EmptyRequest, EmptyRequest]) -> ApiResponse:
    """Carry out a held plan, and answer with the report of that.

    A plan too long for one call ends as FAILED; asked again, the call carries out the rest.
    """
    try:
        result = await force_held_report(
            context.app_context, context.restaurant_id, context.id, FORCE_BUDGET_SECONDS
        )
    except PlanNotExecutableError as error:
        status, code = (404, "NOT_FOUND") if error.code == "REPORT_NOT_FOUND" else (409, error.code)
        raise ApiError(status, code, str(error)) from None
    except InvalidSettingsError as problem:
        raise build_settings_error(str(problem)) from None
    log_event(
        Severity.WARNING,
        LogEvent.RECONCILIATION_FORCED,
        restaurantId=context.restaurant_id,
        reportId=result["reportId"],
        heldReportId=context.id,
        by=context.user.uid,
    )
    return await respond_with_report(context, result["reportId"])


ROUTES = (
    Route(
        "POST",
        "reports/{id}/force",
        Role.MANAGER,
        "Carry out the plan of a held report",
        force_report,
        ReportResponse,
        EmptyRequest,
        EmptyRequest,
    ),
)
