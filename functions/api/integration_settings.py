"""Change a restaurant's settings and credentials, and preview a change of the time zone."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import Field, SecretStr, StrictBool, model_validator

from functions.api.auth import ManagerContext, RequestContext
from functions.api.requests import (
    API_PREFIX,
    RequestModel,
    StaffRoute,
    Utf8Text,
    require_valid,
)
from functions.api.responses import BODY_ERROR_RESPONSES, ApiError, ResponseModel
from shared.concurrency import Deadline
from shared.context import RestaurantContext, connect_restaurant
from shared.domain.http_messages import list_entity_tags
from shared.domain.settings import (
    HOUR_CYCLE_PATTERN,
    LOCALE_PATTERN,
    SERVICE_DAY_END_PATTERN,
    WebhookAuthScheme,
    find_time_zone,
    parse_settings,
)
from shared.domain.webhook_auth import CREDENTIAL_KEYS, decode_webhook_secret, rotate_secret_payload
from shared.errors import InvalidSettingsError, OpenTableError
from shared.ledger.queries import count_moved_reservations
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.settings import (
    RidTakenError,
    SettingsChangedError,
    TimeZoneEvidence,
    check_time_zone,
    read_country_codes,
    read_integration_document,
    update_credentials,
    update_settings,
)
from shared.staff.identity import Role

MAX_CREDENTIALS_PER_LIST = 5
# The rest of a call's time limit is for the count of the moved reservations.
_EVIDENCE_TIMEOUT_SECONDS = 8.0
_OPTIONAL_SETTINGS = frozenset(
    {"name", "country", "secret", "serviceDayEndsAt", "locale", "hourCycle"}
)
_UNSTORED_FIELDS = {"credentials", "confirm_time_zone"}

router = APIRouter(prefix=f"{API_PREFIX}/integration", route_class=StaffRoute)


def _is_plain_ascii(secret: SecretStr) -> bool:
    text = secret.get_secret_value()
    return text.isascii() and text.isprintable() and text == text.strip()


def _is_webhook_secret(secret: SecretStr) -> bool:
    try:
        return bool(decode_webhook_secret(secret.get_secret_value()))
    except ValueError:
        return False


TimeZoneName = Annotated[
    str,
    require_valid(find_time_zone, "The time zone is unknown. Use a name such as America/New_York."),
]
CountryCode = Annotated[
    str,
    require_valid(
        lambda code: code in read_country_codes(),
        "The country is unknown. Use an ISO code such as US or GB.",
    ),
]
CredentialText = Annotated[
    SecretStr,
    Field(min_length=1, max_length=4_096),
    require_valid(
        _is_plain_ascii, "A credential must be plain ASCII text without spaces around it."
    ),
]
WebhookSecret = Annotated[
    CredentialText,
    require_valid(_is_webhook_secret, "A signing secret must be whsec_ and base64 text."),
]
BasicCredential = Annotated[
    CredentialText,
    require_valid(
        lambda secret: ":" in secret.get_secret_value(),
        "A basic credential must be a user name, a colon and a password.",
    ),
]


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
            if name in CREDENTIAL_KEYS.values()
            else value.get_secret_value()
            for name, value in values_by_field.items()
        }


class SettingsRequest(RequestModel):
    """The settings to change; omitted fields stay unchanged."""

    name: Annotated[Utf8Text, Field(min_length=1, max_length=100, pattern=r"\S")] | None = Field(
        None, description="What people call the restaurant; null removes it."
    )
    enabled: StrictBool | None = None
    time_zone: TimeZoneName | None = None
    confirm_time_zone: StrictBool = Field(
        default=False,
        description="Confirms that reservations move to another day with the new time zone.",
    )
    country: CountryCode | None = Field(
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

    def to_stored_fields(self) -> dict[str, Any]:
        """Return the settings to write, under their stored names.

        Null removes a setting of `_OPTIONAL_SETTINGS`; elsewhere it changes nothing.
        """
        provided_values = self.model_dump(
            mode="json", by_alias=True, exclude=_UNSTORED_FIELDS, exclude_unset=True
        )
        return {
            name: value
            for name, value in provided_values.items()
            if value is not None or name in _OPTIONAL_SETTINGS
        }


def compute_settings_etag(document: Mapping[str, Any]) -> str:
    """Return the version of the settings; the runs write other fields of the document."""
    fields = SettingsRequest.model_fields.items()
    names = {str(field.alias) for name, field in fields if name not in _UNSTORED_FIELDS}
    names |= {"credentialsChangedAt", "updatedAt"}
    version = repr([(name, document.get(name)) for name in sorted(names)])
    return f'"{hashlib.sha256(version.encode()).hexdigest()[:32]}"'


async def change_integration(
    context: RequestContext, body: SettingsRequest, if_match: str = ""
) -> None:
    """Change the given settings and store new credentials, or raise an error."""
    app_context, restaurant_id = context.app_context, context.restaurant_id
    fields, credentials = body.to_stored_fields(), body.credentials
    # With the rid or the secret of another restaurant, a manager could read its reservations.
    reserved = sorted(fields.keys() & {"restaurantId", "secret"})
    if reserved and context.role < Role.OPERATOR:
        text = f"Only an operator can change {' and '.join(reserved)}. Leave it out, or ask one."
        raise ApiError(403, "ROLE_REQUIRED", text)
    stored = await read_integration_document(context.firestore, restaurant_id) or {}
    own_secret_id = f"opentable-{restaurant_id}"
    if credentials is not None:
        _require_own_secret(context, own_secret_id, fields.get("secret", stored.get("secret")))
    await _require_acceptable_time_zone(
        context, stored, fields, is_confirmed=body.confirm_time_zone
    )
    # The settings first: if the OpenTable number is refused, no credential may be stored. Also
    # without a setting, because this checks If-Match.
    if fields or if_match or credentials is not None:
        await _store_settings(context, fields, if_match)
    if credentials is not None:
        fields |= await _store_credentials(context, own_secret_id, credentials)
    # This instance uses the change at once, the others within seconds.
    app_context.directory.invalidate(parse_settings(restaurant_id, stored | fields))
    log_event(
        Severity.INFO,
        LogEvent.INTEGRATION_CHANGED,
        restaurantId=restaurant_id,
        by=context.user.uid,
        fields=" ".join(sorted(body.model_fields_set)),
    )


def _require_own_secret(context: RequestContext, own_secret_id: str, secret_id: object) -> None:
    """Raise a 409 error if the restaurant's secret is not its own: others may share it."""
    # A restaurant's id can make the name of its own secret equal to the partner's.
    is_partners = own_secret_id == context.app_context.environment.partner_secret
    is_other = secret_id is not None and secret_id != own_secret_id
    if is_partners or is_other:
        text = "An operator chose the secret of this restaurant. Ask one to change it."
        raise ApiError(409, "SECRET_NOT_OWNED", text)


async def _store_credentials(
    context: RequestContext, secret_id: str, credentials: CredentialsRequest
) -> dict[str, Any]:
    """Store new credentials, then refer to them in the settings; return the changed settings."""

    def rotate(stored: dict[str, Any]) -> dict[str, Any]:
        new_values = credentials.to_secret_payload()
        return rotate_secret_payload(stored, new_values, keep_previous=credentials.keep_previous)

    try:
        changed_at = await update_credentials(context.app_context, secret_id, rotate)
    except InvalidSettingsError as problem:
        raise ApiError(409, "SECRET_NOT_WRITABLE", str(problem)) from None
    # After the secret is written, so that no run reads a missing secret.
    fields = {"secret": secret_id, "credentialsChangedAt": changed_at}
    await _store_settings(context, fields)
    return fields


async def _store_settings(
    context: RequestContext, fields: dict[str, Any], if_match: str = ""
) -> None:
    expected_etags = list_entity_tags(if_match)

    def is_current(document: Mapping[str, Any]) -> bool:
        return not if_match or compute_settings_etag(document) in expected_etags

    try:
        await update_settings(
            context.firestore,
            context.restaurant_id,
            {**fields, "updatedBy": context.user.uid},
            context.app_context.clock(),
            is_current,
        )
    except SettingsChangedError as changed:
        updated_by = str(changed.document.get("updatedBy"))
        name = (await context.read_names([updated_by])).get(updated_by, "Somebody else")
        text = f"{name} changed these settings in the meantime. Reload them, and try again."
        raise ApiError(412, "SETTINGS_CHANGED", text) from None
    except RidTakenError:
        text = "Another restaurant uses this OpenTable number. Check it, or release it there."
        raise ApiError(409, "RID_TAKEN", text) from None
    except InvalidSettingsError as problem:
        text = f"The integration cannot be enabled with these settings. {problem}"
        raise ApiError(409, "SETTINGS_UNUSABLE", text) from None


async def _require_acceptable_time_zone(
    context: RequestContext,
    stored: dict[str, Any],
    fields: dict[str, Any],
    *,
    is_confirmed: bool,
) -> None:
    """Raise a 409 error if a new time zone is wrong, or moves reservations unconfirmed."""
    new_zone = fields.get("timeZone")
    if new_zone is None or new_zone == stored.get("timeZone"):
        return
    settings = parse_settings(context.restaurant_id, stored | fields)
    restaurant = RestaurantContext(context.app_context, settings)
    evidence = await _read_time_zone_evidence(restaurant)
    if evidence is not None and evidence.problem is not None:
        text = f"Nothing was changed. {evidence.problem}"
        raise ApiError(409, "TIME_ZONE_CONTRADICTED", text)
    number = await count_moved_reservations(restaurant)
    if number and not is_confirmed:
        moved = "1 reservation moves" if number == 1 else f"{number} reservations move"
        text = f"With {new_zone}, {moved} to another day. Nothing was changed. Confirm the change."
        raise ApiError(409, "TIME_ZONE_UNCONFIRMED", text)


async def _read_time_zone_evidence(restaurant: RestaurantContext) -> TimeZoneEvidence | None:
    """Compare OpenTable's rows with the zone of some settings; None if they cannot be read."""
    try:
        deadline = Deadline.after(_EVIDENCE_TIMEOUT_SECONDS)
        return await check_time_zone(await connect_restaurant(restaurant, deadline))
    except (InvalidSettingsError, OpenTableError):
        return None


class TimeZoneRequest(RequestModel):
    """A time zone to preview."""

    time_zone: TimeZoneName


class TimeZonePreviewResponse(ResponseModel):
    """What a change of the time zone would do."""

    time_zone: str
    checked_rows: int | None = Field(
        description="OpenTable's rows compared with the zone; null if it cannot be asked."
    )
    contradicting_rows: int | None = Field(
        description="Rows whose local and UTC times contradict the zone."
    )
    moved_reservations: int = Field(
        description="Reservations from yesterday on that move to another day."
    )
    problem: str | None = Field(description="Why the zone would be refused.")


@router.post(
    "/time-zone-preview",
    summary="Preview a change of the time zone",
    responses=BODY_ERROR_RESPONSES,
)
async def preview_new_time_zone(
    context: ManagerContext, body: TimeZoneRequest
) -> TimeZonePreviewResponse:
    """Return what a time zone would do, and write nothing."""
    stored = await read_integration_document(context.firestore, context.restaurant_id) or {}
    settings = parse_settings(context.restaurant_id, stored | {"timeZone": body.time_zone})
    restaurant = RestaurantContext(context.app_context, settings)
    evidence = await _read_time_zone_evidence(restaurant)
    return TimeZonePreviewResponse(
        time_zone=body.time_zone,
        checked_rows=evidence.row_count if evidence else None,
        contradicting_rows=evidence.contradicting_count if evidence else None,
        moved_reservations=await count_moved_reservations(restaurant),
        problem=evidence.problem if evidence else None,
    )
