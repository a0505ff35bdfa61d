"""OpenTable's own objects as Hypothesis finds them, in the forms in which one state is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

RID = "555001"
KEY = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
GUEST_KEY = "65aa01bb02cc03dd04ee05ff"
ZONE = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)  # the day on which New York's clocks change

_STATES = (
    *("NotConfirmed", "Confirmed", "Late", "Partially Arrived", "AllArrived", "Seated"),
    *("CheckDropped", "Done", "AssumedDone", "Cancelled", "NoShow", "bottle_service", " ", None),
)
_TIME_FIELD_NAMES = ("scheduled_time", "created_date", "arrived_time", "seated_time", "done_time")

# Few instants, so that ties and inversions are the rule.
instants = st.sampled_from(range(-2, 4)).map(lambda minutes: NOON + timedelta(minutes=minutes))
note_texts = st.sampled_from(["", "  Window seat ", "Nuts", None])
text_lists = st.sampled_from([[], ["12"], ["12", "13"], None])

_optional_row_fields = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(_STATES),
        "party_size": st.sampled_from([1, 2, 4, 20, None]),
        "confirmation_id": st.sampled_from([7731, None]),
        "guest_id": st.sampled_from([f"{RID}-{GUEST_KEY}", None]),
        "guest_request": note_texts,
        "venue_notes": note_texts,
        "table_number": text_lists,
        "visit_tags": text_lists,
        "server": note_texts,
        "origin": st.sampled_from(["Web", "Walk-in"]),
    },
)


def row_timestamp(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _time_fields(name: str, instant: datetime | None) -> dict[str, Any]:
    """Return a moment as OpenTable tells it: twice, both null where there is none."""
    if instant is None:
        return {name: None, f"{name}_utc": None}
    return {
        name: f"{instant.astimezone(ZONE):%Y-%m-%dT%H:%M:%S}",
        f"{name}_utc": row_timestamp(instant),
    }


@st.composite
def row_bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Return what both forms carry of one state: perhaps partial, with nulls and unknown words."""
    moments = draw(st.dictionaries(st.sampled_from(_TIME_FIELD_NAMES), instants | st.none()))
    row = {
        "id": f"{RID}-{KEY}",
        "rid": int(RID),
        "sequence_id": draw(st.sampled_from([0, 1, 2, 3, 2**62])),
        **_time_fields("updated_at", draw(instants)),
        **draw(_optional_row_fields),
    }
    for name, instant in moments.items():
        row |= _time_fields(name, instant)
    return row


def as_sync_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the state as the Sync v2 API tells it."""
    return row | {"pos_data": {"check_ids": None}, "currency_denominator": 100, "email": ""}


def as_webhook_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the state as the v3 webhook tells it: bare ids, and a UTC time without its Z."""
    webhook_row = row | {"id": KEY, "deposit_details": None, "href": "https://api.opentable.com/x"}
    if row.get("guest_id"):
        webhook_row["guest_id"] = GUEST_KEY
    if row.get("scheduled_time_utc"):
        webhook_row["scheduled_time_utc"] = row["scheduled_time_utc"].removesuffix("Z")
    return webhook_row
