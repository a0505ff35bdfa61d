import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode
from standardwebhooks import Webhook

from shared.core.credentials import Credentials, decode_webhook_secret
from shared.errors import InvalidSettingsError

WHOLE = {
    "clientId": "id",
    "clientSecret": "hush",
    "apiKey": "key",
    "webhookSecrets": ["whsec_bmV3", "whsec_b2xk"],
    "bearerTokens": ["token"],
    "basicCredentials": ["user:password"],
}


def read(**payload: object) -> Credentials:
    return Credentials.from_payload("opentable-r", json.dumps(payload))


@given(st.binary(min_size=1, max_size=64), st.sampled_from(["", "whsec_"]))
def test_a_secret_is_base64_with_or_without_its_prefix(key: bytes, prefix: str) -> None:
    assert decode_webhook_secret(prefix + base64.b64encode(key).decode()) == key


@given(st.binary(min_size=1, max_size=64))
def test_a_secret_without_its_padding_is_the_same_key_as_for_the_reference_package(
    key: bytes,
) -> None:
    secret = "whsec_" + base64.b64encode(key).decode().rstrip("=")
    assert decode_webhook_secret(secret) == Webhook(secret)._whsecret == key


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_a_secret_without_a_key_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        decode_webhook_secret(secret)


@pytest.mark.parametrize("secret", ["whsec_a", "!bmV3", "bmV3 ", "é", "WHSEC_bmV3"])
def test_a_secret_that_is_not_base64_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base64|ASCII"):
        decode_webhook_secret(secret)


def test_a_whole_payload_is_read() -> None:
    assert json.loads(encode(read(**WHOLE))) == WHOLE


@pytest.mark.parametrize("payload", [{}, dict.fromkeys(WHOLE), {"unknown": 1}])
def test_every_key_is_optional(payload: dict[str, object]) -> None:
    assert read(**payload) == Credentials()


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"\xff", b"null", b'"hush"', b'{"apiKey": "\\ud800"}', b'{"a":' * 9**5, "\ud800"],
)
def test_a_payload_that_is_no_json_object_is_refused(payload: bytes | str) -> None:
    with pytest.raises(InvalidSettingsError, match="Store a new version"):
        Credentials.from_payload("opentable-r", payload)


def test_a_refusal_names_the_secret_and_every_field_at_fault() -> None:
    told = r"'opentable-r'.*apiKey: .*bearerTokens: .*\[1\]"
    with pytest.raises(InvalidSettingsError, match=told):
        read(bearerTokens=["token", 7], apiKey=7)


@pytest.mark.parametrize("payload", [{"webhookSecrets": "hush"}, {"apiKey": ["hush"]}])
def test_a_refusal_never_quotes_a_secret(payload: dict[str, object]) -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        read(**payload)
    assert "hush" not in str(refused.value)


def test_credentials_never_show_themselves() -> None:
    credentials = read(**WHOLE)
    assert (repr(credentials), credentials.__rich_repr__()) == ("Credentials()", [])


@pytest.mark.parametrize("payload", [{"apiKey": "key"}, {"clientId": "id", "clientSecret": "hush"}])
def test_a_key_or_a_whole_client_suffices_for_the_api(payload: dict[str, object]) -> None:
    assert read(**payload).has_api_credential


@pytest.mark.parametrize(
    "payload", [{}, {"clientId": "id"}, {"clientSecret": "hush"}, {"apiKey": ""}]
)
def test_half_a_client_does_not(payload: dict[str, object]) -> None:
    assert not read(**payload).has_api_credential


def test_what_a_restaurant_lacks_is_the_partners() -> None:
    assert read().with_partner_defaults(read(**WHOLE)) == read(**WHOLE)


def test_what_a_restaurant_has_is_its_own() -> None:
    partner = read(apiKey="p", webhookSecrets=["p"], bearerTokens=["p"], basicCredentials=["p"])
    assert read(**WHOLE).with_partner_defaults(partner) == read(**WHOLE)


def test_one_list_of_its_own_leaves_the_others_to_the_partner() -> None:
    completed = read(bearerTokens=["own"]).with_partner_defaults(read(**WHOLE))
    assert (completed.bearer_tokens, completed.basic_credentials) == (("own",), ("user:password",))


def test_a_client_id_is_never_joined_with_anothers_secret() -> None:
    completed = read(clientId="own").with_partner_defaults(read(clientId="id", clientSecret="hush"))
    assert (completed.client_id, completed.client_secret) == ("id", "hush")


def test_a_restaurants_own_client_hides_the_partners_key() -> None:
    own = read(clientId="own", clientSecret="own")
    assert own.with_partner_defaults(read(apiKey="key")).api_key is None
