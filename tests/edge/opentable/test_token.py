import asyncio
from threading import Barrier

import pytest

from shared.core.credentials import Credentials
from shared.core.structs import read_struct
from shared.edge.opentable.access import OpenTableAccess
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import Deadline
from shared.errors import (
    InvalidSettingsError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from tests.edge.opentable.scripted import Hands, Reply, ScriptedAdapter, token

ROW = Reply({"id": "555001-a"})


def holding(**fields: str) -> OpenTableAccess:
    return OpenTableAccess("555001", read_struct(Credentials, fields))


async def test_a_token_is_asked_for_as_documented(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [ROW]
    await client.fetch_reservation(access, "a", deadline)
    request = wire.requests[0]
    assert request.method == "POST"
    assert request.url == ("https://oauth.example/api/v2/oauth/token?grant_type=client_credentials")
    assert request.headers["Authorization"] == "Basic bWU6aHVzaA=="
    assert request.headers["Content-Length"] == "0"
    assert not request.body


async def test_the_token_is_sent_as_bearer(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [ROW]
    await client.fetch_reservation(access, "a", deadline)
    assert wire.requests[1].headers["Authorization"] == "Bearer v2-token"


async def test_many_callers_ask_for_one_token(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [ROW]
    await asyncio.gather(*(client.fetch_reservation(access, "a", deadline) for _ in range(20)))
    assert len(wire.asked("/oauth/")) == 1


async def test_each_credential_has_its_own_token(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [ROW]
    wire.tokens = [token("one"), token("two")]
    await client.fetch_reservation(access, "a", deadline)
    await client.fetch_reservation(holding(clientId="you", clientSecret="hush"), "a", deadline)
    assert wire.requests[-1].headers["Authorization"] == "Bearer two"


async def tokens_asked_for(
    client: OpenTableClient,
    access: OpenTableAccess,
    hands: Hands,
    wire: ScriptedAdapter,
    *,
    pause: float,
) -> int:
    """Make two calls with a pause between them; a token lives for an hour."""
    wire.steps, wire.tokens = [ROW], [token(expires_in=3_600)]
    await client.fetch_reservation(access, "a", Deadline.after(60, hands.clock))
    hands.seconds += pause
    await client.fetch_reservation(access, "a", Deadline.after(60, hands.clock))
    return len(wire.asked("/oauth/"))


async def test_a_token_is_kept_for_as_long_as_opentable_says(
    client: OpenTableClient, access: OpenTableAccess, hands: Hands, wire: ScriptedAdapter
) -> None:
    assert await tokens_asked_for(client, access, hands, wire, pause=3_539) == 1


async def test_a_token_is_renewed_a_minute_before_it_expires(
    client: OpenTableClient, access: OpenTableAccess, hands: Hands, wire: ScriptedAdapter
) -> None:
    assert await tokens_asked_for(client, access, hands, wire, pause=3_541) == 2


async def test_a_short_lived_token_is_kept_for_most_of_its_life(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    hands: Hands,
    wire: ScriptedAdapter,
) -> None:
    wire.steps, wire.tokens = [ROW], [token(expires_in=10)]
    await client.fetch_reservation(access, "a", deadline)
    hands.seconds += 8
    await client.fetch_reservation(access, "a", deadline)
    assert len(wire.asked("/oauth/")) == 1


async def test_a_revoked_token_is_replaced_once(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [Reply(status=401), ROW]
    wire.tokens = [token("old"), token("new")]
    assert await client.fetch_reservation(access, "a", deadline)
    sent = [request.headers["Authorization"] for request in wire.asked("/sync/")]
    assert sent == ["Bearer old", "Bearer new"]


async def test_a_second_401_is_a_refusal(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [Reply(status=401)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await client.fetch_reservation(access, "a", deadline)
    assert caught.value.status == 401
    assert len(wire.asked("/sync/")) == len(wire.asked("/oauth/")) == 2


async def test_a_token_that_others_renewed_already_is_not_renewed_again(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wall = Barrier(4, timeout=30)

    def refuse_all_at_once() -> Reply:
        wall.wait()
        return Reply(status=401)

    wire.steps = [*[refuse_all_at_once] * 4, ROW]
    wire.tokens = [token("old"), token("new")]
    await asyncio.gather(*(client.fetch_reservation(access, "a", deadline) for _ in range(4)))
    assert len(wire.asked("/oauth/")) == 2


async def test_an_api_key_is_sent_as_it_is(
    client: OpenTableClient, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [ROW]
    await client.fetch_reservation(holding(apiKey="k-1"), "a", deadline)
    assert [request.headers["Authorization"] for request in wire.requests] == ["Bearer k-1"]


async def test_a_refused_api_key_is_not_tried_again(
    client: OpenTableClient, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [Reply(status=401)]
    with pytest.raises(OpenTableRequestRejectedError):
        await client.fetch_reservation(holding(apiKey="k-1"), "a", deadline)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "fields", [{}, {"clientId": "me"}, {"clientSecret": "hush"}, {"apiKey": "a\r\nb: c"}]
)
async def test_a_credential_that_cannot_be_sent_is_an_operators_mistake(
    client: OpenTableClient, deadline: Deadline, wire: ScriptedAdapter, fields: dict[str, str]
) -> None:
    with pytest.raises(InvalidSettingsError):
        await client.fetch_reservation(holding(**fields), "a", deadline)
    assert not wire.requests


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_credential_refused_by_the_token_service_is_a_refusal(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    wire: ScriptedAdapter,
    status: int,
) -> None:
    wire.tokens = [Reply(status=status)]
    with pytest.raises(OpenTableRequestRejectedError) as caught:
        await client.fetch_reservation(access, "a", deadline)
    assert caught.value.status == status
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=503),
        Reply(b"<html>"),
        Reply({"expires_in": 60}),
        token("two words"),
        token("line\nbreak"),
        token(""),
        token(expires_in=None),
        token(expires_in=True),
        token(expires_in="60"),
    ],
)
async def test_a_token_reply_that_may_pass_is_tried_again(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    wire: ScriptedAdapter,
    reply: Reply,
) -> None:
    wire.tokens, wire.steps = [reply, token()], [ROW]
    assert await client.fetch_reservation(access, "a", deadline)


async def test_no_error_shows_a_secret(
    client: OpenTableClient, access: OpenTableAccess, deadline: Deadline, wire: ScriptedAdapter
) -> None:
    wire.steps = [an_error_that_quotes_headers()]
    with pytest.raises(OpenTableUnavailableError) as caught:
        await client.fetch_reservation(access, "a", deadline)
    assert "v2-token" not in f"{caught.value!r} {caught.value.__cause__!r}"


def an_error_that_quotes_headers() -> OSError:
    return OSError("Authorization: Bearer v2-token")
