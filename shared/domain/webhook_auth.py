"""Authenticate the sender of a webhook: Standard Webhooks signature, bearer token or basic auth.

Any headers and any body give an `AuthenticationResult`; nothing here raises.
`list_webhook_problems` names what in the settings and credentials of a restaurant keeps its
webhooks from being accepted.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from shared.domain.credentials import (
    CREDENTIAL_KEYS,
    Credentials,
    decode_webhook_secret,
    group_by_scheme,
)
from shared.domain.settings import IntegrationSettings, WebhookAuthScheme

SIGNATURE_TOLERANCE = timedelta(seconds=300)
MAX_SIGNATURES = 32
# At most 11 digits: datetime.fromtimestamp overflows beyond the year 9999.
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)


class AuthenticationResult(Struct, frozen=True):
    """Whether a webhook's sender is authenticated.

    Attributes:
        reason: A stable code: the scheme if accepted, else why not.
        credential_index: Position of the matching credential, 0 the newest.
    """

    is_accepted: bool
    reason: str
    credential_index: int | None = None

    def to_map(self) -> dict[str, str | int | None]:
        """Return the result for an accepted webhook as stored; it contains no credential."""
        return {"scheme": self.reason, "credentialIndex": self.credential_index}


NO_CREDENTIAL = AuthenticationResult(is_accepted=False, reason="no_credential")
INCOMPLETE_BODY = AuthenticationResult(is_accepted=False, reason="incomplete_body")
_NO_MATCHING_CREDENTIAL = AuthenticationResult(is_accepted=False, reason="no_credential_matches")


def authenticate_webhook(
    headers: Mapping[str, str],
    body: bytes,
    schemes: frozenset[WebhookAuthScheme],
    credentials: Credentials,
    now: datetime,
) -> AuthenticationResult:
    """Authenticate the sender of a webhook by the live credentials of a restaurant.

    Args:
        headers: Header values by lower-case name.
        credentials: The restaurant's credentials with the partner's defaults.
        now: The time of receipt, UTC.
    """
    if not any(name.startswith("webhook-") for name in headers):
        return _authenticate_by_header(headers.get("authorization", ""), schemes, credentials)
    # With any webhook-* header, only the signature decides: a valid token must not make up for an
    # invalid signature.
    if WebhookAuthScheme.STANDARD_WEBHOOKS not in schemes:
        return AuthenticationResult(is_accepted=False, reason="scheme_not_accepted")
    keys = []
    for secret in credentials.webhook_secrets:
        # A malformed secret verifies nothing, but does not invalidate the others.
        with suppress(ValueError):
            keys.append(decode_webhook_secret(secret))
    return verify_signature(headers, body, keys, now)


def detect_scheme(headers: Mapping[str, str]) -> WebhookAuthScheme | None:
    """Return the scheme of the credential in the headers; None without a usable one."""
    if any(name.startswith("webhook-") for name in headers):
        return WebhookAuthScheme.STANDARD_WEBHOOKS
    scheme, _, presented = headers.get("authorization", "").partition(" ")
    is_known = scheme.lower() in {WebhookAuthScheme.BEARER, WebhookAuthScheme.BASIC}
    return WebhookAuthScheme(scheme.lower()) if is_known and presented.strip() else None


def verify_signature(
    headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: datetime
) -> AuthenticationResult:
    """Verify a Standard Webhooks signature (HMAC-SHA256) against each key, newest first.

    Args:
        headers: Header values by lower-case name.
        keys: The live keys; several during a rotation.
        now: The time of receipt, UTC. The timestamp of the message may differ from it by up to
            `SIGNATURE_TOLERANCE` in either direction.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    # A dot separates the signed parts, so an id with a dot could be split in two ways.
    if not message_id or "." in message_id:
        return AuthenticationResult(is_accepted=False, reason="bad_webhook_id")
    if not _TIMESTAMP.fullmatch(timestamp):
        return AuthenticationResult(is_accepted=False, reason="bad_webhook_timestamp")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > SIGNATURE_TOLERANCE:
        return AuthenticationResult(is_accepted=False, reason="webhook_timestamp_outside_tolerance")
    content = encode_header(f"{message_id}.{timestamp}.") + body
    signatures = _parse_signatures(headers.get("webhook-signature", ""))
    for index, key in enumerate(keys):
        expected = hmac.digest(key, content, hashlib.sha256)
        # A list, not a generator: compare with all of them, for a constant running time.
        matches = [hmac.compare_digest(expected, signature) for signature in signatures]
        if any(matches):
            return AuthenticationResult(
                is_accepted=True, reason="standard-webhooks", credential_index=index
            )
    return AuthenticationResult(is_accepted=False, reason="no_signature_matches")


def _parse_signatures(header: str) -> list[bytes]:
    """Return the ``v1`` signatures of a space-separated list; skip other versions and noise."""
    signatures = []
    for entry in header.split(" ")[:MAX_SIGNATURES]:
        version, _, encoded = entry.partition(",")
        if version == "v1":
            with suppress(ValueError):
                signatures.append(base64.b64decode(encoded, validate=True))
    return signatures


def _authenticate_by_header(
    header: str, schemes: frozenset[WebhookAuthScheme], credentials: Credentials
) -> AuthenticationResult:
    """Authenticate by an ``Authorization`` header, against every live credential of its scheme."""
    scheme, _, presented = header.partition(" ")
    scheme, presented = scheme.lower(), presented.strip()
    if scheme not in {WebhookAuthScheme.BEARER, WebhookAuthScheme.BASIC} or not presented:
        return NO_CREDENTIAL
    if scheme not in schemes:
        return AuthenticationResult(is_accepted=False, reason="scheme_not_accepted")
    if scheme == WebhookAuthScheme.BEARER:
        credential, issued = encode_header(presented), credentials.bearer_tokens
    else:
        issued = credentials.basic_credentials
        try:
            credential = base64.b64decode(presented, validate=True)
        except ValueError:
            return _NO_MATCHING_CREDENTIAL
    # A list for the same reason as in `verify_signature`.
    matches = [hmac.compare_digest(credential, each.encode()) for each in issued]
    if not any(matches):
        return _NO_MATCHING_CREDENTIAL
    return AuthenticationResult(
        is_accepted=True, reason=scheme, credential_index=matches.index(True)
    )


def encode_header(header: str) -> bytes:
    """Return a header's bytes as sent: servers decode headers as Latin-1."""
    try:
        return header.encode("latin-1")
    except UnicodeEncodeError:
        return header.encode("utf-8", "surrogatepass")


def list_webhook_problems(
    settings: IntegrationSettings, credentials: Credentials, claiming_restaurant_id: str | None
) -> list[str]:
    """List ignored settings and what keeps OpenTable's webhooks from being accepted, as sentences.

    Args:
        credentials: The restaurant's credentials with the partner's defaults.
        claiming_restaurant_id: The ``restaurantId`` of ``openTableRids/{rid}``, if it exists.
    """
    problems = list(settings.warnings)
    issued_by_scheme = group_by_scheme(credentials)
    if not settings.webhook_auth:
        problems.append(
            "webhookAuth is empty, so every webhook is rejected and changes arrive by poll only: "
            f"list any of {', '.join(issued_by_scheme)}."
        )
    for scheme in sorted(settings.webhook_auth):
        if not issued_by_scheme[scheme]:
            key = CREDENTIAL_KEYS[scheme]
            problems.append(
                f"webhookAuth accepts {scheme}, but the secret has no {key}: enter one."
            )
    for index, secret in enumerate(credentials.webhook_secrets):
        try:
            decode_webhook_secret(secret)
        except ValueError:
            problems.append(
                f"webhookSecrets[{index}] is not a Standard Webhooks secret (whsec_ and base64) "
                "and verifies nothing: enter it again."
            )
    if claiming_restaurant_id != settings.restaurant_id:
        mismatch = (
            "does not exist" if claiming_restaurant_id is None else "names another restaurant"
        )
        problems.append(
            f"openTableRids/{settings.rid} {mismatch}, so OpenTable's webhooks are rejected: "
            f'set its restaurantId to "{settings.restaurant_id}".'
        )
    return problems
