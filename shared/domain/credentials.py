"""The credentials of one restaurant: how its secret is read, completed and rotated."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Self

from msgspec import json

from shared.domain.redacted_struct import RedactedStruct
from shared.domain.settings import WebhookAuthScheme
from shared.domain.validation import InvalidFieldsError, read_struct
from shared.errors import InvalidSettingsError

# The keys of a payload with the credentials of webhooks; each has a list.
CREDENTIAL_KEYS = {
    WebhookAuthScheme.STANDARD_WEBHOOKS: "webhookSecrets",
    WebhookAuthScheme.BEARER: "bearerTokens",
    WebhookAuthScheme.BASIC: "basicCredentials",
}
_OAUTH_KEYS = ("clientId", "clientSecret")
_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the published prefix, not a secret


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
