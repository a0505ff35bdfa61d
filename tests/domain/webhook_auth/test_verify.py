import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth import (
    Authentication,
    AuthenticationFailure,
    AuthenticationResult,
    Credentials,
    authenticate_webhook,
    detect_scheme,
)

NOW = datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC)
BODY = "{}"
SECRET = "whsec_" + base64.b64encode(b"a key").decode()
ALL_SCHEMES = frozenset(WebhookAuthScheme)
CREDENTIALS = Credentials(
    webhook_secrets=("whsec_not base64", SECRET),
    bearer_tokens=("new-token", "old-token", "tökén"),
    basic_credentials=("user:new", "user:pässword", "user:日本"),
)
SIGNED = {
    "webhook-id": "msg_1",
    "webhook-timestamp": str(int(NOW.timestamp())),
    "webhook-signature": Webhook(SECRET).sign("msg_1", NOW, BODY),
}

any_text = st.text(st.characters())
header_names = st.sampled_from(["authorization", *SIGNED, "webhook-other", "content-type"])
header_values = any_text | st.builds("{} {}".format, st.sampled_from(["Basic", "Bearer"]), any_text)


def basic_header(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def verify_body(
    headers: dict[str, str],
    schemes: frozenset[WebhookAuthScheme] = ALL_SCHEMES,
    credentials: Credentials = CREDENTIALS,
) -> AuthenticationResult:
    return authenticate_webhook(headers, BODY.encode(), schemes, credentials, NOW)


def verify_authorization(
    header: str, schemes: frozenset[WebhookAuthScheme] = ALL_SCHEMES
) -> AuthenticationResult:
    return verify_body({"authorization": header}, schemes)


def test_a_signed_message_is_accepted() -> None:
    credentials = Credentials(webhook_secrets=(SECRET,))
    accepted = verify_body(SIGNED, credentials=credentials)
    assert accepted == Authentication("standard-webhooks", 0)


def test_a_secret_that_is_not_base64_is_skipped_and_keeps_its_position() -> None:
    assert verify_body(SIGNED) == Authentication("standard-webhooks", 1)


def test_a_bearer_token_is_accepted() -> None:
    assert verify_authorization("Bearer new-token") == Authentication("bearer", 0)


def test_a_basic_credential_is_accepted() -> None:
    assert verify_authorization(basic_header("user:new")) == Authentication("basic", 0)


def test_the_position_of_the_matching_credential_is_returned() -> None:
    assert verify_authorization("Bearer old-token") == Authentication("bearer", 1)


@pytest.mark.parametrize("header", ["bearer new-token", "BEARER new-token", "Bearer   new-token "])
def test_the_scheme_name_ignores_case_and_extra_spaces(header: str) -> None:
    assert isinstance(verify_authorization(header), Authentication)


def test_a_token_outside_ascii_is_compared_by_its_bytes() -> None:
    header = "Bearer " + "tökén".encode().decode("latin-1")
    assert verify_authorization(header) == Authentication("bearer", 2)


@pytest.mark.parametrize("pair", ["user:pässword", "user:日本"])
def test_a_password_outside_ascii_is_compared_by_its_bytes(pair: str) -> None:
    assert isinstance(verify_authorization(basic_header(pair)), Authentication)


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Bearer wrong",
            "Bearer new-token2",
            "Bearer new",
            basic_header("user:wrong"),
            basic_header("user"),
        ),
        *("Basic user:new", "Basic ***", "Basic é", "Basic " + "A" * 4001, "Bearer \ud800"),
        basic_header("user:new").replace("dX", "d*X"),
    ],
)
def test_any_other_credential_is_rejected(header: str) -> None:
    assert verify_authorization(header) == AuthenticationFailure("no_credential_matches")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Digest x", "new-token", "Basic"])
def test_no_credential_is_rejected(header: str) -> None:
    assert verify_authorization(header) == AuthenticationFailure("no_credential")


def test_a_request_without_headers_is_rejected() -> None:
    assert verify_body({}) == AuthenticationFailure("no_credential")


@pytest.mark.parametrize(
    "headers, scheme",
    [
        (SIGNED, WebhookAuthScheme.STANDARD_WEBHOOKS),
        ({"authorization": "Bearer new-token"}, WebhookAuthScheme.BEARER),
        ({"authorization": basic_header("user:new")}, WebhookAuthScheme.BASIC),
    ],
)
def test_a_scheme_that_the_restaurant_does_not_accept_is_rejected(
    headers: dict[str, str], scheme: WebhookAuthScheme
) -> None:
    rejected = AuthenticationFailure("scheme_not_accepted")
    assert verify_body(headers, ALL_SCHEMES - {scheme}) == rejected


def test_a_bearer_token_is_not_accepted_as_basic() -> None:
    assert isinstance(verify_authorization("Bearer user:new"), AuthenticationFailure)


@pytest.mark.parametrize("name", [*SIGNED, "webhook-other"])
def test_a_valid_token_does_not_override_an_invalid_signature(name: str) -> None:
    assert isinstance(
        verify_body({name: "x", "authorization": "Bearer new-token"}), AuthenticationFailure
    )


def test_without_accepted_schemes_every_request_is_rejected() -> None:
    assert isinstance(verify_body(SIGNED, frozenset()), AuthenticationFailure)


@pytest.mark.parametrize("headers", [SIGNED, {"authorization": "Bearer x"}])
def test_without_credentials_every_request_is_rejected(headers: dict[str, str]) -> None:
    assert isinstance(verify_body(headers, ALL_SCHEMES, Credentials()), AuthenticationFailure)


@pytest.mark.parametrize(
    "headers, scheme",
    [
        ({"webhook-id": ""}, WebhookAuthScheme.STANDARD_WEBHOOKS),
        ({**SIGNED, "authorization": "Bearer x"}, WebhookAuthScheme.STANDARD_WEBHOOKS),
        ({"authorization": "BEARER x"}, WebhookAuthScheme.BEARER),
        ({"authorization": "Bearer x y"}, WebhookAuthScheme.BEARER),
        ({"authorization": "Basic ***"}, WebhookAuthScheme.BASIC),
    ],
)
def test_the_scheme_of_a_credential_is_detected_without_its_verification(
    headers: dict[str, str], scheme: WebhookAuthScheme
) -> None:
    assert detect_scheme(headers) is scheme


def test_without_headers_no_scheme_is_detected() -> None:
    assert detect_scheme({}) is None


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Digest x", "standard-webhooks x"])
def test_without_a_usable_credential_no_scheme_is_detected(header: str) -> None:
    assert detect_scheme({"authorization": header}) is None


@given(st.dictionaries(header_names, header_values), st.binary())
def test_any_headers_and_bytes_are_rejected_with_a_reason(
    headers: dict[str, str], body: bytes
) -> None:
    authentication = authenticate_webhook(headers, body, ALL_SCHEMES, CREDENTIALS, NOW)
    assert isinstance(authentication, AuthenticationFailure)
    assert authentication.reason
