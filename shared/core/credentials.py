"""What a secret holds: the keys to OpenTable and the proofs that its webhooks must bring."""

import base64
import binascii
from typing import Any, Self

from msgspec import json

from shared.core.structs import InvalidFieldsError, RedactedStruct, read_struct
from shared.errors import InvalidSettingsError

_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the published prefix, not a secret


def decode_webhook_secret(secret: str) -> bytes:
    """Return the key bytes of a Standard Webhooks secret.

    The specification asks for base64 and says nothing of its padding, which copying by a double
    click leaves behind; like its reference package, this takes a secret without it.

    Args:
        secret: Base64 text, with or without the specification's ``whsec_`` prefix.

    Raises:
        ValueError: When the text is not base64 or decodes to nothing.
    """
    text = secret.removeprefix(_WEBHOOK_SECRET_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not key:
        raise ValueError("empty")
    return key


class Credentials(RedactedStruct, frozen=True, rename="camel"):
    """One secret's payload; every key is optional and every list holds the newest first.

    Attributes:
        client_id: OAuth client id for OpenTable's API.
        client_secret: Its secret.
        api_key: Sent as the bearer token as it is, instead of OAuth.
        webhook_secrets: Standard Webhooks secrets (``whsec_`` and base64).
        bearer_tokens: Tokens that this restaurant issued to OpenTable.
        basic_credentials: ``user:password`` pairs that it issued to OpenTable.
    """

    client_id: str | None = None
    client_secret: str | None = None
    api_key: str | None = None
    webhook_secrets: tuple[str, ...] = ()
    bearer_tokens: tuple[str, ...] = ()
    basic_credentials: tuple[str, ...] = ()

    @classmethod
    def from_payload(cls, secret_id: str, payload: bytes | str) -> Self:
        """Read a secret's JSON payload.

        Args:
            secret_id: The secret's name, for the error's text.
            payload: The JSON object as stored.

        Raises:
            InvalidSettingsError: When the payload is not such an object.
        """
        try:
            return read_struct(cls, _decode_payload(payload))
        except InvalidFieldsError as error:
            fields = ", ".join(f"{key}: {text}" for key, text in sorted(error.problems.items()))
        except (ValueError, RecursionError):
            fields = "the payload"
        raise InvalidSettingsError(
            f"The secret {secret_id!r} is not a JSON object of credentials ({fields}). "
            "Store a new version of it."
        )

    def with_partner_defaults(self, partner: "Credentials") -> "Credentials":
        """Return these credentials with what they lack taken from the partner's.

        OpenTable issues one API credential per partner, so a restaurant's own key of any kind
        replaces the partner's as a whole: a client id is never joined with another's secret.
        """
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
        """Whether these suffice to call OpenTable's API."""
        return bool(self.api_key or (self.client_id and self.client_secret))


def _decode_payload(payload: bytes | str) -> dict[str, Any]:
    """Return what a payload says; null says nothing."""
    decoded = json.decode(payload, type=dict[str, Any])
    return {key: value for key, value in decoded.items() if value is not None}
