"""Patterns as the staff API tells them."""

from pydantic import Field

from functions.staff.models import Told
from shared.core.pattern_sums import Days, Sums, absent, parties, sums
from shared.core.patterns import UNKNOWN, Counts
from shared.core.system import System
from shared.core.visits import Lead
from shared.core.window import Window


class Counted(Told):
    """Counts of reservations and people."""

    bookings: int = Field(description="Made ahead, whatever came of them.")
    cancelled: int = Field(description="Of the bookings.")
    no_shows: int = Field(description="Of the bookings.")
    walk_ins: int = Field(description="Parties that came without a booking.")
    parties: int = Field(description="That come or came, walk-ins included.")
    covers: int = Field(description="People of those parties.")
    cancelled_covers: int = Field(description="People of the bookings that were cancelled.")
    no_show_covers: int = Field(description="People of the bookings that did not come.")


class PatternDay(Told):
    """One day's counts."""

    date: str
    sources: dict[System, Counted]


class HourOfWeek(Told):
    """An hour of a weekday, summed over the span."""

    weekday: int = Field(description="1 for Monday to 7 for Sunday.")
    hour: int | None = Field(description="On the restaurant's clock, 0-23; null: not known.")
    bookings: int
    covers: int


class LeadTime(Told):
    """Bookings by how long before the visit they were made."""

    lead_time: Lead
    bookings: int


class PartySize(Told):
    """Parties that come or came, by size."""

    party_size: int | None = Field(description="20 for 20 or more; null where it is not known.")
    parties: int


class Pattern(Counted):
    """The pattern of a source, or of all of them."""

    cancellation_rate: float | None = Field(
        description="Share of the bookings that was cancelled, 0-1; null where there are none."
    )
    no_show_rate: float | None = Field(
        description="Of the bookings of days before today that were not cancelled, the share that "
        "did not come, 0-1; null where there are none."
    )
    hours: list[HourOfWeek] = Field(description="Those with a booking or a cover.")
    lead_times: list[LeadTime] = Field(description="All of them, the shortest first.")
    party_sizes: list[PartySize] = Field(description="Those that occur, the smallest first.")


class Span(Told):
    """Local dates that follow each other, both inclusive."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")


class Patterns(Told):
    """The patterns of some days."""

    start: str = Field(alias="from", description="The first local date.")
    end: str = Field(alias="to", description="The last local date.")
    time_zone: str
    today: str = Field(description="The restaurant's local date now.")
    days: list[PatternDay] = Field(description="The days that were counted, the earliest first.")
    absent: list[Span] = Field(description="The days that no reconciliation counted.")
    total: Pattern
    sources: dict[System, Pattern]


def told_patterns(days: Days, window: Window, time_zone: str, today: str) -> Patterns:
    """Return the patterns of some days as they are told.

    Args:
        days: Those that were counted.
        window: Those asked for.
        time_zone: The zone's name.
        today: The restaurant's local date.
    """
    return Patterns(
        start=window.start.isoformat(),
        end=window.end.isoformat(),
        time_zone=time_zone,
        today=today,
        days=[
            PatternDay(date=day, sources={each: _counted(c) for each, c in sources.items()})
            for day, sources in days.items()
        ],
        absent=[Span(start=first, end=last) for first, last in absent(window.days(), days)],
        total=_pattern(sums(days, System, today)),
        sources={system: _pattern(sums(days, [system], today)) for system in System},
    )


def _counted(counts: Counts) -> Counted:
    return Counted(
        bookings=counts["bookings"],
        cancelled=counts["cancelled"],
        no_shows=counts["noShows"],
        walk_ins=counts["walkIns"],
        parties=parties(counts),
        covers=counts["covers"],
        cancelled_covers=counts["cancelledCovers"],
        no_show_covers=counts["noShowCovers"],
    )


def _pattern(whole: Sums) -> Pattern:
    counts = whole.counts
    return Pattern(
        **_counted(counts).model_dump(),
        cancellation_rate=whole.cancellation_rate,
        no_show_rate=whole.no_show_rate,
        hours=[each for day, weekly in whole.weekly.items() for each in _hours(day, weekly)],
        lead_times=[
            LeadTime(lead_time=lead, bookings=counts[f"bookingsByLead.{lead}"]) for lead in Lead
        ],
        party_sizes=[
            PartySize(party_size=_number(key), parties=counts[f"partiesBySize.{key}"])
            for key in _keys(counts, "partiesBySize")
        ],
    )


def _hours(weekday: int, counts: Counts) -> list[HourOfWeek]:
    return [
        HourOfWeek(
            weekday=weekday,
            hour=_number(key),
            bookings=counts[f"bookingsByHour.{key}"],
            covers=counts[f"coversByHour.{key}"],
        )
        for key in sorted({*_keys(counts, "bookingsByHour"), *_keys(counts, "coversByHour")})
    ]


def _keys(counts: Counts, split: str) -> list[str]:
    """Return the keys of a split, what is not known last."""
    named = (path.partition(".") for path in counts)
    return sorted(key for name, _, key in named if name == split)


def _number(key: str) -> int | None:
    return None if key == UNKNOWN else int(key)
