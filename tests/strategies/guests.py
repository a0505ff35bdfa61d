"""Generate guests, and histories of one reservation with its guests, merges and erasures."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.ledger.events import Channel, ReservationEvent, Version
from shared.domain.ledger.guest_link import UNVERSIONED, Guest
from tests.strategies.events import (
    GUEST_KEY,
    NOON,
    RID,
    envelope_bodies,
    event_from_envelope_body,
    event_from_row_body,
    history_key,
    reconciliation_events,
    row_bodies,
)

_ADA_PROFILE = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "phones": ["+15551234567"],
    "email": None,
}

KNOWN_GUESTS = {GUEST_KEY: Guest(GUEST_KEY, Version.from_sequence(1, NOON), _ADA_PROFILE)}

MERGED_GUESTS = {
    GUEST_KEY: Guest(
        GUEST_KEY, is_merged=True, survivor_key="survivor", survivor_id="555001-survivor"
    ),
    "survivor": Guest("survivor", Version.from_sequence(2, NOON), _ADA_PROFILE),
}

stored_guest_maps = st.sampled_from([{}, KNOWN_GUESTS, MERGED_GUESTS])
GUEST_KEYS = ("65aa01bb02cc03dd04ee05ff", "loser", "survivor")
GuestOrEvent = ReservationEvent | Guest

# Merged guest to survivor, with chains and a cycle.
_merges = st.sampled_from(
    [
        {},
        {GUEST_KEYS[0]: GUEST_KEYS[1]},
        {GUEST_KEYS[0]: GUEST_KEYS[1], GUEST_KEYS[1]: GUEST_KEYS[2]},
        {GUEST_KEYS[1]: GUEST_KEYS[0], GUEST_KEYS[2]: GUEST_KEYS[0]},
        {GUEST_KEYS[0]: GUEST_KEYS[1], GUEST_KEYS[1]: GUEST_KEYS[0]},
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
class GuestHistory:
    """Distinct events and guest records, and two orders of arrival with duplicates."""

    items: tuple[GuestOrEvent, ...]
    orders: tuple[tuple[GuestOrEvent, ...], tuple[GuestOrEvent, ...]]

    def final_guests(self) -> dict[str, Guest]:
        """Return the last record of each guest at OpenTable."""
        guests: dict[str, Guest] = {}
        for guest in self.items:
            if isinstance(guest, Guest) and (
                guest.key not in guests or guest.supersedes(guests[guest.key])
            ):
                guests[guest.key] = guest
        return guests


def _guest_id(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "guest_id" not in row:
        return st.just(row)
    ids = st.sampled_from([*(f"{RID}-{key}" for key in GUEST_KEYS), *GUEST_KEYS, None])
    return ids.map(lambda guest_id: row | {"guest_id": guest_id})


def _history_key(item: GuestOrEvent) -> object:
    if isinstance(item, Guest):
        return item.key, item.is_merged, item.forgotten_at, item.version
    return history_key(item)


@st.composite
def _guests(draw: st.DrawFn, merges: dict[str, str]) -> Guest:
    """Generate an active, merged or forgotten record."""
    key = draw(st.sampled_from(GUEST_KEYS))
    if draw(st.integers(0, 4)) == 0:
        return Guest(key, forgotten_at=NOON)
    if key in merges and draw(st.booleans()):
        survivor = merges[key]
        return Guest(
            key, UNVERSIONED, is_merged=True, survivor_key=survivor, survivor_id=f"{RID}-{survivor}"
        )
    return Guest(key, Version.from_sequence(draw(st.integers(1, 4)), NOON), draw(_profiles))


@st.composite
def guest_histories(draw: st.DrawFn) -> GuestHistory:
    merges = draw(_merges)
    items = st.one_of(
        row_bodies().flatmap(_guest_id).map(event_from_row_body),
        row_bodies().flatmap(_guest_id).map(event_from_row_body),
        envelope_bodies().map(event_from_envelope_body),
        reconciliation_events(),
        _guests(merges),
        _guests(merges),
    )
    history = draw(st.lists(items, min_size=1, max_size=9, unique_by=_history_key))
    return GuestHistory(tuple(history), (draw(_order(history)), draw(_order(history))))


@st.composite
def _order(draw: st.DrawFn, items: list[GuestOrEvent]) -> tuple[GuestOrEvent, ...]:
    duplicates = draw(st.lists(st.sampled_from(items), max_size=4))
    order = draw(st.permutations([*items, *duplicates]))
    channels = st.sampled_from(Channel)
    return tuple(
        replace(item, channel=draw(channels)) if isinstance(item, ReservationEvent) else item
        for item in order
    )
