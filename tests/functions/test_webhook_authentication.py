"""Who may speak: three schemes, rotation, no downgrade, and one answer to everybody else."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from dev.sandbox.signing import encode_signing_secret
from tests.restaurants import new_restaurant
from tests.sender import Sender, signature, told
from tests.served import Served

Welcome = Callable[..., Awaitable[Sender]]
ISSUED = {"bearerTokens": ["newest", "older"], "basicCredentials": ["ot:newest", "ot:older"]}
UNAUTHENTICATED = (401, "unauthenticated")


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "headers", [bearer("newest"), bearer("older"), basic("ot:newest"), basic("ot:older")]
)
async def test_any_live_credential_is_accepted(headers: dict[str, str], welcome: Welcome) -> None:
    sender = await welcome(ISSUED)
    assert told(await sender.post(sender.row(1), headers)) == (200, "created")


@pytest.mark.parametrize("position", [0, 1])
async def test_either_of_two_webhook_secrets_is_accepted(position: int, welcome: Welcome) -> None:
    keys = [encode_signing_secret(uuid.uuid4().bytes * 2) for _ in range(2)]
    sender = await welcome({"webhookSecrets": keys})
    raw = json.dumps(sender.envelope()).encode()
    answer = await sender.post(raw, signature(keys[position], raw))
    assert told(answer) == (200, "created")


async def test_which_of_two_matched_is_logged(welcome: Welcome, served: Served) -> None:
    sender = await welcome(ISSUED)
    await sender.post(sender.envelope(), bearer("older"))
    logged = json.loads(served.output.wait_for(sender.restaurant.id))
    assert (logged["scheme"], logged["keyPosition"]) == ("bearer", 1)


async def test_which_of_two_matched_is_journaled(welcome: Welcome) -> None:
    sender = await welcome(ISSUED)
    answer = await sender.post(sender.envelope(), bearer("older"))
    key = answer.json()["reservationId"].removeprefix("opentable-")
    entry = (await sender.page.journal(key))[answer.json()["eventId"]]
    assert entry["proof"] == {"scheme": "bearer", "keyPosition": 1}


async def test_an_independent_implementations_signature_is_accepted(sender: Sender) -> None:
    raw, now = json.dumps(sender.envelope()), datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(sender.key).sign("msg_1", now, raw),
    }
    assert told(await sender.post(raw.encode(), signed)) == (200, "created")


async def test_one_good_signature_among_several_is_enough(sender: Sender) -> None:
    raw = json.dumps(sender.envelope()).encode()
    signed = signature(sender.key, raw)
    signed["webhook-signature"] = f"v1a,x v1,AAAA {signed['webhook-signature']}"
    assert told(await sender.post(raw, signed)) == (200, "created")


@pytest.mark.parametrize("ahead", [-290, 290])
async def test_a_clock_almost_300_s_off_is_accepted(ahead: int, sender: Sender) -> None:
    raw = json.dumps(sender.envelope()).encode()
    assert told(await sender.post(raw, signature(sender.key, raw, ahead))) == (200, "created")


@pytest.mark.parametrize("ahead", [-310, 310])
async def test_a_clock_over_300_s_off_is_refused(ahead: int, sender: Sender) -> None:
    raw = json.dumps(sender.envelope()).encode()
    assert told(await sender.post(raw, signature(sender.key, raw, ahead))) == UNAUTHENTICATED


async def test_one_changed_byte_is_refused(sender: Sender) -> None:
    raw = json.dumps(sender.envelope()).encode()
    changed = raw.replace(b'"partySize": 4', b'"partySize": 5')
    assert told(await sender.post(changed, signature(sender.key, raw))) == UNAUTHENTICATED


async def test_a_bad_signature_is_not_rescued_by_a_good_token(welcome: Welcome) -> None:
    sender = await welcome(ISSUED)
    raw = json.dumps(sender.envelope()).encode()
    signed = signature(encode_signing_secret(b"another" * 4), raw)
    assert told(await sender.post(raw, signed | bearer("newest"))) == UNAUTHENTICATED


@pytest.mark.parametrize("name", ["webhook-id", "webhook-signature", "Webhook-Anything"])
async def test_any_webhook_header_leaves_the_token_untried(name: str, welcome: Welcome) -> None:
    sender = await welcome(ISSUED)
    headers = bearer("newest") | {name: "x"}
    assert told(await sender.post(sender.envelope(), headers)) == UNAUTHENTICATED


async def test_a_good_signature_is_not_spoilt_by_a_bad_token(sender: Sender) -> None:
    answer = await sender.send(sender.envelope(), authorization="Bearer nonsense")
    assert told(answer) == (200, "created")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        {"authorization": "Bearer"},
        {"authorization": "newest"},
        {"authorization": "Basic newest"},
        {"authorization": "Basic !!!"},
        basic("ot"),
        basic("ot:newest\n"),
        {"authorization": "Digest newest"},
    ],
)
async def test_anything_else_is_refused(headers: dict[str, str], welcome: Welcome) -> None:
    sender = await welcome(ISSUED)
    assert told(await sender.post(sender.envelope(), headers)) == UNAUTHENTICATED


@pytest.mark.parametrize(
    "schemes, accepted",
    [
        (["standard-webhooks"], (True, False, False)),
        (["bearer"], (False, True, False)),
        (["basic"], (False, False, True)),
        ([], (False, False, False)),
        (None, (False, False, False)),
    ],
)
async def test_only_the_chosen_schemes_are_accepted(
    schemes: list[str] | None, accepted: tuple[bool, bool, bool], welcome: Welcome
) -> None:
    sender = await welcome(ISSUED, webhookAuth=schemes)
    raw = json.dumps(sender.envelope()).encode()
    tried = (signature(sender.key, raw), bearer("newest"), basic("ot:newest"))
    answers = [await sender.post(raw, headers) for headers in tried]
    assert tuple(answer.status_code == 200 for answer in answers) == accepted


async def test_one_restaurants_key_opens_no_other(sender: Sender, welcome: Welcome) -> None:
    other = await welcome()
    for body in (other.envelope(), other.row(1)):
        assert told(await sender.send(body)) == UNAUTHENTICATED


@pytest.mark.parametrize("id_", ["nobody-here", "../x", "a/b", "__x__", 10**400, True, "\x00"])
async def test_an_unknown_restaurant_answers_byte_for_byte_like_a_bad_signature(
    id_: object, sender: Sender
) -> None:
    unknown = await sender.send(sender.envelope(restaurantId=id_))
    forged = await sender.post(sender.envelope(), signature(sender.key, b"something else"))
    assert (unknown.status_code, unknown.content) == (forged.status_code, forged.content)
    assert _names(unknown.headers) == _names(forged.headers)


async def test_a_broken_secret_answers_like_a_bad_signature(welcome: Welcome) -> None:
    sender = await welcome({"webhookSecrets": {"not": "a list"}})
    assert told(await sender.send(sender.envelope())) == UNAUTHENTICATED


async def test_nothing_unauthenticated_is_stored(sender: Sender) -> None:
    before = await _kept(sender, sender.restaurant.id)
    for body in (sender.envelope(), sender.row(1), sender.envelope(partySize=0)):
        await sender.post(body, {})
        await sender.post(body, signature(sender.key, b"something else"))
    assert await _kept(sender, sender.restaurant.id) == before == ["integrations"]


async def test_an_unknown_restaurant_leaves_no_trace(sender: Sender) -> None:
    stranger = new_restaurant()
    await sender.send(sender.envelope(restaurantId=stranger.id))
    await sender.send(sender.row(1, rid=int(stranger.rid)))
    assert await _kept(sender, stranger.id) == []
    roots = [collection.id async for collection in sender.page.client.collections()]
    assert roots == ["openTableRids", "restaurants"]


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}


async def _kept(sender: Sender, restaurant_id: str) -> list[str]:
    """Return the names of all that is stored below a restaurant."""
    below = sender.page.client.document("restaurants", restaurant_id).collections()
    return [collection.id async for collection in below]
