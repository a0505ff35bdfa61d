"""The call that changes an integration's settings, and takes new credentials."""

from typing import Any

from functions.staff.integration import Integration, show
from functions.staff.models import Nothing
from functions.staff.new_settings import SettingsAsked
from functions.staff.replies import RefusalError, Reply
from functions.staff.routing import Route, Visit
from shared.core.rotation import rotated
from shared.core.settings import settings_from
from shared.edge.staff.integration import RidTakenError, change_settings, read_integration
from shared.edge.staff.membership import Role
from shared.edge.telemetry import Event, Severity, log
from shared.errors import InvalidSettingsError


async def change(visit: Visit[Nothing, SettingsAsked]) -> Reply:
    """Change the settings that are named, store new credentials, and answer as `show`."""
    fields = visit.body.fields()
    _refuse_operators_fields(visit, fields)
    before = await read_integration(visit.services.firestore, visit.restaurant_id) or {}
    if visit.body.credentials is not None:
        own = f"opentable-{visit.restaurant_id}"
        _refuse_anothers_secret(visit, fields.get("secret", before.get("secret")), own)
        await _store_credentials(visit, own)
        fields |= {"secret": own, "credentialsEnteredAt": visit.services.clock()}
    if fields:
        await _store_settings(visit, fields)
    visit.services.directory.forget(settings_from(visit.restaurant_id, before | fields))
    log(
        Severity.INFO,
        Event.INTEGRATION_CHANGED,
        restaurantId=visit.restaurant_id,
        by=visit.person.uid,
        fields=" ".join(sorted(visit.body.model_fields_set)),
    )
    return await show(visit)


def _refuse_operators_fields(visit: Visit[Any, Any], fields: dict[str, Any]) -> None:
    reserved = sorted(fields.keys() & {"restaurantId", "secret"})
    if reserved and visit.role < Role.OPERATOR:
        text = f"Only an operator may change {' and '.join(reserved)}; leave it out, or ask one."
        raise RefusalError(403, "ROLE_REQUIRED", text)


def _refuse_anothers_secret(visit: Visit[Any, Any], secret: object, own: str) -> None:
    """Keep credentials out of a secret that other restaurants may share.

    A restaurant's id may even make its own secret's name the partner's.
    """
    is_partners = own == visit.services.environment.partner_secret
    if is_partners or (secret is not None and secret != own):
        raise RefusalError(
            409,
            "SECRET_OF_ANOTHER",
            "An operator chose the secret that serves this restaurant; ask one to change it.",
        )


async def _store_credentials(visit: Visit[Any, SettingsAsked], own: str) -> None:
    asked = visit.body.credentials
    if asked is None:
        return
    entered, keep = asked.entered(), asked.keep_previous
    try:
        store = visit.staffroom.secret_store()
        await store.revise(own, lambda held: rotated(held, entered, keep_previous=keep))
    except InvalidSettingsError as problem:
        raise RefusalError(409, "SECRET_UNWRITABLE", str(problem)) from None


async def _store_settings(visit: Visit[Any, SettingsAsked], fields: dict[str, Any]) -> None:
    try:
        now = visit.services.clock()
        await change_settings(visit.services.firestore, visit.restaurant_id, fields, now)
    except RidTakenError:
        text = "Another restaurant holds this OpenTable number; check it, or free it there."
        raise RefusalError(409, "RID_TAKEN", text) from None
    except InvalidSettingsError as problem:
        text = f"The integration cannot be switched on like this. {problem}"
        raise RefusalError(409, "SETTINGS_UNUSABLE", text) from None


ROUTES = (
    Route(
        "PUT",
        "integration",
        Role.MANAGER,
        "Change some settings, or enter new credentials",
        change,
        Integration,
        Nothing,
        SettingsAsked,
    ),
)
