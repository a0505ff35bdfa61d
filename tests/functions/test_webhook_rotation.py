"""Two processes of the webhook take up changed credentials and settings within seconds."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct

from cli.api import OperatorClient, open_operator_session
from functions.api.auth import build_api_context
from shared.restaurants.changes import CHANGE_PICKUP_SECONDS
from shared.restaurants.secrets import SecretsFileStore
from tests.support.processes import ServedFunction
from tests.support.webhooks import WebhookSender
from tests.support.world import World

CreateSender = Callable[..., Awaitable[WebhookSender]]
pytestmark = pytest.mark.slow

OLD, NEW = {"authorization": "Bearer old-token"}, {"authorization": "Bearer new-token"}


@pytest.fixture
async def senders(
    create_sender: CreateSender, other_webhook: ServedFunction
) -> list[WebhookSender]:
    """Senders of one restaurant to both processes, which have cached its old token."""
    sender = await create_sender({"bearerTokens": ["old-token"]})
    senders = [sender, replace(sender, url=other_webhook.url)]
    for each in senders:
        assert await post(each, OLD) == 200
    return senders


@pytest.fixture
async def staff_api(
    senders: list[WebhookSender], world: World, secrets_file: Path
) -> OperatorClient:
    """The staff API, in a third process as far as the webhooks can tell."""
    client: Any = senders[0].stored_ledger.client
    context = replace_struct(
        world.context, firestore=client, secret_store=SecretsFileStore(str(secrets_file))
    )
    return open_operator_session(build_api_context(context), "olga").restaurant(
        senders[0].restaurant.id
    )


async def post(sender: WebhookSender, headers: dict[str, str]) -> int:
    """Send a new event, and return the status of the response."""
    body = sender.envelope() | {"id": f"evt-{time.monotonic_ns()}"}
    return (await sender.post(body, headers)).status_code


async def measure_seconds_until_refused(
    senders: list[WebhookSender], headers: dict[str, str]
) -> float:
    """Send until every process refuses the webhooks; return how long that took."""
    started_at = time.monotonic()
    for sender in senders:
        while await post(sender, headers) != 401:
            assert time.monotonic() - started_at < 3 * CHANGE_PICKUP_SECONDS
    return time.monotonic() - started_at


async def replace_token(staff_api: OperatorClient, *, keep_previous: bool) -> None:
    credentials = {"bearerTokens": ["new-token"], "keepPrevious": keep_previous}
    await staff_api.call("PUT", "integration", body={"credentials": credentials})


async def test_a_token_replaced_at_once_is_refused_by_both_within_5_s(
    senders: list[WebhookSender], staff_api: OperatorClient
) -> None:
    await replace_token(staff_api, keep_previous=False)
    assert await measure_seconds_until_refused(senders, OLD) < CHANGE_PICKUP_SECONDS


async def test_a_new_token_is_accepted_by_both_at_its_first_use(
    senders: list[WebhookSender], staff_api: OperatorClient
) -> None:
    await replace_token(staff_api, keep_previous=True)
    assert [await post(sender, NEW) for sender in senders] == [200, 200]
    assert [await post(sender, OLD) for sender in senders] == [200, 200]


async def test_a_retired_token_is_refused_by_both_within_5_s(
    senders: list[WebhookSender], staff_api: OperatorClient
) -> None:
    await replace_token(staff_api, keep_previous=True)
    assert [await post(sender, NEW) for sender in senders] == [200, 200]
    retire = {"credentials": {"bearerTokens": [], "keepPrevious": True}}
    await staff_api.call("PUT", "integration", body=retire)
    assert await measure_seconds_until_refused(senders, OLD) < CHANGE_PICKUP_SECONDS
    assert [await post(sender, NEW) for sender in senders] == [200, 200]


async def test_a_scheme_that_is_no_longer_accepted_is_refused_by_both_within_5_s(
    senders: list[WebhookSender], staff_api: OperatorClient
) -> None:
    await staff_api.call("PUT", "integration", body={"webhookAuth": ["standard-webhooks"]})
    assert await measure_seconds_until_refused(senders, OLD) < CHANGE_PICKUP_SECONDS
