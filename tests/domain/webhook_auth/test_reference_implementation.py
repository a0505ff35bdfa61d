"""Compare the verifier with the reference package of Standard Webhooks, scenario by scenario.

The package reads the real clock, so the messages are signed at the present time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.domain.webhook_auth import Authentication, decode_webhook_secret, verify_signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"test": 2432232314}'
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

Headers = dict[str, str]
Scenario = Callable[[], Headers]


def signed_by_package(age: int = 0, id_: str = "msg_p5jXN8AQM9LWM0D4loKWxJek") -> Headers:
    """Return the headers of a message signed by the package ``age`` seconds ago."""
    at = datetime.now(UTC) - timedelta(seconds=age)
    stamp = str(int(at.timestamp()))
    return {ID: id_, TIMESTAMP: stamp, SIGNATURE: Webhook(SECRET).sign(id_, at, BODY)}


def edited(header: str, pattern: str) -> Scenario:
    """Return a scenario with one header rewritten; ``{}`` stands for its previous value."""

    def make() -> Headers:
        headers = signed_by_package()
        return headers | {header: pattern.format(headers[header])}

    return make


def replaced(headers: Headers, old: str, new: str) -> Headers:
    return headers | {SIGNATURE: headers[SIGNATURE].replace(old, new)}


def without(header: str) -> Scenario:
    return lambda: {name: text for name, text in signed_by_package().items() if name != header}


def accepts(headers: Headers, body: bytes = BODY.encode()) -> bool:
    keys = {0: decode_webhook_secret(SECRET)}
    return isinstance(verify_signature(headers, body, keys, datetime.now(UTC)), Authentication)


def package_accepts(headers: Headers) -> bool:
    try:
        Webhook(SECRET).verify(BODY, headers)
    except WebhookVerificationError:
        return False
    return True


AGREED: dict[str, Scenario] = {
    "a valid message": signed_by_package,
    "no id": without(ID),
    "no timestamp": without(TIMESTAMP),
    "no signature": without(SIGNATURE),
    "no headers at all": dict,
    "an empty id": edited(ID, ""),
    "an empty signature": edited(SIGNATURE, ""),
    "another id": edited(ID, "msg_other"),
    "another signature": edited(SIGNATURE, "v1,dGhpcyBpcyBubyBzaWduYXR1cmU="),
    "another version": lambda: replaced(signed_by_package(), "v1,", "v2,"),
    "a timestamp that is no number": edited(TIMESTAMP, "hello"),
    "over five minutes old": lambda: signed_by_package(age=310),
    "almost five minutes old": lambda: signed_by_package(age=290),
    "over five minutes ahead": lambda: signed_by_package(age=-310),
    "almost five minutes ahead": lambda: signed_by_package(age=-290),
    "several signatures, one good": edited(SIGNATURE, "v1,AAAA v2,AAAA {}"),
    "several signatures, none good": edited(SIGNATURE, "v1,AAAA v1,BBBB"),
    "an asymmetric signature beside": edited(SIGNATURE, "v1a,AAAA {}"),
}
# Each has a valid signature among other entries.
RAISING: dict[str, Scenario] = {
    "an entry with no comma": edited(SIGNATURE, "garbage {}"),
    "an entry with two commas": edited(SIGNATURE, "v1,AAAA,BBBB {}"),
    "a doubled space": edited(SIGNATURE, "v1,AAAA  {}"),
    "bad base64": edited(SIGNATURE, "v1,A {}"),
    "letters outside ASCII": edited(SIGNATURE, "v1,é {}"),
}
TOO_LENIENT: dict[str, Scenario] = {
    "a fraction": edited(TIMESTAMP, "{}.5"),
    "underscores": edited(TIMESTAMP, "0_{}"),
    "a sign": edited(TIMESTAMP, "+{}"),
    "an id with a dot": lambda: signed_by_package(id_="msg.1"),
    "noise within base64": lambda: replaced(signed_by_package(), "v1,", "v1,!*"),
}


@pytest.mark.parametrize("name", AGREED)
def test_both_implementations_give_the_same_verdict(name: str) -> None:
    headers = AGREED[name]()
    assert accepts(headers) == package_accepts(headers)


def test_the_scenarios_contain_both_verdicts() -> None:
    assert {package_accepts(make()) for make in AGREED.values()} == {True, False}


@pytest.mark.parametrize("name", RAISING)
def test_input_that_makes_the_package_raise_is_accepted_by_its_valid_signature(name: str) -> None:
    headers = RAISING[name]()
    with pytest.raises(ValueError, match=r"."):
        package_accepts(headers)
    assert accepts(headers)
    assert not accepts(headers | {ID: "msg_other"})


def test_a_non_utf8_body_makes_the_package_raise_and_is_verified_here() -> None:
    with pytest.raises(UnicodeDecodeError):
        Webhook(SECRET).verify(b"\xff", signed_by_package())
    assert not accepts(signed_by_package(), b"\xff")


@pytest.mark.parametrize("name", TOO_LENIENT)
def test_input_accepted_only_by_the_package_is_rejected(name: str) -> None:
    headers = TOO_LENIENT[name]()
    assert package_accepts(headers)
    assert not accepts(headers)
