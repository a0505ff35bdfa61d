"""A relay's envelopes as Hypothesis finds them."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.strategies.objects import KEY, NOON, RID, instants, note_texts, row_timestamp

_RELAY_CLOCK_AHEAD = timedelta(hours=6)
_STATUS_TEXTS = ("pending", "confirmed", "SEATED", "no-show", "canceled", "on its way", " ", None)
_WALL_TIMES = ("2026-03-08T02:30:00", "2026-11-01T01:30", "2026-03-14T23:15:00Z", None)

# A relay whose clock runs hours ahead of OpenTable's must not hold the ledger wrong.
_timestamps = instants | instants.map(lambda instant: instant + _RELAY_CLOCK_AHEAD)
_ids = st.sampled_from(["a", "b", "c", "evt_1", "~", "with blank", "é"]) | st.text(
    st.characters(codec="utf-8"), min_size=1, max_size=3
)
_data = st.fixed_dictionaries(
    {},
    optional={
        "dinerName": st.sampled_from(["John Doe", "J. Doe", "", None]),
        "guest_name": st.just("an alias, never before the canonical name"),
        "dinerEmail": st.sampled_from(["john@example.com", None]),
        "phone": st.just("15551234567"),
        "partySize": st.sampled_from([1, 6, "4", None]),
        "reservationDateTime": st.sampled_from(_WALL_TIMES),
        "status": st.sampled_from(_STATUS_TEXTS),
        "special_requests": note_texts,
        "cancellationReason": note_texts,
        "restaurantName": st.just("Demo Restaurant"),
    },
)


def _timestamp_forms(instant: datetime) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [row_timestamp(instant), row_timestamp(instant)[:-1], instant.isoformat()]
    )


@st.composite
def envelope_bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Return an envelope about the reservation of `tests.strategies.objects`."""
    kind = draw(st.sampled_from(["created", "updated", "cancelled"]))
    return {
        "eventType": f"reservation.{kind}",
        "id": draw(_ids),
        "timestamp": draw(_timestamps.flatmap(_timestamp_forms)),
        "data": {
            "reservationId": draw(st.sampled_from([KEY, KEY.upper(), f"{RID}-{KEY}"])),
            "restaurantId": "restaurant-123",
            **draw(_data),
        },
    }


RELAY_RECEIVED_AT = NOON + timedelta(days=4)
