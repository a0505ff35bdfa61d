"""The body of a settings change, and its validation."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, StrictBool, model_validator

from functions.api.requests import RequestModel, Utf8Text
from shared.domain.settings import (
    HOUR_CYCLE_PATTERN,
    LOCALE_PATTERN,
    SERVICE_DAY_END_PATTERN,
    WebhookAuthScheme,
    find_time_zone,
)
from shared.domain.webhook_auth.credentials import CREDENTIAL_LISTS, decode_webhook_secret
from shared.restaurants.countries import read_country_codes

MAX_CREDENTIALS_PER_LIST = 5
_OPTIONAL_SETTINGS = frozenset(
    {"name", "country", "secret", "serviceDayEndsAt", "locale", "hourCycle"}
)


def require_iana_zone(name: str) -> str:
    """Return the name of a time zone; a validator of request models."""
    if find_time_zone(name) is None:
        raise ValueError("The time zone is unknown. Use a name such as America/New_York.")
    return name


def _require_country(code: str) -> str:
    if code not in read_country_codes():
        raise ValueError("The country is unknown. Use an ISO code such as US or GB.")
    return code


def _require_plain_ascii(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise ValueError("A credential must be plain ASCII text without spaces around it.")
    return secret


def _require_webhook_secret(secret: SecretStr) -> SecretStr:
    try:
        decode_webhook_secret(secret.get_secret_value())
    except ValueError:
        raise ValueError("A signing secret must be whsec_ and base64 text.") from None
    return secret


def _require_user_and_password(secret: SecretStr) -> SecretStr:
    if ":" not in secret.get_secret_value():
        raise ValueError("A basic credential must be a user name, a colon and a password.")
    return secret


CredentialText = Annotated[
    SecretStr, Field(min_length=1, max_length=4_096), AfterValidator(_require_plain_ascii)
]
WebhookSecret = Annotated[CredentialText, AfterValidator(_require_webhook_secret)]
BasicCredential = Annotated[CredentialText, AfterValidator(_require_user_and_password)]


class CredentialsRequest(RequestModel):
    """New credentials; omitted fields stay unchanged. Lists start with the newest."""

    client_id: CredentialText | None = None
    client_secret: CredentialText | None = None
    api_key: CredentialText | None = Field(None, description="Instead of an OAuth client.")
    webhook_secrets: list[WebhookSecret] | None = Field(None, max_length=MAX_CREDENTIALS_PER_LIST)
    bearer_tokens: list[CredentialText] | None = Field(None, max_length=MAX_CREDENTIALS_PER_LIST)
    basic_credentials: list[BasicCredential] | None = Field(
        None, max_length=MAX_CREDENTIALS_PER_LIST
    )
    keep_previous: StrictBool = Field(
        default=True,
        description="Whether the newest stored credential of each given list stays valid.",
    )

    @model_validator(mode="after")
    def _check_api_credential(self) -> Self:
        if self.api_key and (self.client_id or self.client_secret):
            raise ValueError("Enter either an API key, or a client id and a client secret.")
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("Enter the client id and the client secret together.")
        return self

    def to_secret_payload(self) -> dict[str, Any]:
        """Return the new credentials under the keys of the secret's payload."""
        values_by_field = self.model_dump(
            by_alias=True, exclude={"keep_previous"}, exclude_none=True
        )
        return {
            name: [item.get_secret_value() for item in value]
            if name in CREDENTIAL_LISTS
            else value.get_secret_value()
            for name, value in values_by_field.items()
        }


class SettingsRequest(RequestModel):
    """The settings to change; omitted fields stay unchanged."""

    name: Annotated[Utf8Text, Field(min_length=1, max_length=100, pattern=r"\S")] | None = Field(
        None, description="What people call the restaurant; null removes it."
    )
    enabled: StrictBool | None = None
    time_zone: Annotated[str, AfterValidator(require_iana_zone)] | None = None
    confirm_time_zone: StrictBool = Field(
        default=False,
        description="Confirms that reservations move to another day with the new time zone.",
    )
    country: Annotated[str, AfterValidator(_require_country)] | None = Field(
        None, description="ISO country for phone numbers without a country code; null removes it."
    )
    service_day_ends_at: (
        Annotated[str, Field(pattern=f"^(?:{SERVICE_DAY_END_PATTERN})$")] | None
    ) = Field(
        None,
        description="Local time at which a day of reservations ends, HH:MM before noon. "
        "Null restores 04:00.",
    )
    locale: Annotated[str, Field(pattern=f"^(?:{LOCALE_PATTERN})$")] | None = Field(
        None,
        description="Language tag for dates and times, such as en-GB. Null restores the country's.",
    )
    hour_cycle: Annotated[str, Field(pattern=f"^(?:{HOUR_CYCLE_PATTERN})$")] | None = Field(
        None, description="`h12` or `h23`; null restores the locale's."
    )
    webhook_auth: list[WebhookAuthScheme] | None = None
    restaurant_id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None = Field(
        None, description="OpenTable's restaurant number, the rid. Operators only."
    )
    secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")] | None = Field(
        None, description="The name of the restaurant's own secret. Operators only."
    )
    credentials: CredentialsRequest | None = None

    @classmethod
    def stored_names(cls) -> set[str]:
        """Return the stored names of all settings."""
        aliases = {str(field.alias) for field in cls.model_fields.values()}
        return aliases - {"credentials", "confirmTimeZone"}

    def to_stored_fields(self) -> dict[str, Any]:
        """Return the settings to write, under their stored names.

        Null removes a setting of `_OPTIONAL_SETTINGS`; elsewhere it changes nothing.
        """
        values_by_field = self.model_dump(
            mode="json", by_alias=True, exclude={"credentials", "confirm_time_zone"}
        )
        provided_fields = {type(self).model_fields[name].alias for name in self.model_fields_set}
        return {
            name: value
            for name, value in values_by_field.items()
            if name in provided_fields and (value is not None or name in _OPTIONAL_SETTINGS)
        }
