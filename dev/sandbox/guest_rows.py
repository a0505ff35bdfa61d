"""Guests as OpenTable writes them: Sync v2 rows."""

from dev.sandbox.choices import PrimaryGuestFormat
from dev.sandbox.records import SandboxGuest
from dev.sandbox.rows import JsonRow, RenderContext
from dev.sandbox.tiers import GUEST_FIELDS_BY_TIER
from dev.sandbox.times import build_time_fields


def build_guest_row(
    guest: SandboxGuest, context: RenderContext, *, primary_format: PrimaryGuestFormat = "url"
) -> JsonRow:
    """Return a Sync v2 guest; a merged one keeps nothing but id, href and its survivor."""
    href = f"{context.base_url}/sync/v2/guests/{guest.rid}-"
    survivor = guest.primary and (
        href + guest.primary if primary_format == "url" else guest.primary
    )
    identity = {
        "id": f"{guest.rid}-{guest.key}",
        "href": href + guest.key,
        "primary_guest": survivor,
    }
    fields = GUEST_FIELDS_BY_TIER[context.tier]
    if guest.archived:
        archived_row: JsonRow = dict.fromkeys(fields) | identity | {"archived": True}
        return {name: archived_row[name] for name in fields}
    complete_row = identity | _guest_details(guest, context) | _guest_contact(guest)
    return {name: complete_row[name] for name in fields}


def _guest_details(guest: SandboxGuest, context: RenderContext) -> JsonRow:
    null_fields = (
        "gpid",
        "birth_date",
        "anniversary_date",
        "company_name",
        "address",
        "sms_opt_in",
    )
    notes = ("notes_special_relationship", "notes_food_and_drink", "notes_seating")
    return dict.fromkeys((*null_fields, *notes)) | {
        "rid": guest.rid,
        "sequence_id": guest.sequence_id,
        "tags": list(guest.tags),
        "notes": guest.notes,
        "forgotten": guest.forgotten,
        "archived": guest.archived,
        **build_time_fields("created_date", guest.created, context.zone),
        **build_time_fields("updated_at", guest.updated, context.zone),
        **build_time_fields("date_first_visit", None, context.zone),
        **build_time_fields("date_last_visit", None, context.zone),
        **build_time_fields("date_email_opt_in_opt_out", None, context.zone),
    }


def _guest_contact(guest: SandboxGuest) -> JsonRow:
    number = {"label": "Mobile", "number": guest.phone, "country_code": "1", "primary": True}
    return {
        "first_name": guest.first_name,
        "last_name": guest.last_name,
        "email": guest.email,
        "email_optin": guest.email_optin,
        "phone": guest.phone,
        "phone_type": "Mobile" if guest.phone else "",
        "phone_numbers": [number] if guest.phone else [],
        "mail_opted_in": False,
        "marketing_opted_out": guest.marketing_opted_out,
        "is_hidden": guest.is_hidden,
    }
