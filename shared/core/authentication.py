"""Which proof of origin a request may bring, and whether it did."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.core.credentials import Credentials, decode_webhook_secret
from shared.core.settings import Scheme
from shared.core.signature import Verdict, verify_signature, wire_bytes

_NO_MATCH = Verdict(accepted=False, reason="no_credential_matches")


def authenticate(
    headers: Mapping[str, str],
    body: bytes,
    schemes: frozenset[Scheme],
    credentials: Credentials,
    now: datetime,
) -> Verdict:
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
        if Scheme.STANDARD_WEBHOOKS not in schemes:
            return Verdict(accepted=False, reason="scheme_not_accepted")
        return verify_signature(headers, body, _keys(credentials.webhook_secrets), now)
    scheme, _, presented = headers.get("authorization", "").partition(" ")
    return _authorize(scheme.lower(), presented.strip(), schemes, credentials)


def _authorize(
    scheme: str, presented: str, schemes: frozenset[Scheme], credentials: Credentials
) -> Verdict:
    if scheme not in {Scheme.BEARER, Scheme.BASIC} or not presented:
        return Verdict(accepted=False, reason="no_credential")
    if scheme not in schemes:
        return Verdict(accepted=False, reason="scheme_not_accepted")
    if scheme == Scheme.BEARER:
        return _match(scheme, wire_bytes(presented), credentials.bearer_tokens)
    try:
        pair = base64.b64decode(presented, validate=True)
    except ValueError:
        return _NO_MATCH
    return _match(scheme, pair, credentials.basic_credentials)


def _match(scheme: str, presented: bytes, issued: Sequence[str]) -> Verdict:
    """Compare with every live credential, each in constant time."""
    matches = [hmac.compare_digest(presented, credential.encode()) for credential in issued]
    if not any(matches):
        return _NO_MATCH
    return Verdict(accepted=True, reason=scheme, position=matches.index(True))


def _keys(secrets: Sequence[str]) -> list[bytes]:
    """Return the secrets' keys; one that cannot be decoded opens nothing."""
    keys = []
    for secret in secrets:
        try:
            keys.append(decode_webhook_secret(secret))
        except ValueError:
            continue
    return keys
