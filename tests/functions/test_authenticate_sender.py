"""A rotated secret works at once, and no error on our side authenticates a sender."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.webhook import AuthenticatedSender, authenticate_sender
from shared.domain.normalization.webhook_body import find_route
from shared.errors import ServiceUnavailableError
from shared.firestore.raw_client import FirestoreClient
from shared.restaurants.directory import MAX_UNKNOWN_LOOKUPS_PER_MINUTE, RestaurantDirectory
from shared.restaurants.secrets import CredentialCache
from tests.support.clocks import FakeTimer
from tests.support.events import row_body
from tests.support.restaurants import InMemorySecretSource, Restaurant, make_app_context, seed
from tests.support.webhooks import cancel_background_tasks

NOW = datetime(2026, 3, 9, 12, 31, tzinfo=UTC)


@pytest.fixture
def fake_secret_source(restaurant: Restaurant) -> InMemorySecretSource:
    secret_source = InMemorySecretSource()
    secret_source.payloads[restaurant.secret] = {"bearerTokens": ["old"]}
    return secret_source


@pytest.fixture
async def directory(
    firestore: FirestoreClient,
    fake_secret_source: InMemorySecretSource,
    timer: FakeTimer,
    restaurant: Restaurant,
) -> RestaurantDirectory:
    await seed(firestore, restaurant, webhookAuth=["bearer", "basic"])
    return RestaurantDirectory(
        firestore, CredentialCache(fake_secret_source.read, timer), None, timer
    )


async def authenticate_body(
    directory: RestaurantDirectory, body: dict[str, Any], authorization: str
) -> AuthenticatedSender | None:
    headers = {"authorization": authorization}
    context = make_app_context(directory._client, directory)
    try:
        raw_body = json.dumps(body).encode()
        return await authenticate_sender(context, headers, raw_body, find_route(body), NOW)
    finally:
        cancel_background_tasks(context)


async def test_a_new_token_is_accepted_at_once_after_a_rotation(
    directory: RestaurantDirectory,
    fake_secret_source: InMemorySecretSource,
    timer: FakeTimer,
    restaurant: Restaurant,
) -> None:
    await authenticate_body(directory, row_body(1), "Bearer old")
    timer.advance(10)
    fake_secret_source.payloads[restaurant.secret] = {"bearerTokens": ["new", "old"]}
    sender = await authenticate_body(directory, row_body(1), "Bearer new")
    assert sender is not None
    assert sender.authentication.credential_index == 0


async def test_a_flood_of_bad_tokens_reads_a_secret_every_10_s(
    directory: RestaurantDirectory, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    for _ in range(100):
        assert await authenticate_body(directory, row_body(1), "Bearer guess") is None
        timer.advance(0.3)
    assert fake_secret_source.reads.total() == 3


async def test_a_token_out_of_rotation_is_refused_once_the_secret_was_reread(
    directory: RestaurantDirectory,
    fake_secret_source: InMemorySecretSource,
    timer: FakeTimer,
    restaurant: Restaurant,
) -> None:
    await authenticate_body(directory, row_body(1), "Bearer old")
    fake_secret_source.payloads[restaurant.secret] = {"bearerTokens": ["new"]}
    timer.advance(300)
    assert await authenticate_body(directory, row_body(1), "Bearer old") is None


async def test_a_missing_secret_rejects_every_request(
    directory: RestaurantDirectory,
    fake_secret_source: InMemorySecretSource,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake_secret_source.payloads.clear()
    assert await authenticate_body(directory, row_body(1), "Bearer old") is None
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in logged] == ["settings.unusable", "webhook.unauthenticated"]


async def test_a_secret_store_that_is_away_is_not_the_senders_fault(
    directory: RestaurantDirectory, fake_secret_source: InMemorySecretSource
) -> None:
    fake_secret_source.is_unavailable = True
    with pytest.raises(ServiceUnavailableError):
        await authenticate_body(directory, row_body(1), "Bearer old")


@pytest.mark.parametrize("schemes", [None, [], ["standard-webhooks"], ["all"], "bearer"])
async def test_a_scheme_that_is_not_configured_is_rejected(
    schemes: object,
    directory: RestaurantDirectory,
    firestore: FirestoreClient,
    restaurant: Restaurant,
) -> None:
    await seed(firestore, restaurant, webhookAuth=schemes)
    assert await authenticate_body(directory, row_body(1), "Bearer old") is None


async def test_a_row_is_authenticated_by_rid_only(
    directory: RestaurantDirectory, restaurant: Restaurant
) -> None:
    body = row_body(1, rid=restaurant.id)
    assert await authenticate_body(directory, body, "Bearer old") is None


async def test_a_body_without_a_restaurant_is_rejected(directory: RestaurantDirectory) -> None:
    body = {"eventType": "reservation.created", "data": {"restaurantId": {"$ne": 1}}}
    assert await authenticate_body(directory, body, "Bearer old") is None


async def test_a_partners_token_is_accepted_when_the_lookup_budget_is_spent(
    firestore: FirestoreClient,
    fake_secret_source: InMemorySecretSource,
    timer: FakeTimer,
    restaurant: Restaurant,
) -> None:
    fake_secret_source.payloads = {"partner": {"bearerTokens": ["shared"]}}
    directory = RestaurantDirectory(
        firestore, CredentialCache(fake_secret_source.read, timer), "partner", timer
    )
    ids = (f"invented-{number}" for number in range(MAX_UNKNOWN_LOOKUPS_PER_MINUTE + 1))
    await asyncio.gather(*map(directory.find_by_restaurant_id, ids))
    await seed(firestore, restaurant, webhookAuth=["bearer"], secret=None)
    assert await authenticate_body(directory, row_body(1), "Bearer guess") is None
    assert await authenticate_body(directory, row_body(1), "Bearer shared") is not None
