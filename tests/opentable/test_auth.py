import asyncio
from threading import Barrier

import pytest

from shared.concurrency import Deadline
from shared.domain.webhook_auth.credentials import Credentials, read_struct
from shared.errors import (
    InvalidSettingsError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.client import OpenTableClient
from shared.opentable.query import OpenTableAccess
from tests.support.opentable import (
    FakeMonotonicClock,
    ScriptedAdapter,
    ScriptedResponse,
    token_response,
)

ROW = ScriptedResponse({"id": "555001-a"})


def credentials_with(**fields: str) -> OpenTableAccess:
    return OpenTableAccess("555001", read_struct(Credentials, fields))


async def test_a_token_request_is_as_documented(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ROW]
    await client.fetch_reservation(access, "a", deadline)
    request = scripted_adapter.requests[0]
    assert request.method == "POST"
    assert request.url == ("https://oauth.example/api/v2/oauth/token?grant_type=client_credentials")
    assert request.headers["Authorization"] == "Basic bWU6aHVzaA=="
    assert request.headers["Content-Length"] == "0"
    assert not request.body


async def test_the_token_is_sent_as_bearer(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ROW]
    await client.fetch_reservation(access, "a", deadline)
    assert scripted_adapter.requests[1].headers["Authorization"] == "Bearer v2-token"


async def test_concurrent_callers_request_one_token(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ROW]
    await asyncio.gather(*(client.fetch_reservation(access, "a", deadline) for _ in range(20)))
    assert len(scripted_adapter.requests_to("/oauth/")) == 1


async def test_each_credential_has_its_own_token(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ROW]
    scripted_adapter.tokens = [token_response("one"), token_response("two")]
    await client.fetch_reservation(access, "a", deadline)
    await client.fetch_reservation(
        credentials_with(clientId="you", clientSecret="hush"), "a", deadline
    )
    assert scripted_adapter.requests[-1].headers["Authorization"] == "Bearer two"


async def tokens_asked_for(
    client: OpenTableClient,
    access: OpenTableAccess,
    hands: FakeMonotonicClock,
    wire: ScriptedAdapter,
    *,
    pause: float,
) -> int:
    """Make two calls with a pause between them; a token lives for an hour."""
    wire.steps, wire.tokens = [ROW], [token_response(expires_in=3_600)]
    await client.fetch_reservation(access, "a", Deadline.after(60, hands.clock))
    hands.seconds += pause
    await client.fetch_reservation(access, "a", Deadline.after(60, hands.clock))
    return len(wire.requests_to("/oauth/"))


async def test_a_token_is_cached_for_its_lifetime(
    client: OpenTableClient,
    access: OpenTableAccess,
    fake_clock: FakeMonotonicClock,
    scripted_adapter: ScriptedAdapter,
) -> None:
    assert await tokens_asked_for(client, access, fake_clock, scripted_adapter, pause=3_539) == 1


async def test_a_token_is_renewed_a_minute_before_it_expires(
    client: OpenTableClient,
    access: OpenTableAccess,
    fake_clock: FakeMonotonicClock,
    scripted_adapter: ScriptedAdapter,
) -> None:
    assert await tokens_asked_for(client, access, fake_clock, scripted_adapter, pause=3_541) == 2


async def test_a_short_lived_token_is_cached_for_most_of_its_lifetime(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    fake_clock: FakeMonotonicClock,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps, scripted_adapter.tokens = [ROW], [token_response(expires_in=10)]
    await client.fetch_reservation(access, "a", deadline)
    fake_clock.seconds += 8
    await client.fetch_reservation(access, "a", deadline)
    assert len(scripted_adapter.requests_to("/oauth/")) == 1


async def test_a_revoked_token_is_replaced_once(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=401), ROW]
    scripted_adapter.tokens = [token_response("old"), token_response("new")]
    assert await client.fetch_reservation(access, "a", deadline)
    sent = [request.headers["Authorization"] for request in scripted_adapter.requests_to("/sync/")]
    assert sent == ["Bearer old", "Bearer new"]


async def test_a_second_401_is_a_refusal(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=401)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await client.fetch_reservation(access, "a", deadline)
    assert caught.value.status == 401
    assert (
        len(scripted_adapter.requests_to("/sync/"))
        == len(scripted_adapter.requests_to("/oauth/"))
        == 2
    )


async def test_a_token_that_others_renewed_already_is_not_renewed_again(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    wall = Barrier(4, timeout=30)

    def refuse_all_at_once() -> ScriptedResponse:
        wall.wait()
        return ScriptedResponse(status=401)

    scripted_adapter.steps = [*[refuse_all_at_once] * 4, ROW]
    scripted_adapter.tokens = [token_response("old"), token_response("new")]
    await asyncio.gather(*(client.fetch_reservation(access, "a", deadline) for _ in range(4)))
    assert len(scripted_adapter.requests_to("/oauth/")) == 2


async def test_an_api_key_is_sent_as_it_is(
    client: OpenTableClient, deadline: Deadline, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ROW]
    await client.fetch_reservation(credentials_with(apiKey="k-1"), "a", deadline)
    assert [request.headers["Authorization"] for request in scripted_adapter.requests] == [
        "Bearer k-1"
    ]


async def test_a_refused_api_key_is_not_tried_again(
    client: OpenTableClient, deadline: Deadline, scripted_adapter: ScriptedAdapter
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=401)]
    with pytest.raises(OpenTableRequestRejectedError):
        await client.fetch_reservation(credentials_with(apiKey="k-1"), "a", deadline)
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
        await client.fetch_reservation(credentials_with(**fields), "a", deadline)
    assert not scripted_adapter.requests


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_credential_refused_by_the_token_service_is_a_refusal(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
    status: int,
) -> None:
    scripted_adapter.tokens = [ScriptedResponse(status=status)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await client.fetch_reservation(access, "a", deadline)
    assert caught.value.status == status
    assert len(scripted_adapter.requests) == 1


@pytest.mark.parametrize(
    "reply",
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
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
    reply: ScriptedResponse,
) -> None:
    scripted_adapter.tokens, scripted_adapter.steps = [reply, token_response()], [ROW]
    assert await client.fetch_reservation(access, "a", deadline)


async def test_no_error_shows_a_secret(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [an_error_that_quotes_headers()]
    with pytest.raises(OpenTableUnavailableError) as caught:
        await client.fetch_reservation(access, "a", deadline)
    assert "v2-token" not in f"{caught.value!r} {caught.value.__cause__!r}"


def an_error_that_quotes_headers() -> OSError:
    return OSError("Authorization: Bearer v2-token")
