import json
from collections import Counter
from datetime import UTC, datetime

from dev.bench.events import Tenant, build_creation_requests, build_mixed_requests
from dev.sandbox.signing import encode_signing_secret
from shared.core.credentials import decode_webhook_secret
from shared.core.signature import verify_signature

HOUSES = [
    Tenant(f"restaurant-{n}", f"55500{n}", encode_signing_secret(b"k" * 32)) for n in range(3)
]


def body_of(request: bytes) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(request.partition(b"\r\n\r\n")[2])
    return parsed


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


def test_a_request_is_complete_and_signed() -> None:
    (request,) = build_creation_requests(HOUSES[:1], 1)
    raw = request.partition(b"\r\n\r\n")[2]
    assert headers_of(request)["content-length"] == str(len(raw))
    key = decode_webhook_secret(HOUSES[0].signing_secret)
    assert verify_signature(headers_of(request), raw, [key], datetime.now(UTC)).is_accepted


def test_restaurants_take_turns() -> None:
    requests = build_creation_requests(HOUSES, 6)
    named = [body_of(request)["data"]["restaurantId"] for request in requests]  # type: ignore[index]
    assert Counter(named) == {house.id: 2 for house in HOUSES}


def test_a_busy_day_has_the_documented_event_mix() -> None:
    before, timed = build_mixed_requests(HOUSES, 4_000, seed=1)
    known = set(before)
    kinds: Counter[str] = Counter()
    for request in timed:
        kind = "duplicate" if request in known else str(body_of(request)["eventType"])
        kinds[kind.removeprefix("reservation.")] += 1
        known.add(request)
    shares = {kind: round(count / len(timed), 2) for kind, count in kinds.items()}
    for kind, share in {
        "created": 0.6,
        "updated": 0.25,
        "duplicate": 0.1,
        "cancelled": 0.05,
    }.items():
        assert abs(shares[kind] - share) <= 0.03


def test_follow_up_events_come_long_after_the_creation() -> None:
    before, timed = build_mixed_requests(HOUSES, 1_000, seed=2)
    born: dict[object, int] = {}
    for place, request in enumerate([*before, *timed]):
        body = body_of(request)
        key = body["data"]["reservationId"]  # type: ignore[index]
        if key in born:
            assert place - born[key] >= 200
        elif body["eventType"] == "reservation.created":
            born[key] = place
        assert key in born
