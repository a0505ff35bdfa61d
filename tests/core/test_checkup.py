"""What keeps a restaurant's webhooks out is told in words, and without a secret."""

from typing import Any

from shared.core.checkup import webhook_config_problems
from shared.core.credentials import Credentials
from shared.core.structs import read_struct
from tests.restaurants import Restaurant

CHECKED_RESTAURANT = Restaurant("restaurant-123", "555001")
GOOD = "whsec_c2VjcmV0"
STORED_CREDENTIALS = {"webhookSecrets": [GOOD]}


def problems_of_settings(
    held: dict[str, Any] = STORED_CREDENTIALS,
    claimed_by: str | None = CHECKED_RESTAURANT.id,
    **settings: Any,
) -> tuple[str, ...]:
    credentials = read_struct(Credentials, held)
    return webhook_config_problems(CHECKED_RESTAURANT.settings(**settings), credentials, claimed_by)


def test_correct_settings_have_no_problems() -> None:
    assert problems_of_settings() == ()


def test_a_missing_scheme_is_reported() -> None:
    [problem] = problems_of_settings(webhookAuth=[])
    assert problem.startswith("webhookAuth is empty, so every webhook is refused")
    assert problem.endswith("list any of standard-webhooks, bearer, basic.")


def test_a_scheme_without_a_credential_is_reported() -> None:
    assert problems_of_settings(webhookAuth=["basic", "bearer", "standard-webhooks"]) == (
        "webhookAuth accepts basic, but the secret holds no basicCredentials: enter one.",
        "webhookAuth accepts bearer, but the secret holds no bearerTokens: enter one.",
    )


def test_an_undecodable_secret_is_reported_by_its_position() -> None:
    [problem] = problems_of_settings({"webhookSecrets": [GOOD, "hushhush!"]})
    assert problem.startswith("webhookSecrets[1] is no Standard Webhooks secret")
    assert "hush" not in problem


def test_an_empty_secret_counts_as_missing() -> None:
    [problem] = problems_of_settings({"webhookSecrets": ["whsec_", GOOD]})
    assert problem.startswith("webhookSecrets[0]")


def test_a_rid_without_a_claim_is_reported() -> None:
    [problem] = problems_of_settings(claimed_by=None)
    assert problem == (
        "openTableRids/555001 does not exist, so OpenTable's webhooks are refused: "
        'give it the restaurantId "restaurant-123".'
    )


def test_a_rid_claimed_by_another_restaurant_is_reported() -> None:
    [problem] = problems_of_settings(claimed_by="elsewhere")
    assert "names another restaurant" in problem
