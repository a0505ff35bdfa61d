"""A rotation takes effect at once, and nobody gets in on a fault of ours."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from shared.edge.directory import RestaurantDirectory
from shared.edge.door import AuthenticatedSender, authenticate_sender
from shared.edge.secrets import CredentialCache
from shared.errors import ServiceUnavailableError
from tests.restaurants import Restaurant, seed
from tests.safe import Safe
from tests.statements import envelope, row
from tests.timer import Timer

NOW = datetime(2026, 3, 9, 12, 31, tzinfo=UTC)


@pytest.fixture
def safe(restaurant: Restaurant) -> Safe:
    safe = Safe()
    safe.payloads[restaurant.secret] = {"bearerTokens": ["old"]}
    return safe


@pytest.fixture
async def directory(
    firestore: AsyncClient, safe: Safe, timer: Timer, restaurant: Restaurant
) -> RestaurantDirectory:
    await seed(firestore, restaurant, webhookAuth=["bearer", "basic"])
    return RestaurantDirectory(firestore, CredentialCache(lambda: safe, timer), None, timer)


async def knock(
    directory: RestaurantDirectory, body: dict[str, Any], authorization: str
) -> AuthenticatedSender | None:
    headers = {"authorization": authorization}
    return await authenticate_sender(directory, headers, json.dumps(body).encode(), body, NOW)


async def test_a_new_token_is_accepted_at_once_after_a_rotation(
    directory: RestaurantDirectory, safe: Safe, timer: Timer, restaurant: Restaurant
) -> None:
    await knock(directory, row(1), "Bearer old")
    timer.wait(10)
    safe.payloads[restaurant.secret] = {"bearerTokens": ["new", "old"]}
    visitor = await knock(directory, row(1), "Bearer new")
    assert visitor is not None
    assert visitor.verdict.credential_index == 0


async def test_the_older_of_two_tokens_is_accepted_and_its_position_told(
    directory: RestaurantDirectory, safe: Safe, restaurant: Restaurant
) -> None:
    safe.payloads[restaurant.secret] = {"bearerTokens": ["new", "old"]}
    visitor = await knock(directory, row(1), "Bearer old")
    assert visitor is not None
    assert visitor.verdict.credential_index == 1


async def test_a_flood_of_bad_tokens_reads_a_secret_every_10_s(
    directory: RestaurantDirectory, safe: Safe, timer: Timer
) -> None:
    for _ in range(100):
        assert await knock(directory, row(1), "Bearer guess") is None
        timer.wait(0.3)
    assert safe.reads.total() == 3


async def test_a_token_out_of_rotation_is_refused_once_the_secret_was_reread(
    directory: RestaurantDirectory, safe: Safe, timer: Timer, restaurant: Restaurant
) -> None:
    await knock(directory, row(1), "Bearer old")
    safe.payloads[restaurant.secret] = {"bearerTokens": ["new"]}
    timer.wait(300)
    assert await knock(directory, row(1), "Bearer old") is None


async def test_a_missing_secret_lets_nobody_in(
    directory: RestaurantDirectory, safe: Safe, capsys: pytest.CaptureFixture[str]
) -> None:
    safe.payloads.clear()
    assert await knock(directory, row(1), "Bearer old") is None
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in logged] == ["settings.unusable", "webhook.unauthenticated"]


async def test_a_secret_store_that_is_away_is_not_the_senders_fault(
    directory: RestaurantDirectory, safe: Safe
) -> None:
    safe.is_away = True
    with pytest.raises(ServiceUnavailableError):
        await knock(directory, row(1), "Bearer old")


@pytest.mark.parametrize("schemes", [None, [], ["standard-webhooks"], ["all"], "bearer"])
async def test_a_scheme_that_was_not_chosen_lets_nobody_in(
    schemes: object, directory: RestaurantDirectory, firestore: AsyncClient, restaurant: Restaurant
) -> None:
    await seed(firestore, restaurant, webhookAuth=schemes)
    assert await knock(directory, row(1), "Bearer old") is None


async def test_a_secret_named_by_a_path_lets_nobody_in(
    directory: RestaurantDirectory, safe: Safe, firestore: AsyncClient, restaurant: Restaurant
) -> None:
    safe.payloads["../partner"] = {"bearerTokens": ["old"]}
    await seed(firestore, restaurant, webhookAuth=["bearer"], secret="../partner")
    assert await knock(directory, row(1), "Bearer old") is None


async def test_basic_credentials_are_compared_as_they_were_sent(
    directory: RestaurantDirectory, safe: Safe, restaurant: Restaurant
) -> None:
    safe.payloads[restaurant.secret] = {"basicCredentials": ["ot:pass:wörd"]}
    presented = base64.b64encode("ot:pass:wörd".encode()).decode()
    assert await knock(directory, row(1), f"Basic {presented}")


async def test_an_envelope_is_admitted_by_either_id(
    directory: RestaurantDirectory, restaurant: Restaurant
) -> None:
    for reference in (restaurant.id, restaurant.rid, int(restaurant.rid)):
        assert await knock(directory, envelope(restaurantId=reference), "Bearer old")


async def test_an_object_is_admitted_by_rid_alone(
    directory: RestaurantDirectory, restaurant: Restaurant
) -> None:
    assert await knock(directory, row(1) | {"rid": restaurant.id}, "Bearer old") is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"eventType": "reservation.created"},
        {"eventType": "reservation.created", "data": None},
        {"eventType": "reservation.created", "data": []},
        {"eventType": "reservation.created", "data": {}},
        {"eventType": "reservation.created", "data": {"restaurantId": {"$ne": 1}}},
        {"rid": True, "id": "1"},
        {"rid": 555001.0, "id": "1"},
        {"rid": None, "id": None},
    ],
)
async def test_a_body_that_names_no_restaurant_is_nobodys(
    body: dict[str, Any], directory: RestaurantDirectory
) -> None:
    assert await knock(directory, body, "Bearer old") is None
