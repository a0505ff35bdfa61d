"""Histories of one reservation, and the orders in which the world may tell them."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.core.envelope import parse_envelope
from shared.core.snapshot import parse_opentable_reservation
from tests.strategies.envelopes import RELAY_RECEIVED_AT, envelope_bodies
from tests.strategies.objects import (
    KEY,
    RID,
    ZONE,
    as_sync_row,
    as_webhook_row,
    instants,
    row_bodies,
    row_timestamp,
)

EventForms = tuple[ReservationEvent, ...]

_RECONCILIATION_EVENTS: list[tuple[str, dict[str, FieldValue]]] = [
    ("flagged", {"divergence": "MISSING_IN_OPENTABLE"}),
    ("settled", {"divergence": None}),
    ("repaired", {}),
]
_divergence_marks = st.just("") | st.builds(
    "{}@{}".format, st.integers(0, 3), instants.map(row_timestamp)
)


@dataclass(frozen=True, slots=True)
class ArrivalSequence:
    """The events of one history, each in every form, and some order in which they arrive.

    An arrival holds every event at least once, each time in any of its forms and by any way.
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


def row_event_forms(row: dict[str, Any]) -> EventForms:
    return event_from_row_body(as_sync_row(row)), event_from_row_body(as_webhook_row(row))


@st.composite
def reconciliation_events(draw: st.DrawFn) -> ReservationEvent:
    """Return a finding of reconciliation: our own word, that OpenTable's may have overtaken."""
    kind, fields = draw(st.sampled_from(_RECONCILIATION_EVENTS))
    mark = {"divergenceVersion": draw(_divergence_marks)} if fields else {}
    event_id = f"{kind}-{draw(st.integers(0, 2))}"
    return ReservationEvent(
        external_key=KEY,
        event_id=event_id,
        event_type=f"reconciliation.{kind}",
        actor=Actor.LINEUP,
        version=Version.from_timestamp(draw(instants), event_id),
        fields=fields | mark,
        payload="{}",
        channel=Channel.RECONCILIATION,
    )


def _identity(change: ReservationEvent) -> tuple[Actor, object]:
    """Return that of which one history has one: an object's version, an envelope's id."""
    of_open_table = change.actor is Actor.OPENTABLE
    return change.actor, change.version if of_open_table else change.event_id


_event_forms = st.one_of(
    row_bodies().map(row_event_forms),
    envelope_bodies().map(lambda body: (event_from_envelope_body(body),)),
    reconciliation_events().map(lambda change: (change,)),
)
event_histories = st.lists(
    _event_forms, min_size=1, max_size=8, unique_by=lambda event: _identity(event[0])
).map(tuple)


@st.composite
def arrivals(draw: st.DrawFn, events: tuple[EventForms, ...]) -> ArrivalSequence:
    """Return the events in any order, with duplicates."""
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
