"""What keeps a restaurant's webhooks out is told in words, and without a secret."""

from typing import Any

from shared.core.checkup import webhook_config_problems
from shared.core.credentials import Credentials
from shared.core.structs import read_struct
from tests.restaurants import Restaurant

HERE = Restaurant("restaurant-123", "555001")
GOOD = "whsec_c2VjcmV0"
HELD = {"webhookSecrets": [GOOD]}


def found(
    held: dict[str, Any] = HELD, claimed_by: str | None = HERE.id, **settings: Any
) -> tuple[str, ...]:
    credentials = read_struct(Credentials, held)
    return webhook_config_problems(HERE.settings(**settings), credentials, claimed_by)


def test_a_restaurant_that_is_set_up_well_lacks_nothing() -> None:
    assert found() == ()


def test_no_accepted_scheme_is_told() -> None:
    [problem] = found(webhookAuth=[])
    assert problem.startswith("webhookAuth is empty, so every webhook is refused")
    assert problem.endswith("list any of standard-webhooks, bearer, basic.")


def test_a_scheme_without_a_credential_is_told() -> None:
    assert found(webhookAuth=["basic", "bearer", "standard-webhooks"]) == (
        "webhookAuth accepts basic, but the secret holds no basicCredentials: enter one.",
        "webhookAuth accepts bearer, but the secret holds no bearerTokens: enter one.",
    )


def test_a_secret_that_cannot_be_decoded_is_named_by_its_position() -> None:
    [problem] = found({"webhookSecrets": [GOOD, "hushhush!"]})
    assert problem.startswith("webhookSecrets[1] is no Standard Webhooks secret")
    assert "hush" not in problem


def test_an_empty_secret_is_none() -> None:
    [problem] = found({"webhookSecrets": ["whsec_", GOOD]})
    assert problem.startswith("webhookSecrets[0]")


def test_a_rid_without_its_route_is_told() -> None:
    [problem] = found(claimed_by=None)
    assert problem == (
        "openTableRids/555001 does not exist, so OpenTable's webhooks are refused: "
        'give it the restaurantId "restaurant-123".'
    )


def test_a_rid_that_another_restaurant_claims_is_told() -> None:
    [problem] = found(claimed_by="elsewhere")
    assert "names another restaurant" in problem
