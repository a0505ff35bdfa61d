"""Reservation analytics: when guests visit, how early they book, and how many do not come."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator

from functions.api.auth import ManagerContext
from functions.api.integration import require_cached_settings
from functions.api.requests import API_PREFIX, LocalDate, RequestModel, StaffRoute
from functions.api.responses import ResponseModel
from shared.analytics import read_analytics_days
from shared.domain.analytics import (
    HOUR_BUCKETS,
    PARTY_SIZE_BUCKETS,
    UNKNOWN_BUCKET,
    AnalyticsSummary,
    LeadTimeBucket,
    RollupCounts,
    count_parties,
    format_analytics_csv,
    list_missing_spans,
    summarize,
)
from shared.domain.days import MAX_WINDOW_DAYS, DateWindow
from shared.domain.normalization.identifiers import ReservationSystem

DEFAULT_ANALYTICS_DAYS = 28

router = APIRouter(prefix=f"{API_PREFIX}/analytics", route_class=StaffRoute)


class AnalyticsCounts(ResponseModel):
    """Counts of reservations and people."""

    bookings: int = Field(description="Reservations made in advance, in any status.")
    cancelled: int = Field(description="Cancelled bookings.")
    no_shows: int = Field(description="Bookings of guests who did not come.")
    walk_ins: int = Field(description="Parties without a booking.")
    parties: int = Field(description="Expected and seated parties, walk-ins included.")
    covers: int = Field(description="People in those parties.")
    cancelled_covers: int = Field(description="People in cancelled bookings.")
    no_show_covers: int = Field(description="People in no-show bookings.")


class AnalyticsDay(ResponseModel):
    """The counts of a day."""

    date: str
    sources: dict[ReservationSystem, AnalyticsCounts]


class HourOfWeek(ResponseModel):
    """The counts of one hour of the week, summed over the requested days."""

    weekday: int = Field(description="1 for Monday to 7 for Sunday.")
    hour: int | None = Field(description="0-23 in the restaurant's time zone; null if unknown.")
    bookings: int
    covers: int


class LeadTimeCount(ResponseModel):
    """Bookings by the time between booking and visit."""

    lead_time: LeadTimeBucket
    bookings: int


class PartySizeCount(ResponseModel):
    """Expected and seated parties by size."""

    party_size: int | None = Field(description="20 means 20 or more; null if unknown.")
    parties: int


class SourceAnalytics(AnalyticsCounts):
    """The analytics of one source, or of all sources."""

    cancellation_rate: float | None = Field(
        description="Share of cancelled bookings, 0-1; null without bookings."
    )
    no_show_rate: float | None = Field(
        description="Share of no-shows among past bookings that were not cancelled, 0-1; null "
        "without such bookings."
    )
    hours: list[HourOfWeek] = Field(description="Hours with a booking or a cover.")
    lead_times: list[LeadTimeCount] = Field(description="All lead times, shortest first.")
    party_sizes: list[PartySizeCount] = Field(description="Party sizes that occur, smallest first.")


class MissingDateSpan(ResponseModel):
    """Consecutive local dates, both inclusive."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")


class AnalyticsResponse(ResponseModel):
    """The analytics of the requested days."""

    start: str = Field(alias="from", description="First local date.")
    end: str = Field(alias="to", description="Last local date.")
    time_zone: str
    today: str = Field(description="The restaurant's local date now.")
    days: list[AnalyticsDay] = Field(description="The counted days, earliest first.")
    absent: list[MissingDateSpan] = Field(description="Days without a reconciliation.")
    total: SourceAnalytics
    sources: dict[ReservationSystem, SourceAnalytics]


class AnalyticsRequest(RequestModel):
    """Which days, and in which format."""

    start: LocalDate | None = Field(
        None,
        alias="from",
        description=f"First local date. The default is {DEFAULT_ANALYTICS_DAYS} days up to `to`.",
    )
    end: LocalDate | None = Field(
        None,
        alias="to",
        description=(
            f"Last local date, at most {MAX_WINDOW_DAYS} days after `from`. The default is "
            f"yesterday, or the end of {DEFAULT_ANALYTICS_DAYS} days from `from`."
        ),
    )
    format: Literal["json", "csv"] = Field("json", description="`csv` for a spreadsheet.")

    @model_validator(mode="after")
    def _check_date_range(self) -> Self:
        if self.start and self.end:
            DateWindow(self.start, self.end)
        return self

    def resolve_window(self, today: date) -> DateWindow:
        """Return the requested days; a missing end gives `DEFAULT_ANALYTICS_DAYS` days."""
        if self.start and not self.end:
            return DateWindow(self.start, _add_days(self.start, DEFAULT_ANALYTICS_DAYS - 1))
        end = self.end or today - timedelta(days=1)
        return DateWindow(self.start or _add_days(end, 1 - DEFAULT_ANALYTICS_DAYS), end)


def _add_days(day: date, days: int) -> date:
    # The query may contain any date: do not overflow the calendar.
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


@router.get(
    "",
    summary="Get reservation analytics by source",
    response_model=AnalyticsResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def get_analytics(
    context: ManagerContext, query: Annotated[AnalyticsRequest, Query()]
) -> AnalyticsResponse | Response:
    """Return the analytics of some days, as JSON or as a CSV file (one read per day)."""
    zone = (await require_cached_settings(context)).require_zone()
    today = context.app_context.clock().astimezone(zone).date()
    window = query.resolve_window(today)
    days = await read_analytics_days(context.firestore, context.restaurant_id, window)
    if query.format == "csv":
        file_name = f"analytics-{context.restaurant_id}-{window.start}-{window.end}.csv"
        return Response(
            format_analytics_csv(days),
            headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
            media_type="text/csv; header=present",
        )
    return AnalyticsResponse(
        start=window.start.isoformat(),
        end=window.end.isoformat(),
        time_zone=zone.key,
        today=today.isoformat(),
        days=[
            AnalyticsDay(
                date=day,
                sources={system: _build_counts(counts) for system, counts in sources.items()},
            )
            for day, sources in days.items()
        ],
        absent=[
            MissingDateSpan(start=first, end=last)
            for first, last in list_missing_spans(window.list_dates(), days)
        ],
        total=_build_source_analytics(summarize(days, ReservationSystem, today.isoformat())),
        sources={
            system: _build_source_analytics(summarize(days, [system], today.isoformat()))
            for system in ReservationSystem
        },
    )


def _build_counts(counts: RollupCounts) -> AnalyticsCounts:
    return AnalyticsCounts(
        bookings=counts["bookings"],
        cancelled=counts["cancelled"],
        no_shows=counts["noShows"],
        walk_ins=counts["walkIns"],
        parties=count_parties(counts),
        covers=counts["covers"],
        cancelled_covers=counts["cancelledCovers"],
        no_show_covers=counts["noShowCovers"],
    )


def _build_source_analytics(summary: AnalyticsSummary) -> SourceAnalytics:
    counts = summary.counts
    hours = [
        HourOfWeek(
            weekday=weekday,
            hour=_parse_bucket(key),
            bookings=weekly[f"bookingsByHour.{key}"],
            covers=weekly[f"coversByHour.{key}"],
        )
        for weekday, weekly in summary.by_weekday.items()
        for key in HOUR_BUCKETS
        if f"bookingsByHour.{key}" in weekly or f"coversByHour.{key}" in weekly
    ]
    return SourceAnalytics(
        **_build_counts(counts).model_dump(),
        cancellation_rate=summary.cancellation_rate,
        no_show_rate=summary.no_show_rate,
        hours=hours,
        lead_times=[
            LeadTimeCount(lead_time=lead, bookings=counts[f"bookingsByLead.{lead}"])
            for lead in LeadTimeBucket
        ],
        party_sizes=[
            PartySizeCount(party_size=_parse_bucket(key), parties=counts[f"partiesBySize.{key}"])
            for key in PARTY_SIZE_BUCKETS
            if f"partiesBySize.{key}" in counts
        ],
    )


def _parse_bucket(bucket: str) -> int | None:
    return None if bucket == UNKNOWN_BUCKET else int(bucket)
