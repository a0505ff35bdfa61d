"""A webhook has one deadline for everything, whichever service hangs."""

import asyncio
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from dev.local.processes import LOOPBACK
from tests.support.events import envelope_body
from tests.support.processes import ServedFunction, serve_deployed_function
from tests.support.webhooks import BEARER_HEADERS

pytestmark = pytest.mark.slow

DEADLINE = 1.0
# After the deadline: time for a busy machine to respond.
PATIENCE = 4.0


@pytest.fixture(scope="module")
def hanging() -> Iterator[str]:
    """The address of a Firestore that accepts connections and never responds."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield f"{LOOPBACK}:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def waiting(hanging: str) -> Iterator[ServedFunction]:
    with serve_deployed_function(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT="hanging",
        FIRESTORE_EMULATOR_HOST=hanging,
        WEBHOOK_DEADLINE_SECONDS=str(DEADLINE),
    ) as started:
        yield started


async def test_a_firestore_that_hangs_is_answered_503_within_the_deadline(
    waiting: ServedFunction, http: httpx.AsyncClient
) -> None:
    began = time.monotonic()
    body = envelope_body() | {"data": {"restaurantId": "r-1"}}
    response = await http.post(waiting.url, json=body, headers=BEARER_HEADERS)
    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})
    assert response.headers["retry-after"]
    assert DEADLINE <= time.monotonic() - began < DEADLINE + PATIENCE


async def test_a_body_that_never_ends_is_answered_503_within_the_deadline(
    waiting: ServedFunction,
) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, httpx.URL(waiting.url).port)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer x\r\nContent-Length: 100\r\n\r\n{"
    )
    async with asyncio.timeout(DEADLINE + PATIENCE):
        assert b" 503 " in await reader.readline()
    writer.close()


async def test_the_log_names_the_kind_of_failure_and_nothing_else(
    waiting: ServedFunction, http: httpx.AsyncClient
) -> None:
    body = envelope_body(dinerName="Marked") | {
        "data": {"restaurantId": "r-2", "dinerName": "Marked"}
    }
    await http.post(waiting.url, json=body, headers=BEARER_HEADERS)
    line = waiting.output.wait_for('"unavailable"')
    assert '"error": "TimeoutError"' in line
    assert not [line for line in waiting.output.lines if "Marked" in line]
