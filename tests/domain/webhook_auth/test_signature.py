import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from shared.domain.webhook_auth import (
    MAX_SIGNATURES,
    Authentication,
    AuthenticationFailure,
    AuthenticationResult,
    encode_header,
    verify_signature,
)

NOW = datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC)
KEY, OLD_KEY = b"the newest key", b"the one before it"
BODY = b'{"a": 1}'
ACCEPTED = Authentication("standard-webhooks", 0)
NO_MATCH = AuthenticationFailure("no_signature_matches")
OUTSIDE_TOLERANCE = AuthenticationFailure("webhook_timestamp_outside_tolerance")

any_text = st.text(st.characters())
keys = st.binary(min_size=1, max_size=64)
# Ids of characters with the same bytes in a header and in the reference package.
message_ids = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1
)
ages = st.integers(-300, 300)


def timestamp_after(seconds: int) -> str:
    """Return the header of a time so many seconds after now."""
    return str(int(NOW.timestamp()) + seconds)


def signed(
    body: bytes = BODY, key: bytes = KEY, id_: str = "msg_1", timestamp: str | None = None
) -> dict[str, str]:
    """Return the headers of a message, signed by hand."""
    timestamp = timestamp or timestamp_after(0)
    digest = hmac.digest(key, encode_header(f"{id_}.{timestamp}.") + body, hashlib.sha256)
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def signed_by_reference(key: bytes, id_: str, at: datetime, body: str) -> dict[str, str]:
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(id_, at, body),
    }


def verify(headers: dict[str, str], body: bytes = BODY, *keys: bytes) -> AuthenticationResult:
    return verify_signature(headers, body, dict(enumerate(keys or (KEY,))), NOW)


@given(keys, message_ids, ages, st.text())
def test_what_the_reference_package_signs_is_accepted(
    key: bytes, id_: str, age: int, body: str
) -> None:
    headers = signed_by_reference(key, id_, NOW - timedelta(seconds=age), body)
    assert verify(headers, body.encode(), key) == ACCEPTED


@given(st.binary(min_size=1), st.data())
def test_a_body_with_one_changed_bit_is_rejected(body: bytes, data: st.DataObject) -> None:
    index, bit = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(body)
    changed[index] ^= 1 << bit
    assert isinstance(verify(signed(body), bytes(changed)), AuthenticationFailure)


@given(st.integers(0, 31), st.integers(0, 7))
def test_a_signature_with_one_changed_bit_is_rejected(index: int, bit: int) -> None:
    headers = signed()
    changed = bytearray(base64.b64decode(headers["webhook-signature"].removeprefix("v1,")))
    changed[index] ^= 1 << bit
    headers["webhook-signature"] = "v1," + base64.b64encode(changed).decode()
    assert verify(headers) == NO_MATCH


@given(message_ids.filter(lambda id_: id_ != "msg_1"))
def test_another_id_is_rejected(id_: str) -> None:
    assert verify(signed() | {"webhook-id": id_}) == NO_MATCH


@given(ages.filter(bool))
def test_another_timestamp_is_rejected(seconds: int) -> None:
    assert verify(signed() | {"webhook-timestamp": timestamp_after(seconds)}) == NO_MATCH


@given(keys.filter(lambda key: key != KEY))
def test_another_key_is_rejected(key: bytes) -> None:
    assert verify(signed(key=key)) == NO_MATCH


def test_moving_a_byte_between_id_and_body_is_rejected() -> None:
    headers = signed(b"b", id_="a") | {"webhook-id": "a."}
    assert isinstance(verify(headers, b"b"), AuthenticationFailure)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_timestamp_five_minutes_off_is_accepted(seconds: int) -> None:
    assert verify(signed(timestamp=timestamp_after(seconds))) == ACCEPTED


@pytest.mark.parametrize("timestamp", [timestamp_after(-301), timestamp_after(301), "0", "9" * 11])
def test_a_timestamp_further_off_is_outside_the_tolerance(timestamp: str) -> None:
    assert verify(signed(timestamp=timestamp)) == OUTSIDE_TOLERANCE


@pytest.mark.parametrize(
    "timestamp",
    [
        *("1773059444.0", "1_773_059_444", "1.773059444e9", "+1773059444", " 1773059444", "nan"),
        *("-1", "", "1773059444\n", "١٧٧٣٠٥٩٤٤٤", "0x69aebe74", "9" * 12, "9" * 5000, "inf"),
    ],
)
def test_a_timestamp_that_is_not_digits_is_rejected(timestamp: str) -> None:
    headers = signed() | {"webhook-timestamp": timestamp}
    assert verify(headers) == AuthenticationFailure("bad_webhook_timestamp")


@pytest.mark.parametrize("id_", ["", "msg.1", "."])
def test_an_id_that_is_empty_or_has_a_dot_is_rejected(id_: str) -> None:
    assert verify(signed(id_=id_)) == AuthenticationFailure("bad_webhook_id")


@pytest.mark.parametrize(
    "header, reason",
    [
        ("webhook-id", "bad_webhook_id"),
        ("webhook-timestamp", "bad_webhook_timestamp"),
        ("webhook-signature", "no_signature_matches"),
    ],
)
def test_a_missing_header_is_rejected(header: str, reason: str) -> None:
    headers = {name: value for name, value in signed().items() if name != header}
    assert verify(headers) == AuthenticationFailure(reason)


@pytest.mark.parametrize(
    "noise",
    [
        *("garbage", "", "v1", "v1,", "v1,***", "v1,AAA", "v1,é", "v1a,AAAA", "v2,AAAA", ","),
        *("v1,AAAA,BBBB", "v1,\ud800", "v1,AAAA"),
    ],
)
def test_a_valid_signature_is_accepted_among_other_entries(noise: str) -> None:
    headers = signed()
    good = headers["webhook-signature"]
    for entries in (f"{noise} {good}", f"{good} {noise}", f"{noise}  {good}"):
        assert verify(headers | {"webhook-signature": entries}) == ACCEPTED


def test_a_body_that_is_not_utf8_is_accepted_by_its_bytes() -> None:
    assert verify(signed(b"\xff\xfe"), b"\xff\xfe") == ACCEPTED


@pytest.mark.parametrize("id_", ["é", "日本"])
def test_an_id_outside_ascii_is_signed_by_its_bytes(id_: str) -> None:
    assert verify(signed(id_=id_)) == ACCEPTED


@pytest.mark.parametrize("version", ["v2", "V1", "v1a", ""])
def test_only_the_first_version_counts(version: str) -> None:
    headers = signed()
    entry = headers["webhook-signature"].replace("v1", version)
    assert verify(headers | {"webhook-signature": entry}) == NO_MATCH


def test_an_older_key_is_accepted_and_its_position_returned() -> None:
    assert verify(signed(key=OLD_KEY), BODY, KEY, OLD_KEY) == Authentication("standard-webhooks", 1)


def test_a_message_signed_with_both_keys_counts_as_the_newest() -> None:
    entries = [signed(key=key)["webhook-signature"] for key in (OLD_KEY, KEY)]
    headers = signed() | {"webhook-signature": " ".join(entries)}
    assert verify(headers, BODY, KEY, OLD_KEY) == ACCEPTED


def test_an_authentication_is_stored_as_scheme_and_key_position() -> None:
    assert ACCEPTED.to_map() == {"scheme": "standard-webhooks", "credentialIndex": 0}


def test_without_a_key_every_signature_is_rejected() -> None:
    assert verify_signature(signed(), BODY, {}, NOW) == NO_MATCH


def test_entries_past_the_bound_are_not_tried() -> None:
    headers = signed()
    entries = "v1,AAAA " * MAX_SIGNATURES + headers["webhook-signature"]
    assert verify(headers | {"webhook-signature": entries}) == NO_MATCH


@given(st.tuples(any_text, any_text, any_text), st.binary(), st.lists(st.binary(), max_size=3))
def test_any_signature_headers_and_bytes_are_rejected_with_a_reason(
    texts: tuple[str, str, str], body: bytes, keys: list[bytes]
) -> None:
    headers = dict(zip(signed(), texts, strict=True))
    authentication = verify_signature(headers, body, dict(enumerate(keys)), NOW)
    assert isinstance(authentication, AuthenticationFailure)
    assert authentication.reason


@given(any_text, st.lists(any_text, max_size=4), st.binary())
def test_any_list_of_signatures_under_good_headers_is_rejected(
    id_: str, entries: list[str], body: bytes
) -> None:
    headers = signed() | {"webhook-id": id_, "webhook-signature": " v1,".join(["", *entries])}
    assert isinstance(verify(headers, body), AuthenticationFailure)
