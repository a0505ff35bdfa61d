import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth.credentials import Credentials
from shared.domain.webhook_auth.verify import Verification, verify_webhook

NOW = datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC)
BODY = "{}"
SECRET = "whsec_" + base64.b64encode(b"a key").decode()
ALL = frozenset(WebhookAuthScheme)
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
names = st.sampled_from(["authorization", *SIGNED, "webhook-other", "content-type"])
presented = any_text | st.builds("{} {}".format, st.sampled_from(["Basic", "Bearer"]), any_text)


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def verdict(
    headers: dict[str, str],
    schemes: frozenset[WebhookAuthScheme] = ALL,
    credentials: Credentials = CREDENTIALS,
) -> Verification:
    return verify_webhook(headers, BODY.encode(), schemes, credentials, NOW)


def authorized(header: str, schemes: frozenset[WebhookAuthScheme] = ALL) -> Verification:
    return verdict({"authorization": header}, schemes)


def test_a_signed_message_is_accepted() -> None:
    assert verdict(SIGNED).reason == "standard-webhooks"


def test_a_secret_that_is_not_base64_is_skipped() -> None:
    assert verdict(SIGNED).credential_index == 0


def test_a_bearer_token_is_accepted() -> None:
    assert authorized("Bearer new-token") == Verification(
        is_accepted=True, reason="bearer", credential_index=0
    )


def test_a_basic_credential_is_accepted() -> None:
    assert authorized(basic("user:new")) == Verification(
        is_accepted=True, reason="basic", credential_index=0
    )


def test_the_position_of_the_matching_credential_is_returned() -> None:
    assert authorized("Bearer old-token").credential_index == 1


@pytest.mark.parametrize("header", ["bearer new-token", "BEARER new-token", "Bearer   new-token "])
def test_the_scheme_name_ignores_case_and_extra_spaces(header: str) -> None:
    assert authorized(header).is_accepted


def test_a_token_outside_ascii_is_compared_by_its_bytes() -> None:
    assert authorized("Bearer " + "tökén".encode().decode("latin-1")).credential_index == 2


@pytest.mark.parametrize("pair", ["user:pässword", "user:日本"])
def test_a_password_outside_ascii_is_compared_by_its_bytes(pair: str) -> None:
    assert authorized(basic(pair)).is_accepted


@pytest.mark.parametrize(
    "header",
    [
        *("Bearer wrong", "Bearer new-token2", "Bearer new", basic("user:wrong"), basic("user")),
        *("Basic user:new", "Basic ***", "Basic é", "Basic " + "A" * 4001),
    ],
)
def test_any_other_credential_is_rejected(header: str) -> None:
    assert authorized(header) == Verification(is_accepted=False, reason="no_credential_matches")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Digest x", "new-token", "Basic"])
def test_no_credential_is_rejected(header: str) -> None:
    assert authorized(header).reason == "no_credential"


def test_a_request_without_headers_is_rejected() -> None:
    assert verdict({}).reason == "no_credential"


@pytest.mark.parametrize(
    "headers, scheme",
    [
        (SIGNED, WebhookAuthScheme.STANDARD_WEBHOOKS),
        ({"authorization": "Bearer new-token"}, WebhookAuthScheme.BEARER),
        ({"authorization": basic("user:new")}, WebhookAuthScheme.BASIC),
    ],
)
def test_a_scheme_that_the_restaurant_does_not_accept_is_rejected(
    headers: dict[str, str], scheme: WebhookAuthScheme
) -> None:
    assert verdict(headers, ALL - {scheme}).reason == "scheme_not_accepted"


def test_a_bearer_token_is_not_accepted_as_basic() -> None:
    assert not authorized("Bearer user:new").is_accepted


@pytest.mark.parametrize("name", [*SIGNED, "webhook-other"])
def test_a_valid_token_does_not_override_an_invalid_signature(name: str) -> None:
    assert not verdict({name: "x", "authorization": "Bearer new-token"}).is_accepted


def test_without_accepted_schemes_every_request_is_rejected() -> None:
    assert not verdict(SIGNED, frozenset()).is_accepted


@pytest.mark.parametrize("headers", [SIGNED, {"authorization": "Bearer x"}])
def test_without_credentials_every_request_is_rejected(headers: dict[str, str]) -> None:
    assert not verdict(headers, ALL, Credentials()).is_accepted


@given(st.dictionaries(names, presented), st.binary())
def test_any_headers_and_bytes_are_rejected_with_a_reason(
    headers: dict[str, str], body: bytes
) -> None:
    judged = verify_webhook(headers, body, ALL, CREDENTIALS, NOW)
    assert not judged.is_accepted
    assert judged.reason
