"""The events that the bench sends: whole HTTP requests, signed, as a relay sends them."""

import itertools
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.sandbox.signing import build_signed_headers

_sequence = itertools.count(1)
_EVENT_SHARES = {"created": 0.60, "updated": 0.25, "duplicate": 0.10, "cancelled": 0.05}
_WARM_UP_CREATIONS = 400
"""Creations before the first event of a mix; half as many lie between any event and its cause,
which is more than are ever under way."""
_STATUSES = ("confirmed", "checked_in", "seated", "completed")
_SPECIAL_REQUESTS = ("", "Window seat", "High chair, please", "Birthday")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A restaurant of the bench.

    Attributes:
        id: Lineup's id.
        rid: OpenTable's number.
        signing_secret: The relay's ``whsec_`` secret.
    """

    id: str
    rid: str
    signing_secret: str


def build_signed_request(tenant: Tenant, body: Mapping[str, Any]) -> bytes:
    """Return a body as a signed HTTP request."""
    raw = json.dumps(body).encode()
    headers = {
        "host": "bench",
        "content-type": "application/json",
        "content-length": str(len(raw)),
        **build_signature_headers(tenant, raw),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + raw


def build_signature_headers(tenant: Tenant, raw: bytes) -> dict[str, str]:
    """Return the headers by which a restaurant's relay signs a body now."""
    return build_signed_headers(
        tenant.signing_secret, f"msg_{next(_sequence)}", int(time.time()), raw
    )


def build_created_envelope(tenant: Tenant) -> dict[str, Any]:
    """Return the envelope of a reservation that nobody has heard of."""
    number = next(_sequence)
    return _build_envelope(
        "created",
        number,
        {
            "reservationId": f"ot_{number:09}",
            "restaurantId": tenant.id,
            "restaurantName": "Demo Restaurant",
            "dinerName": f"John Doe {number}",
            "dinerEmail": f"john.{number}@example.com",
            "dinerPhone": f"1555{number % 10**7:07}",
            "partySize": 2 + number % 7,
            "reservationDateTime": f"2026-03-{1 + number % 28:02}T{17 + number % 5}:15:00Z",
            "status": "confirmed",
            "specialRequests": _SPECIAL_REQUESTS[number % len(_SPECIAL_REQUESTS)],
        },
    )


def build_updated_envelope(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a patch of a reservation: another party size and a status."""
    number, data = next(_sequence), before["data"]
    changes = {"partySize": data["partySize"] + 1, "status": _STATUSES[number % len(_STATUSES)]}
    return _build_patch("updated", number, data, changes)


def build_cancelled_envelope(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cancellation of a reservation."""
    changes = {"status": "cancelled", "cancellationReason": "Plans changed"}
    return _build_patch("cancelled", next(_sequence), before["data"], changes)


def _build_patch(
    kind: str, number: int, data: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    ids = {name: data[name] for name in ("reservationId", "restaurantId")}
    return _build_envelope(kind, number, {**ids, **changes})


def _build_envelope(kind: str, number: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an envelope; of two, the later made is the later said."""
    second, millisecond = divmod(number, 1000)
    minute, second = divmod(second, 60)
    timestamp = f"2026-02-01T12:{minute % 60:02}:{second:02}.{millisecond:03}Z"
    return {
        "eventType": f"reservation.{kind}",
        "id": f"evt_{kind}_{number}",
        "timestamp": timestamp,
        "data": dict(data),
    }


def build_creation_requests(tenants: Sequence[Tenant], count: int) -> list[bytes]:
    """Return so many creations, the restaurants in turn."""
    turns = itertools.islice(itertools.cycle(tenants), count)
    return [build_signed_request(tenant, build_created_envelope(tenant)) for tenant in turns]


def build_mixed_requests(
    tenants: Sequence[Tenant], count: int, seed: int
) -> tuple[list[bytes], list[bytes]]:
    """Return events as they are mixed on a busy day, and the creations that must come before.

    Args:
        tenants: The restaurants, drawn alike.
        count: How many events.
        seed: Of what is drawn.

    Returns:
        Creations to send first, and the events, each about a reservation sent long before it.
    """
    rng = random.Random(seed)  # noqa: S311 -- an order, not a secret
    initial = [
        (tenant, build_created_envelope(tenant))
        for tenant in itertools.islice(itertools.cycle(tenants), _WARM_UP_CREATIONS)
    ]
    sent = [(tenant, body, build_signed_request(tenant, body)) for tenant, body in initial]
    setup_requests = [request for _, _, request in sent]
    return setup_requests, [_draw_request(tenants, sent, rng) for _ in range(count)]


def _draw_request(
    tenants: Sequence[Tenant], sent: list[tuple[Tenant, dict[str, Any], bytes]], rng: random.Random
) -> bytes:
    kind = rng.choices(list(_EVENT_SHARES), list(_EVENT_SHARES.values()))[0]
    if kind == "created":
        tenant = rng.choice(tenants)
        body = build_created_envelope(tenant)
        sent.append((tenant, body, build_signed_request(tenant, body)))
        return sent[-1][2]
    tenant, before, request = sent[rng.randrange(len(sent) - _WARM_UP_CREATIONS // 2)]
    if kind == "duplicate":
        return request
    return build_signed_request(
        tenant,
        build_updated_envelope(before) if kind == "updated" else build_cancelled_envelope(before),
    )
