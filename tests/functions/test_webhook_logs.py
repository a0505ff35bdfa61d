"""What the process writes holds no person, no token, no signature and no secret."""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dev.sandbox.signing import encode_signing_secret
from tests.sender import Sender, signature
from tests.served import Served

Welcome = Callable[..., Awaitable[Sender]]
PERSON: dict[str, Any] = {
    "dinerName": "Markéd Person",
    "dinerEmail": "marked@example.com",
    "dinerPhone": "15550009999",
    "specialRequests": "marked allergy",
    "cancellationReason": "marked divorce",
}
CREDENTIALS = {
    "bearerTokens": ["marked-token"],
    "basicCredentials": ["marked-user:marked-password"],
    "apiKey": "marked-key",
}
MARKS = ["mark", "15550009999", "whsec_", "v1,"]


async def every_kind_of_request(sender: Sender) -> None:
    """Send what is accepted, refused, kept aside, forged, broken and hinted at."""
    for kind in ("created", "updated", "cancelled"):
        await sender.send(sender.envelope(kind, **PERSON))
    row = sender.row(1, guest_request="marked allergy", venue_notes="marked note", state="Marked")
    await sender.send(row)
    await sender.send(sender.row(1, venue_notes="marked contradiction"))
    await sender.send(sender.envelope("updated", 5, **PERSON))
    await sender.send(sender.envelope("updated", 6, **PERSON, partySize="marked"))
    await sender.send(sender.envelope("updated", 7, **PERSON, reservationId="marked/../id"))
    await sender.send(sender.envelope("marked", 8, **PERSON))
    await sender.send(sender.envelope("updated", 9, dinerName="Marked" * 40_000))
    await sender.send(b'{"marked": ')
    await sender.send(b'{"marked": "' + b"A" * 300_000)
    await sender.post(sender.envelope(**PERSON), {"authorization": "Bearer marked-guess"})
    await sender.post(sender.envelope(**PERSON), {"authorization": "Bearer marked-token"})
    await sender.post(sender.envelope(**PERSON), {"authorization": "Basic marked"})
    await sender.post(row, signature(encode_signing_secret(b"marked" * 5), b"x"))
    await sender.send(sender.envelope(restaurantId="marked-nobody", **PERSON))


@pytest.fixture
async def lines(welcome: Welcome, served: Served) -> list[str]:
    """All that the process has written by the time that a last event is told of."""
    sender = await welcome(CREDENTIALS)
    await every_kind_of_request(sender)
    last = uuid.uuid4().hex
    await sender.send(sender.envelope() | {"id": last})
    served.output.wait_for(last)
    return list(served.output.lines)


@pytest.mark.parametrize("mark", MARKS)
async def test_no_line_holds_what_nobody_may_read(mark: str, lines: list[str]) -> None:
    assert [line for line in lines if mark in line.casefold()] == []


async def test_every_line_is_one_json_object(lines: list[str]) -> None:
    assert [line for line in lines if not line.startswith('{"severity": ')] == []
    assert {type(json.loads(line)) for line in lines} == {dict}


async def test_nothing_crashed(lines: list[str]) -> None:
    assert [line for line in lines if '"event": "crashed"' in line] == []


async def test_a_request_that_firestore_could_not_take_is_told_without_its_content(
    stranded: Served, sender: Sender
) -> None:
    raw = json.dumps(sender.envelope(**PERSON)).encode()
    await sender.http.post(stranded.url, content=raw, headers=signature(sender.key, raw))
    line = stranded.output.wait_for('"outcome": "unavailable"')
    assert json.loads(line)["event"] == "webhook"
    assert not [line for line in stranded.output.lines for mark in MARKS if mark in line.casefold()]
