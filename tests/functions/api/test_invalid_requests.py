"""Bodies and queries that are rejected before anything is read or written, and the advice given."""

import base64
import json
from typing import Any

import pytest

from tests.support.staff_api import StaffApiClient, error_code

KEEP = {"decision": "KEPT", "reason": "Confirmed by phone"}
NILS: dict[str, Any] = {"email": "nils@example.com", "role": "host"}

INVALID_BODIES: dict[str, list[dict[str, Any]]] = {
    "POST reservations/own-1/cancel": [
        {"reason": ""},
        {"reason": 1},
        {"reason": "x" * 501},
        {"cause": "x"},
    ],
    "POST reservations/opentable-none/review": [
        {"decision": "REMOVED"},
        KEEP | {"reason": " "},
        KEEP | {"decision": "DELETED"},
    ],
    "POST reservations/search": [
        *({"text": "kim", "limit": limit} for limit in ("5", 5.0, True, 0, 51)),
        {"text": "kim", "cursor": "x"},
        {"text": "kim", "cursor": base64.b64encode(b"null").decode()},
        {"text": "kim", "cursor": base64.b64encode(b'["past"]').decode()},
        {"text": "kim", "cursor": base64.b64encode(b'["past", 7, "x"]').decode()},
        {"text": "kim", "cursor": base64.b64encode(b"[[], [], []]").decode()},
    ],
    "PUT integration": [
        *({"name": name} for name in ("", "  ", "x" * 101, 5, "\ud800")),
        *({"serviceDayEndsAt": time} for time in ("12:00", "4:00", "04:60")),
        *({"locale": locale} for locale in ("english", "en_US")),
        {"hourCycle": "h24"},
        *({"country": country} for country in ("XX", "ZZ", "us", "USA", "UK")),
    ],
    "POST integration/time-zone-preview": [{"timeZone": "Mars/Olympus"}],
    "POST integration/webhooks/credentials": [
        {},
        {"scheme": "hope"},
        {"scheme": "bearer", "credential": "x"},
    ],
    "POST integration/backfill": [
        {"startDate": "2026-03-31", "endDate": "2026-03-01"},
        {"startDate": "2020-01-01", "endDate": "2026-03-01"},
        {"startDate": "2020-01-01"},
        {"startDate": "9999-12-01", "endDate": "9999-12-31"},
        {"startDate": "9999-12-01", "endDate": "10000-01-01"},
        {"startDate": "March"},
        {"startDate": 20260301},
        {"days": 7},
    ],
    "POST quarantine/x/dismiss": [{}, {"reason": "  "}],
    "POST quarantine/dismiss": [{"reason": "wrong_rid"}],
    "POST staff": [
        {"email": "nils@example.com"},
        {"role": "host"},
        NILS | {"role": "operator"},
        NILS | {"email": "nils"},
        NILS | {"email": "a b@example.com"},
        NILS | {"email": "nils@example"},
        NILS | {"email": f"{'x' * 250}@example.com"},
        NILS | {"email": 5},
        NILS | {"uid": "mara"},
    ],
}


@pytest.mark.parametrize(
    "call, body",
    [(call, body) for call, bodies in INVALID_BODIES.items() for body in bodies],
    ids=lambda value: ascii(value)[:80],
)
async def test_an_invalid_body_is_refused(
    call: str, body: dict[str, Any], manager: StaffApiClient
) -> None:
    # httpx cannot encode half a surrogate pair.
    content, headers = json.dumps(body), {"Content-Type": "application/json"}
    response = await manager.call(*call.split(), content=content, headers=headers)
    assert error_code(response) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "path",
    [
        "reservations?date=2026-03-14&date=2026-03-15",
        "reservations?day=2026-03-14",
        "reservations/opentable-ot_1/events?limit=0",
        "reservations/opentable-ot_1/events?limit=201",
        "reservations/opentable-ot_1/events?limit=many",
        "reservations/opentable-ot_1/events?cursor=x",
        "reservations/opentable-ot_1/events?cursor=é",
        "reservations/opentable-ot_1/events?cursor=%00",
        f"reservations/opentable-ot_1/events?cursor={base64.b64encode(b'noon a').decode()}",
        "reports/x/items?list=reason",
        "integration/webhooks?limit=0",
        "integration/webhooks?limit=51",
        "analytics?from=2026-03-14&to=2026-03-13",
        "analytics?from=2025-01-01&to=2026-03-13",
        "analytics?from=yesterday",
        "analytics?format=xls",
        "analytics?since=2026-03-13",
    ],
    ids=ascii,
)
async def test_an_invalid_query_is_refused(path: str, manager: StaffApiClient) -> None:
    assert error_code(await manager.get(path)) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "call, body, advice",
    [
        (
            "PUT integration",
            {"timeZone": "Mars/Olympus"},
            "The time zone is unknown. Use a name such as America/New_York.",
        ),
        (
            "PUT integration",
            {"country": "ZZ"},
            "The country is unknown. Use an ISO code such as US or GB.",
        ),
        *(
            (
                "POST reservations/search",
                {"text": text},
                "Enter a part of the guest's name, or at least the last four digits of the number.",
            )
            for text in (" ", "-", "+()")
        ),
    ],
)
async def test_an_invalid_value_is_answered_by_advice(
    call: str, body: dict[str, str], advice: str, manager: StaffApiClient
) -> None:
    response = await manager.call(*call.split(), json=body)
    assert error_code(response) == (400, "INVALID_REQUEST")
    assert response.json()["error"]["message"] == advice
