"""Generate documents for analytics, some of them native or malformed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONE = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 7, 17, tzinfo=UTC)  # the day before a clock change
DAYS = ("2026-03-07", "2026-03-08", "2026-03-09")

_STATUSES = ("BOOKED", "CONFIRMED", "SEATED", "COMPLETED", "CANCELLED", "NO_SHOW", "HELD", None)
_invalid_sizes = st.none() | st.booleans() | st.text(max_size=3) | st.integers(-2, 0)


@st.composite
def reservation_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Generate a document of one of `DAYS`, or without a date."""
    start = NOON + timedelta(minutes=draw(st.integers(-600, 3_000)))
    lead = timedelta(minutes=draw(st.integers(-60, 60 * 24 * 40)))
    day = start.astimezone(ZONE).date().isoformat()
    dated = draw(st.booleans() | st.just(value=True))
    return {
        "source": draw(st.sampled_from([{"system": "OPENTABLE"}, {"system": "LINEUP"}, {}, None])),
        "localDate": day if dated else None,
        "startAt": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "startAtTimestamp": draw(st.sampled_from([start, None])),
        "partySize": draw(st.integers(1, 30) | _invalid_sizes),
        "status": draw(st.sampled_from(_STATUSES)),
        "bookedAt": draw(st.sampled_from([start - lead, None])),
        "createdAt": start - timedelta(days=1),
        "metadata": draw(st.sampled_from([{"origin": "Web"}, {"origin": "Walk-in"}, {}, None])),
    }
