"""Entering credentials leaves no moment in which none is valid."""

from hypothesis import given
from hypothesis import strategies as st

from shared.core.rotation import rotate_secret_payload

credential_lists = st.lists(st.text(max_size=3), max_size=5)


@given(credential_lists, credential_lists)
def test_the_newest_stored_credential_stays_valid_after_a_rotation(
    held: list[str], new: list[str]
) -> None:
    after = rotate_secret_payload({"bearerTokens": held}, {"bearerTokens": new}, keep_previous=True)
    assert after["bearerTokens"] == [*new, *held[:1]]


@given(credential_lists, credential_lists)
def test_a_revocation_leaves_only_the_new(held: list[str], new: list[str]) -> None:
    after = rotate_secret_payload(
        {"bearerTokens": held}, {"bearerTokens": new}, keep_previous=False
    )
    assert after["bearerTokens"] == new


def test_unspecified_credentials_are_unchanged() -> None:
    held = {"clientId": "a", "clientSecret": "b", "webhookSecrets": ["c"]}
    assert rotate_secret_payload(held, {"bearerTokens": ["d"]}, keep_previous=True) == held | {
        "bearerTokens": ["d"]
    }


def test_an_api_key_replaces_an_oauth_client() -> None:
    held = {"clientId": "a", "clientSecret": "b"}
    assert rotate_secret_payload(held, {"apiKey": "c"}, keep_previous=True) == {"apiKey": "c"}


def test_an_oauth_client_replaces_an_api_key() -> None:
    entered = {"clientId": "a", "clientSecret": "b"}
    assert rotate_secret_payload({"apiKey": "c"}, entered, keep_previous=True) == entered
