"""Authentication: three schemes, and one response to all others."""

import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from sandbox.webhook_senders import encode_signing_secret
from tests.support.processes import ServedFunction
from tests.support.restaurants import new_restaurant
from tests.support.webhooks import WebhookSender, response_status, sign_webhook

CreateSender = Callable[..., Awaitable[WebhookSender]]
ISSUED = {"bearerTokens": ["newest", "older"], "basicCredentials": ["ot:newest", "ot:older"]}
UNAUTHENTICATED = (401, "unauthenticated")
REFUSAL_SECONDS = 0.3


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def bearer_headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "headers",
    [bearer_headers("newest"), bearer_headers("older"), basic("ot:newest"), basic("ot:older")],
)
async def test_any_live_credential_is_accepted(
    headers: dict[str, str], create_sender: CreateSender
) -> None:
    sender = await create_sender(ISSUED)
    assert response_status(await sender.post(sender.row(1), headers)) == (200, "created")


async def test_which_of_two_matched_is_logged(
    create_sender: CreateSender, served_webhook: ServedFunction
) -> None:
    sender = await create_sender(ISSUED)
    await sender.post(sender.envelope(), bearer_headers("older"))
    logged = json.loads(served_webhook.output.wait_for(sender.restaurant.id))
    assert (logged["scheme"], logged["credentialIndex"]) == ("bearer", 1)


async def test_which_of_two_matched_is_journaled(create_sender: CreateSender) -> None:
    sender = await create_sender(ISSUED)
    response = await sender.post(sender.envelope(), bearer_headers("older"))
    key = response.json()["reservationId"].removeprefix("opentable-")
    entry = (await sender.stored_ledger.journal(key))[response.json()["eventId"]]
    assert entry["authentication"] == {"scheme": "bearer", "credentialIndex": 1}


async def test_an_independent_implementations_signature_is_accepted(sender: WebhookSender) -> None:
    raw, now = json.dumps(sender.envelope()), datetime.now(UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(sender.key).sign("msg_1", now, raw),
    }
    assert response_status(await sender.post(raw.encode(), signed)) == (200, "created")


async def test_a_valid_token_does_not_override_a_bad_signature(create_sender: CreateSender) -> None:
    sender = await create_sender(ISSUED)
    raw = json.dumps(sender.envelope()).encode()
    signed = sign_webhook(encode_signing_secret(b"another" * 4), raw)
    response = await sender.post(raw, signed | bearer_headers("newest"))
    assert response_status(response) == UNAUTHENTICATED


async def test_a_bad_token_does_not_invalidate_a_good_signature(sender: WebhookSender) -> None:
    response = await sender.send(sender.envelope(), authorization="Bearer nonsense")
    assert response_status(response) == (200, "created")


async def test_a_key_is_valid_for_one_restaurant_only(
    sender: WebhookSender, create_sender: CreateSender
) -> None:
    other = await create_sender()
    for body in (other.envelope(), other.row(1)):
        assert response_status(await sender.send(body)) == UNAUTHENTICATED


@pytest.mark.parametrize("id_", ["nobody-here", "../x", "a/b", "__x__", 10**400, True, "\x00"])
async def test_an_unknown_restaurant_answers_byte_for_byte_like_a_bad_signature(
    id_: object, sender: WebhookSender
) -> None:
    unknown = await sender.send(sender.envelope(restaurantId=id_))
    forged = await sender.post(sender.envelope(), sign_webhook(sender.key, b"something else"))
    assert (unknown.status_code, unknown.content) == (forged.status_code, forged.content)
    assert _names(unknown.headers) == _names(forged.headers)


@pytest.mark.parametrize("is_strict_json", [True, False])
@pytest.mark.parametrize("restaurant", ["existing", "disabled", "invented"])
async def test_a_refusal_waits_until_all_lookups_would_be_done(
    restaurant: str, is_strict_json: bool, create_sender: CreateSender
) -> None:
    sender = await create_sender(ISSUED, enabled=restaurant != "disabled")
    id_ = "invented" if restaurant == "invented" else sender.restaurant.id
    raw = json.dumps(sender.envelope(restaurantId=id_)).encode()
    if not is_strict_json:
        raw = raw[:-1] + b', "twice": 1, "twice": 2}'
    started_at = time.monotonic()
    response = await sender.post(raw, bearer_headers("wrong"))
    expected = UNAUTHENTICATED if is_strict_json else (400, "invalid_json")
    assert response_status(response) == expected
    assert time.monotonic() - started_at >= REFUSAL_SECONDS


async def test_of_two_tokens_in_one_request_the_first_counts(create_sender: CreateSender) -> None:
    sender = await create_sender(ISSUED)
    statuses = []
    for tokens in (("newest", "wrong"), ("wrong", "newest")):
        headers = [("authorization", f"Bearer {token}") for token in tokens]
        response = await sender.http.post(sender.url, json=sender.envelope(), headers=headers)
        statuses.append(response.status_code)
    assert statuses == [200, 401]


async def test_a_broken_secret_answers_like_a_bad_signature(create_sender: CreateSender) -> None:
    sender = await create_sender({"webhookSecrets": {"not": "a list"}})
    assert response_status(await sender.send(sender.envelope())) == UNAUTHENTICATED


async def test_nothing_unauthenticated_is_stored(sender: WebhookSender) -> None:
    before = await _stored_documents(sender, sender.restaurant.id)
    for body in (sender.envelope(), sender.row(1), sender.envelope(partySize=0)):
        await sender.post(body, {})
        await sender.post(body, sign_webhook(sender.key, b"something else"))
    assert await _stored_documents(sender, sender.restaurant.id) == before == ["integrations"]


async def test_an_unknown_restaurant_leaves_no_trace(sender: WebhookSender) -> None:
    unknown_restaurant, client = new_restaurant(), sender.stored_ledger.client
    roots_before = [collection.id async for collection in client.collections()]
    await sender.send(sender.envelope(restaurantId=unknown_restaurant.id))
    await sender.send(sender.row(1, rid=int(unknown_restaurant.rid)))
    assert await _stored_documents(sender, unknown_restaurant.id) == []
    # Other tests of the session may have made more root collections.
    assert [collection.id async for collection in client.collections()] == roots_before


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}


async def _stored_documents(sender: WebhookSender, restaurant_id: str) -> list[str]:
    """Return the names of all documents below a restaurant."""
    below = sender.stored_ledger.client.document("restaurants", restaurant_id).collections()
    return [collection.id async for collection in below]
