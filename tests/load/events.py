"""Generate a dozen versions of every reservation, from OpenTable, a relay, or both."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.events import envelope_body, row_body
from tests.support.restaurants import Restaurant

VERSIONS_PER_RESERVATION = 12
_REPORTED_BY = ("opentable", "relay", "both")


@dataclass(frozen=True, slots=True)
class ReservationLoad:
    """All events about one reservation: bodies by journal entry id, and the final party size."""

    key: str
    bodies: dict[str, bytes]
    party_size: int


def generate_load(restaurant: Restaurant, reservations: int) -> Iterator[ReservationLoad]:
    """Yield so many reservations of a restaurant."""
    for number in range(reservations):
        key, kind = f"ot_{number}", _REPORTED_BY[number % len(_REPORTED_BY)]
        bodies: dict[str, bytes] = {}
        if kind != "relay":
            bodies |= dict(_rows(restaurant, key))
        if kind != "opentable":
            bodies |= dict(_envelopes(restaurant, key))
        last = VERSIONS_PER_RESERVATION if kind == "relay" else VERSIONS_PER_RESERVATION + 1
        yield ReservationLoad(key, bodies, last)


def _rows(restaurant: Restaurant, key: str) -> Iterator[tuple[str, bytes]]:
    for version in range(1, VERSIONS_PER_RESERVATION + 1):
        fields = {"id": f"{restaurant.rid}-{key}", "rid": int(restaurant.rid)}
        yield (
            f"seq-{version}",
            json.dumps(row_body(version, **fields, party_size=version + 1)).encode(),
        )


def _envelopes(restaurant: Restaurant, key: str) -> Iterator[tuple[str, bytes]]:
    for version in range(1, VERSIONS_PER_RESERVATION + 1):
        kind = "created" if version == 1 else "updated"
        fields = {"reservationId": key, "restaurantId": restaurant.id, "partySize": version}
        body = envelope_body(kind, version, **fields)
        yield f"evt-{body['id']}", json.dumps(body).encode()
