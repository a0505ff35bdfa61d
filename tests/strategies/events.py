"""Generate rows, envelopes and histories of one reservation, and the orders of their arrival."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.ledger.events import (
    Actor,
    Channel,
    FieldValue,
    ReservationEvent,
    build_lineup_event,
)
from shared.domain.normalization.opentable_reservation import parse_opentable_reservation
from shared.domain.normalization.webhook_body import parse_envelope
from tests.strategies.spellings import envelope_spellings, row_spellings

RID = "555001"
KEY = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
GUEST_KEY = "65aa01bb02cc03dd04ee05ff"
ZONE = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)  # New York's clocks change on this day

_STATES = (
    *("NotConfirmed", "Confirmed", "Late", "Partially Arrived", "AllArrived", "Seated"),
    *("CheckDropped", "Done", "AssumedDone", "Cancelled", "NoShow", "bottle_service", " ", None),
)

_TIME_FIELD_NAMES = ("scheduled_time", "created_date", "arrived_time", "seated_time", "done_time")

# Few instants, so that ties and inversions are the rule.
instants = st.sampled_from(range(-2, 4)).map(lambda minutes: NOON + timedelta(minutes=minutes))
note_texts = st.sampled_from(["", "  Window seat ", "Crème brûlée\nno nuts", None])
text_lists = st.sampled_from([[], ["12"], ["13", "12"], ["A1", "é"], None])

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
    """Return both keys of a time, null where there is none."""
    if instant is None:
        return {name: None, f"{name}_utc": None}
    return {
        name: f"{instant.astimezone(ZONE):%Y-%m-%dT%H:%M:%S}",
        f"{name}_utc": row_timestamp(instant),
    }


@st.composite
def row_bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Generate the keys that both formats have, some absent, null or unknown."""
    times = draw(st.dictionaries(st.sampled_from(_TIME_FIELD_NAMES), instants | st.none()))
    row = {
        "id": f"{RID}-{KEY}",
        "rid": int(RID),
        "sequence_id": draw(st.sampled_from([0, 1, 2, 3, 2**62])),
        **_time_fields("updated_at", draw(instants)),
        **draw(_optional_row_fields),
    }
    for name, instant in times.items():
        row |= _time_fields(name, instant)
    return row


def as_sync_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as in the Sync v2 API."""
    return row | {"pos_data": {"check_ids": None}, "currency_denominator": 100, "email": ""}


def as_webhook_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as in the v3 webhook: bare ids, and a UTC time without its Z."""
    webhook_row = row | {"id": KEY, "deposit_details": None, "href": "https://api.opentable.com/x"}
    if row.get("guest_id"):
        webhook_row["guest_id"] = row["guest_id"].removeprefix(f"{RID}-")
    if row.get("scheduled_time_utc"):
        webhook_row["scheduled_time_utc"] = row["scheduled_time_utc"].removesuffix("Z")
    return webhook_row


_RELAY_CLOCK_AHEAD = timedelta(hours=6)
_STATUS_TEXTS = ("pending", "confirmed", "SEATED", "no-show", "canceled", "on its way", " ", None)
_WALL_TIMES = ("2026-03-08T02:30:00", "2026-11-01T01:30", "2026-03-14T23:15:00Z", None)

# A relay with a clock hours ahead must not override OpenTable.
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
    """Generate an envelope of the reservation `KEY`."""
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
EventForms = tuple[ReservationEvent, ...]

_RECONCILIATION_EVENTS: list[tuple[str, dict[str, FieldValue]]] = [
    ("flagged", {"divergence": "MISSING_IN_OPENTABLE"}),
    ("resolved", {"divergence": None}),
    ("repaired", {}),
]

_divergence_versions = st.just("") | st.builds(
    "{}@{}".format, st.integers(0, 3), instants.map(row_timestamp)
)


@dataclass(frozen=True, slots=True)
class ArrivalSequence:
    """A history's events in every format and several spellings, and one order of arrival.

    Each event arrives at least once, in any of its forms and through any channel.
    """

    events: tuple[EventForms, ...]
    arrival: tuple[ReservationEvent, ...]


def event_from_row_body(row: dict[str, Any]) -> ReservationEvent:
    return parse_opentable_reservation(
        row, json.dumps(row), rid=RID, zone=ZONE, channel=Channel.POLL
    )


def event_from_envelope_body(body: dict[str, Any]) -> ReservationEvent:
    return parse_envelope(
        body,
        json.dumps(body),
        rid=RID,
        zone=ZONE,
        received_at=RELAY_RECEIVED_AT,
        channel=Channel.WEBHOOK,
    )


@st.composite
def row_event_forms(draw: st.DrawFn) -> EventForms:
    """Generate one row in both formats, and in two other spellings."""
    row = draw(row_bodies())
    spelled = [as_sync_row(draw(row_spellings(row))), as_webhook_row(draw(row_spellings(row)))]
    bodies = [as_sync_row(row), as_webhook_row(row), *spelled]
    return tuple(map(event_from_row_body, bodies))


@st.composite
def envelope_event_forms(draw: st.DrawFn) -> EventForms:
    """Generate one envelope in two spellings."""
    body = draw(envelope_bodies())
    return event_from_envelope_body(body), event_from_envelope_body(draw(envelope_spellings(body)))


@st.composite
def reconciliation_events(draw: st.DrawFn) -> ReservationEvent:
    """Generate a divergence, possibly for an older version of OpenTable's, or a repair."""
    kind, fields = draw(st.sampled_from(_RECONCILIATION_EVENTS))
    version_field = {"divergenceVersion": draw(_divergence_versions)} if fields else {}
    return build_lineup_event(
        KEY,
        event_id=f"{kind}-{draw(st.integers(0, 2))}",
        event_type=f"reconciliation.{kind}",
        occurred_at=draw(instants),
        channel=Channel.RECONCILIATION,
        fields=fields | version_field,
    )


def history_key(event: ReservationEvent) -> tuple[Actor, object]:
    """Return what is unique in a history: an object's version, an envelope's id."""
    is_opentable = event.actor is Actor.OPENTABLE
    return event.actor, event.version if is_opentable else event.event_id


_event_forms = st.one_of(
    row_event_forms(),
    envelope_event_forms(),
    reconciliation_events().map(lambda event: (event,)),
)

event_histories = st.lists(
    _event_forms, min_size=1, max_size=8, unique_by=lambda event: history_key(event[0])
).map(tuple)


@st.composite
def arrivals(draw: st.DrawFn, events: tuple[EventForms, ...]) -> ArrivalSequence:
    """Generate an order with duplicates."""
    duplicates = draw(st.lists(st.sampled_from(events), max_size=4))
    order = draw(st.permutations([*events, *duplicates]))
    arrival = [
        replace(draw(st.sampled_from(event)), channel=draw(st.sampled_from(Channel)))
        for event in order
    ]
    return ArrivalSequence(events, tuple(arrival))


arrival_sequences = event_histories.flatmap(arrivals)

arrival_sequence_pairs = event_histories.flatmap(
    lambda events: st.tuples(arrivals(events), arrivals(events))
)
