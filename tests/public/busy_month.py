"""Four weeks of a busy house as its hourly runs counted them."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.core.patterns import RollupBuilder
from shared.core.window import DateWindow
from shared.edge import paths
from tests.public.stand import NEW_YORK, PageHarness

BUSY_MONTH = DateWindow(date(2026, 2, 14), date(2026, 3, 13))
BUSY_MONTH_SPAN = f"{BUSY_MONTH.start}_{BUSY_MONTH.end}"


async def store_rollups(
    stand: PageHarness, window: DateWindow = BUSY_MONTH, *, empty: bool = False
) -> None:
    """Store the days' roll-ups."""
    tally = RollupBuilder(window.list_dates(), NEW_YORK)
    for document in () if empty else _month_documents(window):
        tally.add_document(document)
    patterns = paths.analytics_collection(stand.client, stand.restaurant.id)
    for day, sources in tally.build_rollups().items():
        await patterns.document(day).set({"localDate": day, "sources": sources})


def _month_documents(window: DateWindow) -> Iterator[dict[str, Any]]:
    rng = random.Random(7)  # noqa: S311 -- the same month each time
    for day in map(date.fromisoformat, window.list_dates()):
        for _ in range(8 + 4 * day.isoweekday()):
            at = datetime.combine(day, time(rng.choices((12, 18, 19, 20, 21), (2, 5, 6, 4, 1))[0]))
            yield _month_document(rng, at.replace(tzinfo=NEW_YORK).astimezone(UTC), day)


def _month_document(rng: random.Random, start: datetime, day: date) -> dict[str, Any]:
    return {
        "source": {"system": rng.choices(("OPENTABLE", "LINEUP"), (3, 1))[0]},
        "localDate": day.isoformat(),
        "startAtTimestamp": start,
        "partySize": rng.choices((1, 2, 3, 4, 5, 6, 8, 12), (2, 40, 15, 20, 6, 8, 3, 1))[0],
        "status": rng.choices(("COMPLETED", "CANCELLED", "NO_SHOW"), (86, 9, 5))[0],
        "bookedAt": start - timedelta(hours=rng.choice((1, 5, 25, 60, 100, 200, 500, 800))),
        "metadata": {"origin": rng.choices(("Web", "Walk-in"), (9, 1))[0]},
    }
