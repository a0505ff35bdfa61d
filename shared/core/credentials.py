"""What a secret holds: the keys to OpenTable and the proofs that its webhooks must bring."""

import base64
import binascii
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

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


def _without_null(value: object) -> object:
    return () if value is None else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_without_null)]


class Credentials(BaseModel):
    """One secret's payload; every key is optional and every list holds the newest first.

    Attributes:
        client_id: OAuth client id for OpenTable's API.
        client_secret: Its secret.
        api_key: Sent as the bearer token as it is, instead of OAuth.
        webhook_secrets: Standard Webhooks secrets (``whsec_`` and base64).
        bearer_tokens: Tokens that this restaurant issued to OpenTable.
        basic_credentials: ``user:password`` pairs that it issued to OpenTable.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=False, hide_input_in_errors=True)

    client_id: str | None = Field(None, alias="clientId", repr=False)
    client_secret: str | None = Field(None, alias="clientSecret", repr=False)
    api_key: str | None = Field(None, alias="apiKey", repr=False)
    webhook_secrets: Texts = Field((), alias="webhookSecrets", repr=False)
    bearer_tokens: Texts = Field((), alias="bearerTokens", repr=False)
    basic_credentials: Texts = Field((), alias="basicCredentials", repr=False)

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
            return cls.model_validate_json(payload)
        except ValidationError as error:
            raise InvalidSettingsError(
                f"The secret {secret_id!r} is not a JSON object of credentials: "
                f"{_fields_at_fault(error)}. Store a new version of it."
            ) from None

    def completed_by(self, partner: "Credentials") -> "Credentials":
        """Return these credentials with what they lack taken from the partner's.

        OpenTable issues one API credential per partner, so a restaurant's own key of any kind
        replaces the partner's as a whole: a client id is never joined with another's secret.
        """
        api = self if self.has_api_credential else partner
        return Credentials.model_construct(
            client_id=api.client_id,
            client_secret=api.client_secret,
            api_key=api.api_key,
            webhook_secrets=self.webhook_secrets or partner.webhook_secrets,
            bearer_tokens=self.bearer_tokens or partner.bearer_tokens,
            basic_credentials=self.basic_credentials or partner.basic_credentials,
        )

    @property
    def has_api_credential(self) -> bool:
        """Whether these suffice to call OpenTable's API."""
        return bool(self.api_key or (self.client_id and self.client_secret))


def _fields_at_fault(error: ValidationError) -> str:
    places = {".".join(map(str, item["loc"])) or "the payload" for item in error.errors()}
    return ", ".join(sorted(places))
