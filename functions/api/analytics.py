"""The call about patterns: when guests come, how early they book, and how many do not come."""

from datetime import date, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from functions.api.models import EmptyRequest, LocalDate, RequestModel
from functions.api.patterns import AnalyticsResponse, analytics_response
from functions.api.replies import ApiResponse, FileDownload
from functions.api.routing import RequestContext, Route
from functions.api.usable import require_cached_settings
from shared.analytics.store import read_analytics_days
from shared.domain.analytics.summary import format_analytics_csv
from shared.domain.backfill import MAX_WINDOW_DAYS, DateWindow
from shared.staff.auth import Role

DEFAULT_ANALYTICS_DAYS = 28
_ONE_DAY = timedelta(days=1)


class AnalyticsRequest(RequestModel):
    """Which days, and in which form."""

    start: LocalDate | None = Field(
        None,
        alias="from",
        description=f"The first local date; by default {DEFAULT_ANALYTICS_DAYS} days up to `to`.",
    )
    end: LocalDate | None = Field(
        None,
        alias="to",
        description=(
            f"The last local date, up to {MAX_WINDOW_DAYS} days after `from`; by default "
            f"yesterday's, or {DEFAULT_ANALYTICS_DAYS} days from `from` on."
        ),
    )
    format: Literal["json", "csv"] = Field("json", description="`csv` for a spreadsheet.")

    @model_validator(mode="after")
    def _check_date_range(self) -> Self:
        if self.start and self.end and not 0 <= (self.end - self.start).days <= MAX_WINDOW_DAYS:
            raise ValueError(
                f"to must not lie before from, nor more than {MAX_WINDOW_DAYS} days after it"
            )
        return self

    def resolve_window(self, today: date) -> DateWindow:
        """Return the days asked for; with one end missing, `DEFAULT_ANALYTICS_DAYS` of them."""
        if self.start and not self.end:
            return DateWindow(self.start, _add_days(self.start, DEFAULT_ANALYTICS_DAYS - 1))
        end = self.end or today - _ONE_DAY
        return DateWindow(self.start or _add_days(end, 1 - DEFAULT_ANALYTICS_DAYS), end)


async def get_analytics(context: RequestContext[AnalyticsRequest, EmptyRequest]) -> ApiResponse:
    """Answer with the patterns of some days, at the price of a read a day."""
    zone = (await require_cached_settings(context)).require_zone()
    today = context.app_context.clock().astimezone(zone).date()
    window = context.query.resolve_window(today)
    days = await read_analytics_days(context.app_context.firestore, context.restaurant_id, window)
    if context.query.format == "csv":
        file_name = f"patterns-{context.restaurant_id}-{window.start}-{window.end}.csv"
        return ApiResponse(
            FileDownload(format_analytics_csv(days), "text/csv; header=present", file_name)
        )
    return ApiResponse(analytics_response(days, window, zone.key, today.isoformat()))


def _add_days(day: date, days: int) -> date:
    """Return the date so many days away, or the calendar's end where it has none."""
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


ROUTES = (
    Route(
        "GET",
        "analytics",
        Role.MANAGER,
        "Reservation patterns by source",
        get_analytics,
        AnalyticsResponse,
        AnalyticsRequest,
        EmptyRequest,
        file="text/csv",
    ),
)
