"""What the load says: every reservation in a dozen versions, by OpenTable, by a relay, by both."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.restaurants import Restaurant
from tests.statements import envelope, row

VERSIONS = 12
_KINDS = ("opentable", "relay", "both")


@dataclass(frozen=True, slots=True)
class Spoken:
    """All that is ever said about one reservation.

    Attributes:
        key: The reservation's.
        bodies: The events, each by its journal entry's id.
        party_size: What must be shown in the end.
    """

    key: str
    bodies: dict[str, bytes]
    party_size: int


def spoken(restaurant: Restaurant, reservations: int) -> Iterator[Spoken]:
    """Yield so many reservations of a restaurant."""
    for number in range(reservations):
        key, kind = f"ot_{number}", _KINDS[number % len(_KINDS)]
        bodies: dict[str, bytes] = {}
        if kind != "relay":
            bodies |= dict(_rows(restaurant, key))
        if kind != "opentable":
            bodies |= dict(_envelopes(restaurant, key))
        last = VERSIONS if kind == "relay" else VERSIONS + 1
        yield Spoken(key, bodies, last)


def _rows(restaurant: Restaurant, key: str) -> Iterator[tuple[str, bytes]]:
    for version in range(1, VERSIONS + 1):
        said = {"id": f"{restaurant.rid}-{key}", "rid": int(restaurant.rid)}
        yield f"seq-{version}", json.dumps(row(version, **said, party_size=version + 1)).encode()


def _envelopes(restaurant: Restaurant, key: str) -> Iterator[tuple[str, bytes]]:
    for version in range(1, VERSIONS + 1):
        kind = "created" if version == 1 else "updated"
        said = {"reservationId": key, "restaurantId": restaurant.id, "partySize": version}
        body = envelope(kind, version, **said)
        yield f"evt-{body['id']}", json.dumps(body).encode()
