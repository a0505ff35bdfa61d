import asyncio
from threading import Barrier

import pytest

from shared.domain.validation import read_struct
from shared.domain.webhook_auth import Credentials
from shared.errors import (
    InvalidSettingsError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.query import OpenTableAccess
from tests.opentable.conftest import ROW, ScriptedOpenTable
from tests.support.opentable import ScriptedResponse, token_response


def access_with(**fields: str) -> OpenTableAccess:
    return OpenTableAccess("555001", read_struct(Credentials, fields))


def sent_authorizations(opentable: ScriptedOpenTable) -> list[str]:
    requests = opentable.adapter.requests_to("/sync/")
    return [request.headers["Authorization"] for request in requests]


async def test_a_token_request_is_as_documented(opentable: ScriptedOpenTable) -> None:
    await opentable.fetch_row()
    request = opentable.adapter.requests[0]
    assert request.method == "POST"
    assert request.url == ("https://oauth.example/api/v2/oauth/token?grant_type=client_credentials")
    assert request.headers["Authorization"] == "Basic bWU6aHVzaA=="
    assert request.headers["Content-Length"] == "0"
    assert not request.body


async def test_the_token_is_sent_as_bearer(opentable: ScriptedOpenTable) -> None:
    await opentable.fetch_row()
    assert sent_authorizations(opentable) == ["Bearer v2-token"]


async def test_concurrent_callers_request_one_token(opentable: ScriptedOpenTable) -> None:
    await asyncio.gather(*(opentable.fetch_row() for _ in range(20)))
    assert len(opentable.adapter.requests_to("/oauth/")) == 1


async def test_each_credential_has_its_own_token(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.tokens = [token_response("one"), token_response("two")]
    await opentable.fetch_row()
    await opentable.fetch_row(access=access_with(clientId="you", clientSecret="hush"))
    assert sent_authorizations(opentable) == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("lifetime_seconds, pause_seconds", [(3_600, 3_539), (10, 8)])
async def test_a_token_is_cached_for_most_of_its_lifetime(
    opentable: ScriptedOpenTable, lifetime_seconds: int, pause_seconds: int
) -> None:
    opentable.adapter.tokens = [token_response(expires_in=lifetime_seconds)]
    await opentable.fetch_row()
    opentable.clock.seconds += pause_seconds
    await opentable.fetch_row()
    assert len(opentable.adapter.requests_to("/oauth/")) == 1


@pytest.mark.parametrize("lifetime_seconds", [10**400, 1e300, -(10**400), -1, 0])
async def test_a_token_with_an_absurd_lifetime_is_used(
    opentable: ScriptedOpenTable, lifetime_seconds: float
) -> None:
    opentable.adapter.tokens = [token_response(expires_in=lifetime_seconds)]
    assert await opentable.fetch_row()


async def test_a_token_is_renewed_a_minute_before_it_expires(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.tokens = [token_response(expires_in=3_600)]
    await opentable.fetch_row()
    opentable.clock.seconds += 3_541
    await opentable.fetch_row()
    assert len(opentable.adapter.requests_to("/oauth/")) == 2


async def test_a_revoked_token_is_replaced_once(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=401), ROW]
    opentable.adapter.tokens = [token_response("old"), token_response("new")]
    assert await opentable.fetch_row()
    assert sent_authorizations(opentable) == ["Bearer old", "Bearer new"]


async def test_a_second_401_is_a_rejection(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=401)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await opentable.fetch_row()
    assert caught.value.status == 401
    assert len(opentable.adapter.requests_to("/sync/")) == 2
    assert len(opentable.adapter.requests_to("/oauth/")) == 2


async def test_a_token_renewed_by_another_caller_is_not_renewed_again(
    opentable: ScriptedOpenTable,
) -> None:
    barrier = Barrier(4, timeout=30)

    def reject_all_at_once() -> ScriptedResponse:
        barrier.wait()
        return ScriptedResponse(status=401)

    opentable.adapter.steps = [*[reject_all_at_once] * 4, ROW]
    opentable.adapter.tokens = [token_response("old"), token_response("new")]
    await asyncio.gather(*(opentable.fetch_row() for _ in range(4)))
    assert len(opentable.adapter.requests_to("/oauth/")) == 2


async def test_an_api_key_is_sent_as_it_is(opentable: ScriptedOpenTable) -> None:
    await opentable.fetch_row(access=access_with(apiKey="k-1"))
    assert sent_authorizations(opentable) == ["Bearer k-1"]
    assert not opentable.adapter.requests_to("/oauth/")


async def test_a_rejected_api_key_is_not_retried(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=401)]
    with pytest.raises(OpenTableRequestRejectedError):
        await opentable.fetch_row(access=access_with(apiKey="k-1"))
    assert len(opentable.adapter.requests) == 1


@pytest.mark.parametrize(
    "fields", [{}, {"clientId": "me"}, {"clientSecret": "hush"}, {"apiKey": "a\r\nb: c"}]
)
async def test_a_credential_unusable_in_a_header_is_a_configuration_error(
    opentable: ScriptedOpenTable, fields: dict[str, str]
) -> None:
    with pytest.raises(InvalidSettingsError):
        await opentable.fetch_row(access=access_with(**fields))
    assert not opentable.adapter.requests


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_credential_rejected_by_the_token_service_is_a_rejection(
    opentable: ScriptedOpenTable, status: int
) -> None:
    opentable.adapter.tokens = [ScriptedResponse(status=status)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await opentable.fetch_row()
    assert caught.value.status == status
    assert len(opentable.adapter.requests) == 1


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
    opentable: ScriptedOpenTable, response: ScriptedResponse
) -> None:
    opentable.adapter.tokens = [response, token_response()]
    assert await opentable.fetch_row()


async def test_no_error_shows_a_secret(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [OSError("Authorization: Bearer v2-token")]
    with pytest.raises(OpenTableUnavailableError) as caught:
        await opentable.fetch_row()
    assert "v2-token" not in f"{caught.value!r} {caught.value.__cause__!r}"
