import pytest

from dev.other_restaurant import to_sender_credentials


@pytest.mark.parametrize(
    "entered, told",
    [
        ({}, {}),
        ({"bearerTokens": ["new", "old"]}, {"authorization": "Bearer new"}),
        ({"basicCredentials": ["me:hush"]}, {"authorization": "Basic bWU6aHVzaA=="}),
        ({"webhookSecrets": ["whsec_a"]}, {"signing_secret": "whsec_a"}),
        ({"bearerTokens": [], "clientId": "x"}, {}),
    ],
)
def test_the_newest_credential_of_each_kind_is_sent_to_the_sandbox(
    entered: dict[str, object], told: dict[str, str]
) -> None:
    assert to_sender_credentials(entered) == told
