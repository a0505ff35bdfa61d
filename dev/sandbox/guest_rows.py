"""Guests as OpenTable writes them: Sync v2 rows."""

from dev.sandbox.choices import PrimaryForm
from dev.sandbox.records import Guest
from dev.sandbox.rows import Row, View
from dev.sandbox.tiers import GUEST_FIELDS
from dev.sandbox.times import both


def guest_row(guest: Guest, view: View, *, primary: PrimaryForm = "url") -> Row:
    """Return a Sync v2 guest; a merged one keeps nothing but id, href and its survivor."""
    href = f"{view.base_url}/sync/v2/guests/{guest.rid}-"
    survivor = guest.primary and (href + guest.primary if primary == "url" else guest.primary)
    own = {"id": f"{guest.rid}-{guest.key}", "href": href + guest.key, "primary_guest": survivor}
    fields = GUEST_FIELDS[view.tier]
    if guest.archived:
        bare: Row = dict.fromkeys(fields) | own | {"archived": True}
        return {name: bare[name] for name in fields}
    whole = own | _guest_details(guest, view) | _guest_contact(guest)
    return {name: whole[name] for name in fields}


def _guest_details(guest: Guest, view: View) -> Row:
    none = ("gpid", "birth_date", "anniversary_date", "company_name", "address", "sms_opt_in")
    notes = ("notes_special_relationship", "notes_food_and_drink", "notes_seating")
    return dict.fromkeys((*none, *notes)) | {
        "rid": guest.rid,
        "sequence_id": guest.sequence_id,
        "tags": list(guest.tags),
        "notes": guest.notes,
        "forgotten": guest.forgotten,
        "archived": guest.archived,
        **both("created_date", guest.created, view.zone),
        **both("updated_at", guest.updated, view.zone),
        **both("date_first_visit", None, view.zone),
        **both("date_last_visit", None, view.zone),
        **both("date_email_opt_in_opt_out", None, view.zone),
    }


def _guest_contact(guest: Guest) -> Row:
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
