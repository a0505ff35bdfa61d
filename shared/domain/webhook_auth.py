"""The credentials of a restaurant, and the authentication of webhooks by them.

A webhook has a Standard Webhooks signature, a bearer token or basic auth. Any headers and any body
give an `AuthenticationResult`; `authenticate_webhook` never raises. `list_webhook_problems` names
what in the settings and credentials of a restaurant keeps its webhooks from being accepted.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from msgspec import Struct, json

from shared.domain.settings import IntegrationSettings, WebhookAuthScheme
from shared.domain.validation import InvalidFieldsError, RedactedStruct, read_struct
from shared.errors import InvalidSettingsError

# The keys of a payload with the credentials of webhooks; each has a list.
CREDENTIAL_KEYS = {
    WebhookAuthScheme.STANDARD_WEBHOOKS: "webhookSecrets",
    WebhookAuthScheme.BEARER: "bearerTokens",
    WebhookAuthScheme.BASIC: "basicCredentials",
}
_OAUTH_KEYS = ("clientId", "clientSecret")
_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the published prefix, not a secret
SIGNATURE_TOLERANCE = timedelta(seconds=300)
MAX_SIGNATURES = 32
# At most 11 digits: datetime.fromtimestamp overflows beyond the year 9999.
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)


class Credentials(RedactedStruct, frozen=True, rename="camel"):
    """The payload of one secret. Every key is optional; every list has the newest first.

    Attributes:
        api_key: Sent to OpenTable as a bearer token, instead of an OAuth token.
        webhook_secrets: Standard Webhooks secrets (``whsec_`` and base64).
        bearer_tokens: Tokens issued to OpenTable by the restaurant.
        basic_credentials: ``user:password`` pairs issued to OpenTable by the restaurant.
    """

    client_id: str | None = None
    client_secret: str | None = None
    api_key: str | None = None
    webhook_secrets: tuple[str, ...] = ()
    bearer_tokens: tuple[str, ...] = ()
    basic_credentials: tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, secret_id: str, payload: bytes | str) -> Self:
        """Parse the JSON payload of a secret.

        Raises:
            InvalidSettingsError: Names the secret and the invalid fields, never a value.
        """
        try:
            decoded = json.decode(payload, type=dict[str, Any])
            # A null counts as a missing key: operators blank a credential that way.
            return read_struct(cls, {k: value for k, value in decoded.items() if value is not None})
        except InvalidFieldsError as error:
            invalid = ", ".join(f"{key}: {text}" for key, text in sorted(error.problems.items()))
        except (ValueError, RecursionError):
            invalid = "the payload"
        raise InvalidSettingsError(
            f"The secret {secret_id!r} is not a JSON object of credentials ({invalid}). "
            "Store a new version of it."
        )

    def with_partner_defaults(self, partner: "Credentials") -> "Credentials":
        """Fill in missing credentials from the partner's secret."""
        # OpenTable issues API credentials as one unit: never combine the client id of one secret
        # with the client secret of the other.
        api_source = self if self.has_api_credential else partner
        return Credentials(
            client_id=api_source.client_id,
            client_secret=api_source.client_secret,
            api_key=api_source.api_key,
            webhook_secrets=self.webhook_secrets or partner.webhook_secrets,
            bearer_tokens=self.bearer_tokens or partner.bearer_tokens,
            basic_credentials=self.basic_credentials or partner.basic_credentials,
        )

    @property
    def has_api_credential(self) -> bool:
        """Whether an API key or a complete OAuth client is present."""
        return bool(self.api_key or (self.client_id and self.client_secret))


def group_by_scheme(credentials: Credentials) -> dict[WebhookAuthScheme, tuple[str, ...]]:
    """Return the credentials of webhooks, the newest of each scheme first."""
    return {
        WebhookAuthScheme.STANDARD_WEBHOOKS: credentials.webhook_secrets,
        WebhookAuthScheme.BEARER: credentials.bearer_tokens,
        WebhookAuthScheme.BASIC: credentials.basic_credentials,
    }


def decode_webhook_secret(secret: str) -> bytes:
    """Decode a Standard Webhooks secret, with or without its ``whsec_`` prefix, to key bytes.

    Raises:
        ValueError: The text is not base64, or decodes to nothing.
    """
    text = secret.removeprefix(_WEBHOOK_SECRET_PREFIX)
    # Padding is optional, as in the reference package: a double click copies a secret without it.
    padding = "=" * (-len(text) % 4)
    try:
        key = base64.b64decode(text + padding, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not key:
        raise ValueError("empty")
    return key


def rotate_secret_payload(
    stored: Mapping[str, Any], new_values: Mapping[str, Any], *, keep_previous: bool
) -> dict[str, Any]:
    """Return the stored payload with new credentials; other keys stay as they are.

    An API key replaces an OAuth client and vice versa: requests use only one of them.

    Args:
        new_values: New values by payload key; an empty list of credentials ends a rotation.
        keep_previous: Keep the newest stored credential of each list valid after the new ones, so
            that a sender can switch later. False revokes all stored ones.
    """
    replaced_keys: tuple[str, ...] = ()
    if "apiKey" in new_values:
        replaced_keys = _OAUTH_KEYS
    elif any(name in new_values for name in _OAUTH_KEYS):
        replaced_keys = ("apiKey",)
    payload = {name: value for name, value in stored.items() if name not in replaced_keys}
    for name, value in new_values.items():
        if name not in CREDENTIAL_KEYS.values():
            payload[name] = value
            continue
        current = stored.get(name)
        # A repeated request neither lists its credential twice nor drops the one before it.
        older = [each for each in current if each not in value] if isinstance(current, list) else []
        payload[name] = [*value, *(older[:1] if keep_previous else [])]
    return payload


class Authentication(Struct, frozen=True):
    """How the sender of a webhook was authenticated.

    Attributes:
        credential_index: Position of the matching credential, 0 the newest.
    """

    scheme: str
    credential_index: int

    def to_map(self) -> dict[str, str | int]:
        """Return it as stored; it contains no credential."""
        return {"scheme": self.scheme, "credentialIndex": self.credential_index}


class AuthenticationFailure(Struct, frozen=True):
    """Why the sender of a webhook is not authenticated.

    Attributes:
        reason: A code of docs/codes.md#authentication-failures.
    """

    reason: str


AuthenticationResult = Authentication | AuthenticationFailure
NO_CREDENTIAL = AuthenticationFailure("no_credential")
INCOMPLETE_BODY = AuthenticationFailure("incomplete_body")
_NO_MATCHING_CREDENTIAL = AuthenticationFailure("no_credential_matches")


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
    scheme = detect_scheme(headers)
    if scheme is None:
        return NO_CREDENTIAL
    if scheme not in schemes:
        return AuthenticationFailure("scheme_not_accepted")
    if scheme is not WebhookAuthScheme.STANDARD_WEBHOOKS:
        return _authenticate_by_header(headers["authorization"], scheme, credentials)
    keys_by_position = {}
    for position, secret in enumerate(credentials.webhook_secrets):
        # A malformed secret verifies nothing, but does not invalidate the others.
        with suppress(ValueError):
            keys_by_position[position] = decode_webhook_secret(secret)
    return verify_signature(headers, body, keys_by_position, now)


def detect_scheme(headers: Mapping[str, str]) -> WebhookAuthScheme | None:
    """Return the scheme of the credential in the headers; None without a usable one."""
    # With any webhook-* header, only the signature decides: a valid token must not make up for an
    # invalid signature.
    if any(name.startswith("webhook-") for name in headers):
        return WebhookAuthScheme.STANDARD_WEBHOOKS
    scheme, _, presented = headers.get("authorization", "").partition(" ")
    is_known = scheme.lower() in {WebhookAuthScheme.BEARER, WebhookAuthScheme.BASIC}
    return WebhookAuthScheme(scheme.lower()) if is_known and presented.strip() else None


def verify_signature(
    headers: Mapping[str, str], body: bytes, keys_by_position: Mapping[int, bytes], now: datetime
) -> AuthenticationResult:
    """Verify a Standard Webhooks signature (HMAC-SHA256) against each key, newest first.

    Args:
        headers: Header values by lower-case name.
        keys_by_position: The live keys; several during a rotation.
        now: The time of receipt, UTC. The timestamp of the message may differ from it by up to
            `SIGNATURE_TOLERANCE` in either direction.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    # A dot separates the signed parts, so an id with a dot could be split in two ways.
    if not message_id or "." in message_id:
        return AuthenticationFailure("bad_webhook_id")
    if not _TIMESTAMP.fullmatch(timestamp):
        return AuthenticationFailure("bad_webhook_timestamp")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > SIGNATURE_TOLERANCE:
        return AuthenticationFailure("webhook_timestamp_outside_tolerance")
    content = encode_header(f"{message_id}.{timestamp}.") + body
    signatures = _parse_signatures(headers.get("webhook-signature", ""))
    for position, key in keys_by_position.items():
        expected = hmac.digest(key, content, hashlib.sha256)
        # A list, not a generator: comparing with all of them takes the same time for any match.
        matches = [hmac.compare_digest(expected, signature) for signature in signatures]
        if any(matches):
            return Authentication("standard-webhooks", position)
    return AuthenticationFailure("no_signature_matches")


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
    header: str, scheme: WebhookAuthScheme, credentials: Credentials
) -> AuthenticationResult:
    """Authenticate by an ``Authorization`` header, against every live credential of its scheme."""
    presented = header.partition(" ")[2].strip()
    if scheme is WebhookAuthScheme.BEARER:
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
    return Authentication(scheme.value, matches.index(True))


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
