"""Reservation analytics: when guests visit, how early they book, and how many do not come."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator

from functions.api.integration import require_cached_settings
from functions.api.requests import (
    API_PREFIX,
    LocalDate,
    ManagerContext,
    RequestModel,
    StaffRoute,
)
from functions.api.responses import ResponseModel
from shared.analytics.store import read_analytics_days
from shared.domain.analytics.rollup import UNKNOWN_BUCKET, LeadTimeBucket, RollupCounts
from shared.domain.analytics.summary import (
    AnalyticsDays,
    AnalyticsSummary,
    count_parties,
    format_analytics_csv,
    missing_spans,
    summarize,
)
from shared.domain.backfill import MAX_WINDOW_DAYS, DateWindow
from shared.domain.normalization.identifiers import ReservationSystem

DEFAULT_ANALYTICS_DAYS = 28

router = APIRouter(prefix=f"{API_PREFIX}/analytics", route_class=StaffRoute)


class AnalyticsCounts(ResponseModel):
    """Counts of reservations and people."""

    bookings: int = Field(description="Made ahead, whatever came of them.")
    cancelled: int = Field(description="Of the bookings.")
    no_shows: int = Field(description="Of the bookings.")
    walk_ins: int = Field(description="Parties that came without a booking.")
    parties: int = Field(description="That come or came, walk-ins included.")
    covers: int = Field(description="People of those parties.")
    cancelled_covers: int = Field(description="People of the bookings that were cancelled.")
    no_show_covers: int = Field(description="People of the bookings that did not come.")


class AnalyticsDay(ResponseModel):
    """One day's counts."""

    date: str
    sources: dict[ReservationSystem, AnalyticsCounts]


class HourOfWeek(ResponseModel):
    """An hour of a weekday, summed over the span."""

    weekday: int = Field(description="1 for Monday to 7 for Sunday.")
    hour: int | None = Field(description="On the restaurant's clock, 0-23; null: not known.")
    bookings: int
    covers: int


class LeadTimeCount(ResponseModel):
    """Bookings by how long before the visit they were made."""

    lead_time: LeadTimeBucket
    bookings: int


class PartySizeCount(ResponseModel):
    """Parties that come or came, by size."""

    party_size: int | None = Field(description="20 for 20 or more; null where it is not known.")
    parties: int


class SourceAnalytics(AnalyticsCounts):
    """The pattern of a source, or of all of them."""

    cancellation_rate: float | None = Field(
        description="Share of the bookings that was cancelled, 0-1; null where there are none."
    )
    no_show_rate: float | None = Field(
        description="Of the bookings of days before today that were not cancelled, the share that "
        "did not come, 0-1; null where there are none."
    )
    hours: list[HourOfWeek] = Field(description="Those with a booking or a cover.")
    lead_times: list[LeadTimeCount] = Field(description="All of them, the shortest first.")
    party_sizes: list[PartySizeCount] = Field(description="Those that occur, the smallest first.")


class MissingDateSpan(ResponseModel):
    """Local dates that follow each other, both inclusive."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")


class AnalyticsResponse(ResponseModel):
    """The patterns of some days."""

    start: str = Field(alias="from", description="The first local date.")
    end: str = Field(alias="to", description="The last local date.")
    time_zone: str
    today: str = Field(description="The restaurant's local date now.")
    days: list[AnalyticsDay] = Field(description="The days that were counted, the earliest first.")
    absent: list[MissingDateSpan] = Field(description="The days that no reconciliation counted.")
    total: SourceAnalytics
    sources: dict[ReservationSystem, SourceAnalytics]


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
        end = self.end or today - timedelta(days=1)
        return DateWindow(self.start or _add_days(end, 1 - DEFAULT_ANALYTICS_DAYS), end)


def _add_days(day: date, days: int) -> date:
    """Return the date so many days away, or the calendar's end where it has none."""
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
    days = await read_analytics_days(context.app_context.firestore, context.restaurant_id, window)
    if query.format == "csv":
        file_name = f"patterns-{context.restaurant_id}-{window.start}-{window.end}.csv"
        return Response(
            format_analytics_csv(days),
            headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
            media_type="text/csv; header=present",
        )
    return _build_analytics_response(days, window, zone.key, today.isoformat())


def _build_analytics_response(
    days: AnalyticsDays, window: DateWindow, time_zone: str, today: str
) -> AnalyticsResponse:
    return AnalyticsResponse(
        start=window.start.isoformat(),
        end=window.end.isoformat(),
        time_zone=time_zone,
        today=today,
        days=[
            AnalyticsDay(date=day, sources={each: _build_counts(c) for each, c in sources.items()})
            for day, sources in days.items()
        ],
        absent=[
            MissingDateSpan(start=first, end=last)
            for first, last in missing_spans(window.list_dates(), days)
        ],
        total=_build_source_analytics(summarize(days, ReservationSystem, today)),
        sources={
            system: _build_source_analytics(summarize(days, [system], today))
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
    return SourceAnalytics(
        **_build_counts(counts).model_dump(),
        cancellation_rate=summary.cancellation_rate,
        no_show_rate=summary.no_show_rate,
        hours=[
            hour for day, weekly in summary.by_weekday.items() for hour in _build_hours(day, weekly)
        ],
        lead_times=[
            LeadTimeCount(lead_time=lead, bookings=counts[f"bookingsByLead.{lead}"])
            for lead in LeadTimeBucket
        ],
        party_sizes=[
            PartySizeCount(party_size=_parse_split_key(key), parties=counts[f"partiesBySize.{key}"])
            for key in _sorted_split_keys(counts, "partiesBySize")
        ],
    )


def _build_hours(weekday: int, counts: RollupCounts) -> list[HourOfWeek]:
    return [
        HourOfWeek(
            weekday=weekday,
            hour=_parse_split_key(key),
            bookings=counts[f"bookingsByHour.{key}"],
            covers=counts[f"coversByHour.{key}"],
        )
        for key in sorted(
            {
                *_sorted_split_keys(counts, "bookingsByHour"),
                *_sorted_split_keys(counts, "coversByHour"),
            }
        )
    ]


def _sorted_split_keys(counts: RollupCounts, split: str) -> list[str]:
    """Return the keys of a split, what is not known last."""
    path_parts = (path.partition(".") for path in counts)
    return sorted(key for name, _, key in path_parts if name == split)


def _parse_split_key(key: str) -> int | None:
    return None if key == UNKNOWN_BUCKET else int(key)
