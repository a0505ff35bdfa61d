"""The events that the bench sends: whole HTTP requests, signed, as a relay sends them."""

import itertools
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.sandbox.signing import signed_headers

_numbers = itertools.count(1)
_MIX = {"created": 0.60, "updated": 0.25, "duplicate": 0.10, "cancelled": 0.05}
_LEAD = 400
"""Creations before the first event of a mix; half as many lie between any event and its cause,
which is more than are ever under way."""
_STATUSES = ("confirmed", "checked_in", "seated", "completed")
_REQUESTS = ("", "Window seat", "High chair, please", "Birthday")


@dataclass(frozen=True, slots=True)
class House:
    """A restaurant of the bench.

    Attributes:
        id: Lineup's id.
        rid: OpenTable's number.
        key: The relay's ``whsec_`` secret.
    """

    id: str
    rid: str
    key: str


def request_of(house: House, body: Mapping[str, Any]) -> bytes:
    """Return a body as a signed HTTP request."""
    raw = json.dumps(body).encode()
    headers = {
        "host": "bench",
        "content-type": "application/json",
        "content-length": str(len(raw)),
        **signed(house, raw),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + raw


def signed(house: House, raw: bytes) -> dict[str, str]:
    """Return the headers by which a restaurant's relay signs a body now."""
    return signed_headers(house.key, f"msg_{next(_numbers)}", int(time.time()), raw)


def created(house: House) -> dict[str, Any]:
    """Return the envelope of a reservation that nobody has heard of."""
    number = next(_numbers)
    return _envelope(
        "created",
        number,
        {
            "reservationId": f"ot_{number:09}",
            "restaurantId": house.id,
            "restaurantName": "Demo Restaurant",
            "dinerName": f"John Doe {number}",
            "dinerEmail": f"john.{number}@example.com",
            "dinerPhone": f"1555{number % 10**7:07}",
            "partySize": 2 + number % 7,
            "reservationDateTime": f"2026-03-{1 + number % 28:02}T{17 + number % 5}:15:00Z",
            "status": "confirmed",
            "specialRequests": _REQUESTS[number % len(_REQUESTS)],
        },
    )


def updated(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a patch of a reservation: another party size and a status."""
    number, data = next(_numbers), before["data"]
    said = {"partySize": data["partySize"] + 1, "status": _STATUSES[number % len(_STATUSES)]}
    return _patch("updated", number, data, said)


def cancelled(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cancellation of a reservation."""
    said = {"status": "cancelled", "cancellationReason": "Plans changed"}
    return _patch("cancelled", next(_numbers), before["data"], said)


def _patch(
    kind: str, number: int, data: Mapping[str, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    ids = {name: data[name] for name in ("reservationId", "restaurantId")}
    return _envelope(kind, number, {**ids, **said})


def _envelope(kind: str, number: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an envelope; of two, the later made is the later said."""
    second, millisecond = divmod(number, 1000)
    minute, second = divmod(second, 60)
    at = f"2026-02-01T12:{minute % 60:02}:{second:02}.{millisecond:03}Z"
    return {
        "eventType": f"reservation.{kind}",
        "id": f"evt_{kind}_{number}",
        "timestamp": at,
        "data": dict(data),
    }


def creations(houses: Sequence[House], count: int) -> list[bytes]:
    """Return so many creations, the restaurants in turn."""
    turns = itertools.islice(itertools.cycle(houses), count)
    return [request_of(house, created(house)) for house in turns]


def mixed(houses: Sequence[House], count: int, seed: int) -> tuple[list[bytes], list[bytes]]:
    """Return events as they are mixed on a busy day, and the creations that must come before.

    Args:
        houses: The restaurants, drawn alike.
        count: How many events.
        seed: Of what is drawn.

    Returns:
        Creations to send first, and the events, each about a reservation sent long before it.
    """
    rng = random.Random(seed)  # noqa: S311 -- an order, not a secret
    known = [(house, created(house)) for house in itertools.islice(itertools.cycle(houses), _LEAD)]
    sent = [(house, body, request_of(house, body)) for house, body in known]
    first = [request for _, _, request in sent]
    return first, [_next(houses, sent, rng) for _ in range(count)]


def _next(
    houses: Sequence[House], sent: list[tuple[House, dict[str, Any], bytes]], rng: random.Random
) -> bytes:
    kind = rng.choices(list(_MIX), list(_MIX.values()))[0]
    if kind == "created":
        house = rng.choice(houses)
        body = created(house)
        sent.append((house, body, request_of(house, body)))
        return sent[-1][2]
    house, before, request = sent[rng.randrange(len(sent) - _LEAD // 2)]
    if kind == "duplicate":
        return request
    return request_of(house, updated(before) if kind == "updated" else cancelled(before))
