"""What this project asks of structs: to keep a secret, and to tell everything wrong at once.

What a secret holds: the keys to OpenTable and the proofs that its webhooks must bring.

Entering new credentials into a secret's payload without a moment in which none is valid.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self, TypeVar

from msgspec import Struct, convert, json
from msgspec.structs import fields

from shared.errors import InvalidSettingsError

StructT = TypeVar("StructT", bound=Struct)
FieldReaders = Mapping[str, Callable[[Any], object]]
_NO_READERS: FieldReaders = MappingProxyType({})


class RedactedStruct(Struct, frozen=True):
    """A struct that shows nothing of what it holds: a secret, or a person."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show nothing to a debugger that draws its own picture either."""
        return []


class InvalidFieldsError(ValueError):
    """Something cannot be read.

    Args:
        problems: Each field's name as it was written, or empty for all of them together, and what
            is wrong with it, in words that never quote a value.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(sorted(problems.values())))
        self.problems = problems


def read_struct(
    struct_type: type[StructT],
    raw_values: Mapping[str, object],
    readers: FieldReaders = _NO_READERS,
) -> StructT:
    """Read a struct of which every field has a default.

    Field by field, because msgspec's own conversion ends at the first problem.

    Args:
        struct_type: The struct; what its ``__post_init__`` refuses concerns all fields together.
        raw_values: Field name, as it is written, to value. What is no field of it is ignored.
        readers: Field name to what makes of a written value the one that the field holds.

    Raises:
        InvalidFieldsError: With everything that is wrong.
    """
    values, problems = {}, {}
    for field in fields(struct_type):
        name = field.encode_name
        if name in raw_values:
            try:
                raw_value = readers.get(name, _reject_lone_surrogates)(raw_values[name])
                values[field.name] = convert(raw_value, field.type)
            except ValueError as error:
                problems[name] = str(error)
    if problems:
        raise InvalidFieldsError(problems)
    try:
        return struct_type(**values)
    except ValueError as error:
        raise InvalidFieldsError({"": str(error)}) from None


def _reject_lone_surrogates(value: object) -> object:
    """Refuse text that no store takes: JSON can escape half a character, which Python keeps."""
    if isinstance(value, str):
        value.encode()
    return value


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


CREDENTIAL_LISTS = ("webhookSecrets", "bearerTokens", "basicCredentials")
_OAUTH_KEYS = ("clientId", "clientSecret")


def rotate_secret_payload(
    stored: Mapping[str, Any], new_values: Mapping[str, Any], *, keep_previous: bool
) -> dict[str, Any]:
    """Return a payload with new credentials entered; what is not entered stays.

    Of the lists, newest first, the new ones come before the newest one held, so that a sender
    may move over in its own time; entering none keeps that one alone, which ends a rotation.
    An API key and an OAuth client replace each other: only one of them is ever sent.

    Args:
        stored: The payload as stored.
        new_values: Key to new value, under the payload's own keys.
        keep_previous: Whether the newest of those held stays valid; False revokes them all.
    """
    replaced_keys = (
        _OAUTH_KEYS
        if "apiKey" in new_values
        else ("apiKey",)
        if _has_oauth_keys(new_values)
        else ()
    )
    payload = {name: value for name, value in stored.items() if name not in replaced_keys}
    for name, value in new_values.items():
        previous = (
            _as_list(stored.get(name))[:1] if keep_previous and name in CREDENTIAL_LISTS else []
        )
        payload[name] = [*value, *previous] if name in CREDENTIAL_LISTS else value
    return payload


def _has_oauth_keys(new_values: Mapping[str, Any]) -> bool:
    return any(name in new_values for name in _OAUTH_KEYS)


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
