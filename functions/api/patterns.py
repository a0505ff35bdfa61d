"""Patterns as the staff API tells them."""

from pydantic import Field

from functions.api.models import ResponseModel
from shared.domain.analytics.rollup import UNKNOWN_BUCKET, LeadTimeBucket, RollupCounts
from shared.domain.analytics.summary import (
    AnalyticsDays,
    AnalyticsSummary,
    count_parties,
    missing_spans,
    summarize,
)
from shared.domain.backfill import DateWindow
from shared.domain.normalization.identifiers import ReservationSystem


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


def analytics_response(
    days: AnalyticsDays, window: DateWindow, time_zone: str, today: str
) -> AnalyticsResponse:
    """Return the patterns of some days as they are told.

    Args:
        days: Those that were counted.
        window: Those asked for.
        time_zone: The zone's name.
        today: The restaurant's local date.
    """
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
