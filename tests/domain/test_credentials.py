import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode
from standardwebhooks import Webhook

from shared.domain.webhook_auth import Credentials, decode_webhook_secret, rotate_secret_payload
from shared.errors import InvalidSettingsError

COMPLETE_PAYLOAD = {
    "clientId": "id",
    "clientSecret": "hush",
    "apiKey": "key",
    "webhookSecrets": ["whsec_bmV3", "whsec_b2xk"],
    "bearerTokens": ["token"],
    "basicCredentials": ["user:password"],
}


def read_payload(**payload: object) -> Credentials:
    return Credentials.from_payload("opentable-r", json.dumps(payload))


COMPLETE = read_payload(**COMPLETE_PAYLOAD)


@given(st.binary(min_size=1, max_size=64), st.sampled_from(["", "whsec_"]))
def test_a_secret_is_base64_with_or_without_its_prefix(key: bytes, prefix: str) -> None:
    assert decode_webhook_secret(prefix + base64.b64encode(key).decode()) == key


@given(st.binary(min_size=1, max_size=64))
def test_an_unpadded_secret_decodes_as_in_the_reference_package(key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode().rstrip("=")
    assert decode_webhook_secret(secret) == Webhook(secret)._whsecret == key


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_a_secret_without_a_key_is_rejected(secret: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        decode_webhook_secret(secret)


@pytest.mark.parametrize("secret", ["whsec_a", "!bmV3", "bmV3 ", "é", "WHSEC_bmV3"])
def test_a_secret_that_is_not_base64_is_rejected(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64|ASCII"):
        decode_webhook_secret(secret)


def test_a_complete_payload_is_read() -> None:
    assert json.loads(encode(COMPLETE)) == COMPLETE_PAYLOAD


@pytest.mark.parametrize("payload", [{}, dict.fromkeys(COMPLETE_PAYLOAD), {"unknown": 1}])
def test_every_key_is_optional(payload: dict[str, object]) -> None:
    assert read_payload(**payload) == Credentials()


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"\xff", b"null", b'"hush"', b'{"apiKey": "\\ud800"}', b'{"a":' * 9**5, "\ud800"],
)
def test_a_payload_other_than_a_json_object_is_rejected(payload: bytes | str) -> None:
    message = r"credentials \(the payload\)\. Store a new version of it\.$"
    with pytest.raises(InvalidSettingsError, match=message):
        Credentials.from_payload("opentable-r", payload)


def test_an_error_names_the_secret_and_every_invalid_field() -> None:
    message = r"'opentable-r'.*apiKey: .*bearerTokens: .*\[1\]"
    with pytest.raises(InvalidSettingsError, match=message):
        read_payload(bearerTokens=["token", 7], apiKey=7)


@pytest.mark.parametrize("payload", [{"webhookSecrets": "hush"}, {"apiKey": ["hush"]}])
def test_an_error_never_contains_a_secret(payload: dict[str, object]) -> None:
    with pytest.raises(InvalidSettingsError) as raised:
        read_payload(**payload)
    assert "hush" not in str(raised.value)


def test_the_repr_of_credentials_contains_no_secret() -> None:
    assert (repr(COMPLETE), COMPLETE.__rich_repr__()) == ("Credentials()", [])


@pytest.mark.parametrize("payload", [{"apiKey": "key"}, {"clientId": "id", "clientSecret": "hush"}])
def test_an_api_key_or_a_complete_oauth_client_is_enough(payload: dict[str, object]) -> None:
    assert read_payload(**payload).has_api_credential


@pytest.mark.parametrize(
    "payload", [{}, {"clientId": "id"}, {"clientSecret": "hush"}, {"apiKey": ""}]
)
def test_an_incomplete_oauth_client_is_not_enough(payload: dict[str, object]) -> None:
    assert not read_payload(**payload).has_api_credential


def test_missing_credentials_are_taken_from_the_partner() -> None:
    assert Credentials().with_partner_defaults(COMPLETE) == COMPLETE


def test_existing_credentials_are_not_taken_from_the_partner() -> None:
    partner = read_payload(
        apiKey="p", webhookSecrets=["p"], bearerTokens=["p"], basicCredentials=["p"]
    )
    assert COMPLETE.with_partner_defaults(partner) == COMPLETE


def test_each_credential_list_is_completed_separately() -> None:
    completed = read_payload(bearerTokens=["own"]).with_partner_defaults(COMPLETE)
    assert (completed.bearer_tokens, completed.basic_credentials) == (("own",), ("user:password",))


def test_a_client_id_is_never_combined_with_another_owners_secret() -> None:
    partner = read_payload(clientId="id", clientSecret="hush")
    completed = read_payload(clientId="own").with_partner_defaults(partner)
    assert (completed.client_id, completed.client_secret) == ("id", "hush")


def test_an_oauth_client_takes_precedence_over_the_partner_key() -> None:
    own = read_payload(clientId="own", clientSecret="own")
    assert own.with_partner_defaults(read_payload(apiKey="key")).api_key is None


credential_lists = st.lists(st.text(max_size=3), max_size=5)


def rotate_tokens(stored: list[str], new: list[str], *, keep_previous: bool = True) -> list[str]:
    payload, values = {"bearerTokens": stored}, {"bearerTokens": new}
    rotated = rotate_secret_payload(payload, values, keep_previous=keep_previous)
    return list(rotated["bearerTokens"])


@given(credential_lists, credential_lists)
def test_the_newest_stored_credential_stays_valid_after_a_rotation(
    stored: list[str], new: list[str]
) -> None:
    older = [token for token in stored if token not in new]
    assert rotate_tokens(stored, new) == [*new, *older[:1]]


@given(credential_lists, credential_lists)
def test_a_repeated_rotation_changes_nothing(stored: list[str], new: list[str]) -> None:
    rotated = rotate_tokens(stored, new)
    assert new == [] or rotate_tokens(rotated, new) == rotated


@given(credential_lists, credential_lists)
def test_a_revocation_leaves_only_the_new(stored: list[str], new: list[str]) -> None:
    assert rotate_tokens(stored, new, keep_previous=False) == new


def test_unspecified_credentials_are_unchanged() -> None:
    stored = {"clientId": "a", "clientSecret": "b", "webhookSecrets": ["c"]}
    new = {"bearerTokens": ["d"]}
    assert rotate_secret_payload(stored, new, keep_previous=True) == stored | new


def test_an_api_key_replaces_an_oauth_client() -> None:
    stored = {"clientId": "a", "clientSecret": "b"}
    assert rotate_secret_payload(stored, {"apiKey": "c"}, keep_previous=True) == {"apiKey": "c"}


def test_an_oauth_client_replaces_an_api_key() -> None:
    new = {"clientId": "a", "clientSecret": "b"}
    assert rotate_secret_payload({"apiKey": "c"}, new, keep_previous=True) == new
