"""Histories of one reservation, and the orders in which the world may tell them."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.core.envelope import parse_envelope
from shared.core.snapshot import parse_opentable_reservation
from tests.strategies.envelopes import RECEIVED, envelopes
from tests.strategies.objects import KEY, RID, ZONE, instants, objects, sync_form, utc_text, v3_form

Event = tuple[ReservationEvent, ...]

_FINDINGS: list[tuple[str, dict[str, FieldValue]]] = [
    ("flagged", {"divergence": "MISSING_IN_OPENTABLE"}),
    ("settled", {"divergence": None}),
    ("repaired", {}),
]
_marks = st.just("") | st.builds("{}@{}".format, st.integers(0, 3), instants.map(utc_text))


@dataclass(frozen=True, slots=True)
class Telling:
    """The events of one history, each in every form, and some order in which they arrive.

    An arrival holds every event at least once, each time in any of its forms and by any way.
    """

    events: tuple[Event, ...]
    arrival: tuple[ReservationEvent, ...]


def object_change(row: dict[str, Any]) -> ReservationEvent:
    return parse_opentable_reservation(
        row, json.dumps(row), rid=RID, zone=ZONE, channel=Channel.POLL
    )


def envelope_change(body: dict[str, Any]) -> ReservationEvent:
    return parse_envelope(
        body,
        json.dumps(body),
        rid=RID,
        zone=ZONE,
        received_at=RECEIVED,
        channel=Channel.WEBHOOK,
    )


def object_event(row: dict[str, Any]) -> Event:
    return object_change(sync_form(row)), object_change(v3_form(row))


@st.composite
def findings(draw: st.DrawFn) -> ReservationEvent:
    """Return a finding of reconciliation: our own word, that OpenTable's may have overtaken."""
    kind, said = draw(st.sampled_from(_FINDINGS))
    mark = {"divergenceMark": draw(_marks)} if said else {}
    event_id = f"{kind}-{draw(st.integers(0, 2))}"
    return ReservationEvent(
        external_key=KEY,
        event_id=event_id,
        event_type=f"reconciliation.{kind}",
        actor=Actor.LINEUP,
        version=Version.from_timestamp(draw(instants), event_id),
        fields=said | mark,
        payload="{}",
        channel=Channel.RECONCILIATION,
    )


def _identity(change: ReservationEvent) -> tuple[Actor, object]:
    """Return that of which one history has one: an object's version, an envelope's id."""
    of_open_table = change.actor is Actor.OPENTABLE
    return change.actor, change.version if of_open_table else change.event_id


_events = st.one_of(
    objects().map(object_event),
    envelopes().map(lambda body: (envelope_change(body),)),
    findings().map(lambda change: (change,)),
)
histories = st.lists(
    _events, min_size=1, max_size=8, unique_by=lambda event: _identity(event[0])
).map(tuple)


@st.composite
def arrivals(draw: st.DrawFn, events: tuple[Event, ...]) -> Telling:
    """Return the events in any order, with duplicates."""
    again = draw(st.lists(st.sampled_from(events), max_size=4))
    order = draw(st.permutations([*events, *again]))
    arrival = [
        replace(draw(st.sampled_from(event)), channel=draw(st.sampled_from(Channel)))
        for event in order
    ]
    return Telling(events, tuple(arrival))


tellings = histories.flatmap(arrivals)
tellings_twice = histories.flatmap(lambda events: st.tuples(arrivals(events), arrivals(events)))
