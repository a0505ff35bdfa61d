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


def verify_authorization(header: str) -> AuthenticationResult:
    return verify_body({"authorization": header})


def test_a_signed_message_is_accepted() -> None:
    credentials = Credentials(webhook_secrets=(SECRET,))
    accepted = verify_body(SIGNED, credentials=credentials)
    assert accepted == Authentication("standard-webhooks", 0)


def test_a_secret_that_is_not_base64_is_skipped_and_keeps_its_position() -> None:
    assert verify_body(SIGNED) == Authentication("standard-webhooks", 1)


@pytest.mark.parametrize(
    "header, accepted",
    [
        ("Bearer new-token", Authentication("bearer", 0)),
        ("Bearer old-token", Authentication("bearer", 1)),
        ("Bearer " + "tökén".encode().decode("latin-1"), Authentication("bearer", 2)),
        (basic_header("user:new"), Authentication("basic", 0)),
        (basic_header("user:pässword"), Authentication("basic", 1)),
        (basic_header("user:日本"), Authentication("basic", 2)),
    ],
)
def test_a_credential_is_accepted_by_its_bytes_and_its_position_returned(
    header: str, accepted: Authentication
) -> None:
    assert verify_authorization(header) == accepted


@pytest.mark.parametrize("header", ["bearer new-token", "BEARER new-token", "Bearer   new-token "])
def test_the_scheme_name_ignores_case_and_extra_spaces(header: str) -> None:
    assert isinstance(verify_authorization(header), Authentication)


@pytest.mark.parametrize(
    "header",
    [
        *("Bearer wrong", "Bearer new-token2", "Bearer new", "Bearer user:new", "Bearer \ud800"),
        *(basic_header("user:wrong"), basic_header("user"), "Basic " + "A" * 4001),
        *("Basic user:new", "Basic ***", "Basic é", basic_header("user:new").replace("dX", "d*X")),
    ],
)
def test_any_other_credential_is_rejected(header: str) -> None:
    assert verify_authorization(header) == AuthenticationFailure("no_credential_matches")


WITHOUT_CREDENTIAL: list[dict[str, str]] = [
    {},
    *(
        {"authorization": header}
        for header in ("", "Bearer", "Bearer ", "Basic", "Digest x", "token", "standard-webhooks x")
    ),
]


@pytest.mark.parametrize("headers", WITHOUT_CREDENTIAL)
def test_a_request_without_a_usable_credential_is_rejected(headers: dict[str, str]) -> None:
    assert verify_body(headers) == AuthenticationFailure("no_credential")


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
    assert verify_body(headers, frozenset()) == rejected


@pytest.mark.parametrize("name", [*SIGNED, "webhook-other"])
def test_a_valid_token_does_not_override_an_invalid_signature(name: str) -> None:
    headers = {name: "x", "authorization": "Bearer new-token"}
    assert isinstance(verify_body(headers), AuthenticationFailure)


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


@pytest.mark.parametrize("headers", WITHOUT_CREDENTIAL)
def test_without_a_usable_credential_no_scheme_is_detected(headers: dict[str, str]) -> None:
    assert detect_scheme(headers) is None


@given(st.dictionaries(header_names, header_values), st.binary())
def test_any_headers_and_bytes_are_rejected_with_a_reason(
    headers: dict[str, str], body: bytes
) -> None:
    authentication = authenticate_webhook(headers, body, ALL_SCHEMES, CREDENTIALS, NOW)
    assert isinstance(authentication, AuthenticationFailure)
    assert authentication.reason
