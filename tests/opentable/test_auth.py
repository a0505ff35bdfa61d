import asyncio
from threading import Barrier

import pytest

from shared.concurrency import Deadline
from shared.domain.validation import read_struct
from shared.domain.webhook_auth import Credentials
from shared.errors import (
    InvalidSettingsError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.client import OpenTableClient
from shared.opentable.query import OpenTableAccess, Resource
from tests.opentable.conftest import FetchRow
from tests.support.opentable import (
    FakeMonotonicClock,
    ScriptedAdapter,
    ScriptedResponse,
    token_response,
)

ROW = ScriptedResponse({"id": "555001-a"})


def access_with(**fields: str) -> OpenTableAccess:
    return OpenTableAccess("555001", read_struct(Credentials, fields))


def sent_authorizations(scripted_adapter: ScriptedAdapter) -> list[str]:
    requests = scripted_adapter.requests_to("/sync/")
    return [request.headers["Authorization"] for request in requests]


async def test_a_token_request_is_as_documented(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ROW]
    await fetch_row()
    request = scripted_adapter.requests[0]
    assert request.method == "POST"
    assert request.url == ("https://oauth.example/api/v2/oauth/token?grant_type=client_credentials")
    assert request.headers["Authorization"] == "Basic bWU6aHVzaA=="
    assert request.headers["Content-Length"] == "0"
    assert not request.body


async def test_the_token_is_sent_as_bearer(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ROW]
    await fetch_row()
    assert sent_authorizations(scripted_adapter) == ["Bearer v2-token"]


async def test_concurrent_callers_request_one_token(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ROW]
    await asyncio.gather(*(fetch_row() for _ in range(20)))
    assert len(scripted_adapter.requests_to("/oauth/")) == 1


async def test_each_credential_has_its_own_token(
    client: OpenTableClient,
    fetch_row: FetchRow,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ROW]
    scripted_adapter.tokens = [token_response("one"), token_response("two")]
    await fetch_row()
    await client.fetch_row(
        access_with(clientId="you", clientSecret="hush"), Resource.RESERVATIONS, "a", deadline
    )
    assert sent_authorizations(scripted_adapter) == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("lifetime_seconds, pause_seconds", [(3_600, 3_539), (10, 8)])
async def test_a_token_is_cached_for_most_of_its_lifetime(
    fetch_row: FetchRow,
    fake_clock: FakeMonotonicClock,
    scripted_adapter: ScriptedAdapter,
    lifetime_seconds: int,
    pause_seconds: int,
) -> None:
    scripted_adapter.steps = [ROW]
    scripted_adapter.tokens = [token_response(expires_in=lifetime_seconds)]
    await fetch_row()
    fake_clock.seconds += pause_seconds
    await fetch_row()
    assert len(scripted_adapter.requests_to("/oauth/")) == 1


@pytest.mark.parametrize("lifetime_seconds", [10**400, 1e300, -(10**400), -1, 0])
async def test_a_token_with_an_absurd_lifetime_is_used(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter, lifetime_seconds: float
) -> None:
    scripted_adapter.steps = [ROW]
    scripted_adapter.tokens = [token_response(expires_in=lifetime_seconds)]
    assert await fetch_row()


async def test_a_token_is_renewed_a_minute_before_it_expires(
    fetch_row: FetchRow, fake_clock: FakeMonotonicClock, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps, scripted_adapter.tokens = [ROW], [token_response(expires_in=3_600)]
    await fetch_row()
    fake_clock.seconds += 3_541
    await fetch_row()
    assert len(scripted_adapter.requests_to("/oauth/")) == 2


async def test_a_revoked_token_is_replaced_once(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=401), ROW]
    scripted_adapter.tokens = [token_response("old"), token_response("new")]
    assert await fetch_row()
    assert sent_authorizations(scripted_adapter) == ["Bearer old", "Bearer new"]


async def test_a_second_401_is_a_rejection(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=401)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await fetch_row()
    assert caught.value.status == 401
    assert len(scripted_adapter.requests_to("/sync/")) == 2
    assert len(scripted_adapter.requests_to("/oauth/")) == 2


async def test_a_token_renewed_by_another_caller_is_not_renewed_again(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter
) -> None:
    barrier = Barrier(4, timeout=30)

    def reject_all_at_once() -> ScriptedResponse:
        barrier.wait()
        return ScriptedResponse(status=401)

    scripted_adapter.steps = [*[reject_all_at_once] * 4, ROW]
    scripted_adapter.tokens = [token_response("old"), token_response("new")]
    await asyncio.gather(*(fetch_row() for _ in range(4)))
    assert len(scripted_adapter.requests_to("/oauth/")) == 2


async def test_an_api_key_is_sent_as_it_is(
    client: OpenTableClient, deadline: Deadline, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ROW]
    await client.fetch_row(access_with(apiKey="k-1"), Resource.RESERVATIONS, "a", deadline)
    assert sent_authorizations(scripted_adapter) == ["Bearer k-1"]
    assert not scripted_adapter.requests_to("/oauth/")


async def test_a_rejected_api_key_is_not_retried(
    client: OpenTableClient, deadline: Deadline, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=401)]
    with pytest.raises(OpenTableRequestRejectedError):
        await client.fetch_row(access_with(apiKey="k-1"), Resource.RESERVATIONS, "a", deadline)
    assert len(scripted_adapter.requests) == 1


@pytest.mark.parametrize(
    "fields", [{}, {"clientId": "me"}, {"clientSecret": "hush"}, {"apiKey": "a\r\nb: c"}]
)
async def test_a_credential_unusable_in_a_header_is_a_configuration_error(
    client: OpenTableClient,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
    fields: dict[str, str],
) -> None:
    with pytest.raises(InvalidSettingsError):
        await client.fetch_row(access_with(**fields), Resource.RESERVATIONS, "a", deadline)
    assert not scripted_adapter.requests


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_credential_rejected_by_the_token_service_is_a_rejection(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter, status: int
) -> None:
    scripted_adapter.tokens = [ScriptedResponse(status=status)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await fetch_row()
    assert caught.value.status == status
    assert len(scripted_adapter.requests) == 1


@pytest.mark.parametrize(
    "response",
    [
        ScriptedResponse(status=503),
        ScriptedResponse(b"<html>"),
        ScriptedResponse({"expires_in": 60}),
        token_response("two words"),
        token_response("line\nbreak"),
        token_response(""),
        token_response(expires_in=None),
        token_response(expires_in=True),
        token_response(expires_in="60"),
    ],
)
async def test_a_transient_token_failure_is_retried(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter, response: ScriptedResponse
) -> None:
    scripted_adapter.tokens, scripted_adapter.steps = [response, token_response()], [ROW]
    assert await fetch_row()


async def test_no_error_shows_a_secret(
    fetch_row: FetchRow, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [OSError("Authorization: Bearer v2-token")]
    with pytest.raises(OpenTableUnavailableError) as caught:
        await fetch_row()
    assert "v2-token" not in f"{caught.value!r} {caught.value.__cause__!r}"
