"""Proof of origin by the Standard Webhooks specification: HMAC-SHA256 over the raw bytes.

Total: any headers and any bytes give accepted or rejected with a reason, never an exception.

Which proof of origin a request may bring, and whether it did.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth.credentials import Credentials, decode_webhook_secret

SIGNATURE_TOLERANCE = timedelta(seconds=300)
MAX_SIGNATURES = 32
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)


class Verification(Struct, frozen=True):
    """Whether a request proved its origin.

    Attributes:
        is_accepted: Whether it did.
        reason: Why not, as a stable code; how, where it did.
        credential_index: Which of the live keys matched, 0 the newest.
    """

    is_accepted: bool
    reason: str
    credential_index: int | None = None

    def to_map(self) -> dict[str, str | int | None]:
        """Return an accepted proof as it is stored, which tells no credential."""
        return {"scheme": self.reason, "credentialIndex": self.credential_index}


def verify_signature(
    headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: datetime
) -> Verification:
    """Verify ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``.

    Args:
        headers: Header name in lower case to value.
        body: The raw bytes of the request.
        keys: The live keys, newest first (several during a rotation).
        now: The time of receipt; the timestamp may be `SIGNATURE_TOLERANCE` from it either way.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not message_id or "." in message_id:
        return Verification(is_accepted=False, reason="bad_webhook_id")
    if not _TIMESTAMP.fullmatch(timestamp):
        return Verification(is_accepted=False, reason="bad_webhook_timestamp")
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(now - signed_at) > SIGNATURE_TOLERANCE:
        return Verification(is_accepted=False, reason="webhook_timestamp_outside_tolerance")
    content = encode_header(f"{message_id}.{timestamp}.") + body
    return _match_signature(content, _parse_signatures(headers.get("webhook-signature", "")), keys)


def encode_header(header: str) -> bytes:
    """Return a header's bytes as they were on the wire: servers decode them as Latin-1."""
    try:
        return header.encode("latin-1")
    except UnicodeEncodeError:
        return header.encode("utf-8", "surrogatepass")


def _match_signature(
    content: bytes, signatures: Sequence[bytes], keys: Sequence[bytes]
) -> Verification:
    for index, key in enumerate(keys):
        expected = hmac.digest(key, content, hashlib.sha256)
        matches = [hmac.compare_digest(expected, signature) for signature in signatures]
        if any(matches):
            return Verification(
                is_accepted=True, reason="standard-webhooks", credential_index=index
            )
    return Verification(is_accepted=False, reason="no_signature_matches")


def _parse_signatures(header: str) -> list[bytes]:
    """Return the ``v1`` signatures; anything else in the list is another version's or noise."""
    signatures = []
    for entry in header.split(" ")[:MAX_SIGNATURES]:
        version, _, encoded = entry.partition(",")
        if version != "v1":
            continue
        try:
            signatures.append(base64.b64decode(encoded, validate=True))
        except ValueError:
            continue
    return signatures


_NO_MATCHING_CREDENTIAL = Verification(is_accepted=False, reason="no_credential_matches")


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    schemes: frozenset[WebhookAuthScheme],
    credentials: Credentials,
    now: datetime,
) -> Verification:
    """Tell whether a request comes from who may speak for a restaurant.

    A request that brings any ``webhook-*`` header is judged by its signature alone: a failed
    signature is never rescued by an ``Authorization`` header.

    Args:
        headers: Header name in lower case to value.
        body: The raw bytes of the request.
        schemes: What the restaurant accepts.
        credentials: The restaurant's, completed by the partner's.
        now: The time of receipt, UTC.
    """
    if any(name.startswith("webhook-") for name in headers):
        if WebhookAuthScheme.STANDARD_WEBHOOKS not in schemes:
            return Verification(is_accepted=False, reason="scheme_not_accepted")
        return verify_signature(headers, body, _decode_keys(credentials.webhook_secrets), now)
    scheme, _, presented = headers.get("authorization", "").partition(" ")
    return _verify_authorization(scheme.lower(), presented.strip(), schemes, credentials)


def _verify_authorization(
    scheme: str, presented: str, schemes: frozenset[WebhookAuthScheme], credentials: Credentials
) -> Verification:
    if scheme not in {WebhookAuthScheme.BEARER, WebhookAuthScheme.BASIC} or not presented:
        return Verification(is_accepted=False, reason="no_credential")
    if scheme not in schemes:
        return Verification(is_accepted=False, reason="scheme_not_accepted")
    if scheme == WebhookAuthScheme.BEARER:
        return _match_credential(scheme, encode_header(presented), credentials.bearer_tokens)
    try:
        pair = base64.b64decode(presented, validate=True)
    except ValueError:
        return _NO_MATCHING_CREDENTIAL
    return _match_credential(scheme, pair, credentials.basic_credentials)


def _match_credential(scheme: str, presented: bytes, issued: Sequence[str]) -> Verification:
    """Compare with every live credential, each in constant time."""
    matches = [hmac.compare_digest(presented, credential.encode()) for credential in issued]
    if not any(matches):
        return _NO_MATCHING_CREDENTIAL
    return Verification(is_accepted=True, reason=scheme, credential_index=matches.index(True))


def _decode_keys(secrets: Sequence[str]) -> list[bytes]:
    """Return the secrets' keys; one that cannot be decoded opens nothing."""
    keys = []
    for secret in secrets:
        try:
            keys.append(decode_webhook_secret(secret))
        except ValueError:
            continue
    return keys
