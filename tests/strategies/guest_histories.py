"""Histories of one reservation and of the guests whom it names, merges and erasures included."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.guest import UNVERSIONED, Guest
from tests.strategies.envelopes import envelopes
from tests.strategies.histories import envelope_change, findings, object_change
from tests.strategies.objects import NOON, RID, objects

KEYS = ("65aa01bb02cc03dd04ee05ff", "loser", "survivor")
Statement = ReservationEvent | Guest

# Whom each is merged into, one survivor for each as OpenTable says it; chains among them.
_merges = st.sampled_from(
    [
        {},
        {KEYS[0]: KEYS[1]},
        {KEYS[0]: KEYS[1], KEYS[1]: KEYS[2]},
        {KEYS[1]: KEYS[0], KEYS[2]: KEYS[0]},
        {KEYS[0]: KEYS[1], KEYS[1]: KEYS[0]},
    ]
)
_profiles = st.fixed_dictionaries(
    {},
    optional={
        "firstName": st.sampled_from(["Ada", "Grace"]),
        "lastName": st.just("Lovelace"),
        "email": st.just("ada@example.com"),
        "phones": st.lists(st.sampled_from(["+15551234567", "12"]), max_size=2),
    },
)


@dataclass(frozen=True, slots=True)
class Tale:
    """Statements, each once, and two orders in which they may arrive, with duplicates."""

    statements: tuple[Statement, ...]
    orders: tuple[tuple[Statement, ...], tuple[Statement, ...]]

    def truth(self) -> dict[str, Guest]:
        """Return each guest as OpenTable has it in the end."""
        held: dict[str, Guest] = {}
        for guest in self.statements:
            if isinstance(guest, Guest) and (
                guest.key not in held or guest.supersedes(held[guest.key])
            ):
                held[guest.key] = guest
        return held


def _guest_id(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "guest_id" not in row:
        return st.just(row)
    ids = st.sampled_from([*(f"{RID}-{key}" for key in KEYS), *KEYS, None])
    return ids.map(lambda guest_id: row | {"guest_id": guest_id})


def _identity(statement: Statement) -> object:
    if isinstance(statement, Guest):
        kind = (statement.is_merged, statement.forgotten_at, statement.version)
        return statement.key, kind
    of_open_table = statement.actor is Actor.OPENTABLE
    return statement.actor, statement.version if of_open_table else statement.event_id


@st.composite
def _guests(draw: st.DrawFn, merges: dict[str, str]) -> Guest:
    """Return a guest's record: plain at some version, merged, or forgotten."""
    key = draw(st.sampled_from(KEYS))
    if draw(st.integers(0, 4)) == 0:
        return Guest(key, forgotten_at=NOON)
    if key in merges and draw(st.booleans()):
        survivor = merges[key]
        return Guest(
            key, UNVERSIONED, is_merged=True, survivor_key=survivor, survivor_id=f"{RID}-{survivor}"
        )
    return Guest(key, Version.from_sequence(draw(st.integers(1, 4)), NOON), draw(_profiles))


@st.composite
def tales(draw: st.DrawFn) -> Tale:
    """Return a reservation's and its guests' statements, and two orders of them."""
    merges = draw(_merges)
    said = st.one_of(
        objects().flatmap(_guest_id).map(object_change),
        objects().flatmap(_guest_id).map(object_change),
        envelopes().map(envelope_change),
        findings(),
        _guests(merges),
        _guests(merges),
    )
    statements = draw(st.lists(said, min_size=1, max_size=9, unique_by=_identity))
    return Tale(tuple(statements), (draw(_order(statements)), draw(_order(statements))))


@st.composite
def _order(draw: st.DrawFn, statements: list[Statement]) -> tuple[Statement, ...]:
    again = draw(st.lists(st.sampled_from(statements), max_size=4))
    order = draw(st.permutations([*statements, *again]))
    sources = st.sampled_from(Channel)
    return tuple(
        replace(each, channel=draw(sources)) if isinstance(each, ReservationEvent) else each
        for each in order
    )
