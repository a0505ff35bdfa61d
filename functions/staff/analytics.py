"""The call about patterns: when guests come, how early they book, and how many do not come."""

from datetime import date, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from functions.staff.models import Asked, LocalDate, Nothing
from functions.staff.patterns import Patterns, told_patterns
from functions.staff.replies import Download, Reply
from functions.staff.routing import Route, Visit
from functions.staff.usable import usable_settings
from shared.core.pattern_csv import as_csv
from shared.core.window import MOST_DAYS, Window
from shared.edge.staff.membership import Role
from shared.edge.staff.patterns import read_patterns

USUAL_DAYS = 28
_DAY = timedelta(days=1)


class PatternsAsked(Asked):
    """Which days, and in which form."""

    start: LocalDate | None = Field(
        None,
        alias="from",
        description=f"The first local date; by default {USUAL_DAYS} days up to `to`.",
    )
    end: LocalDate | None = Field(
        None,
        alias="to",
        description=(
            f"The last local date, up to {MOST_DAYS} days after `from`; by default yesterday's, or "
            f"{USUAL_DAYS} days from `from` on."
        ),
    )
    format: Literal["json", "csv"] = Field("json", description="`csv` for a spreadsheet.")

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.start and self.end and not 0 <= (self.end - self.start).days <= MOST_DAYS:
            raise ValueError(
                f"to must not lie before from, nor more than {MOST_DAYS} days after it"
            )
        return self

    def window(self, today: date) -> Window:
        """Return the days asked for; with one end missing, `USUAL_DAYS` of them."""
        if self.start and not self.end:
            return Window(self.start, _moved(self.start, USUAL_DAYS - 1))
        end = self.end or today - _DAY
        return Window(self.start or _moved(end, 1 - USUAL_DAYS), end)


async def patterns(visit: Visit[PatternsAsked, Nothing]) -> Reply:
    """Answer with the patterns of some days, at the price of a read a day."""
    zone = (await usable_settings(visit)).usable_zone()
    today = visit.services.clock().astimezone(zone).date()
    window = visit.query.window(today)
    days = await read_patterns(visit.services.firestore, visit.restaurant_id, window)
    if visit.query.format == "csv":
        name = f"patterns-{visit.restaurant_id}-{window.start}-{window.end}.csv"
        return Reply(Download(as_csv(days), "text/csv; header=present", name))
    return Reply(told_patterns(days, window, zone.key, today.isoformat()))


def _moved(day: date, days: int) -> date:
    """Return the date so many days away, or the calendar's end where it has none."""
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


ROUTES = (
    Route(
        "GET",
        "analytics",
        Role.MANAGER,
        "Reservation patterns by source",
        patterns,
        Patterns,
        PatternsAsked,
        Nothing,
        file="text/csv",
    ),
)
