"""Which proof of origin a request may bring, and whether it did."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.core.credentials import Credentials, decode_webhook_secret
from shared.core.settings import WebhookAuthScheme
from shared.core.signature import Verification, encode_header, verify_signature

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
