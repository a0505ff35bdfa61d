"""Render reservations and guests as Sync v2 rows and webhook v3 objects.

Fields per product tier follow OpenTable's pages. Times are local without a zone, or UTC in seconds.
Undocumented behavior is a switch with a default. A field without a value here is always null: it is
documented so (``sms_opt_in``), or no test needs its values.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sandbox.models import SandboxDeposit, SandboxGuest, SandboxReservation

PrimaryGuestFormat = Literal["url", "key"]
ListOrder = Literal["updated", "id", "shuffled", "unstable"]


@dataclass(slots=True)
class BehaviorSwitches:
    """Choose undocumented behavior of the Sync API; the defaults are the likeliest readings.

    Args:
        order: Rows by ``updated_at_utc``, by id, in a stable shuffle, or in a shuffle that changes
            with every write.
        updated_after_inclusive: Include a row with exactly this timestamp.
        window_inclusive: Include both ends of the scheduled window.
        above_limit: For a ``limit`` above the maximum: clamp, or reject with 400.
        next_page_url: Include scheme and host.
        single_get: The body of a single GET: the object, or a list envelope around it.
        primary_guest: Refer to a merged guest's survivor by URL, or by key without rid.
    """

    order: ListOrder = "updated"  # a real client takes the last row's timestamp as its cursor
    updated_after_inclusive: bool = False
    window_inclusive: bool = True
    above_limit: Literal["clamp", "refuse"] = "clamp"
    next_page_url: Literal["absolute", "relative"] = "absolute"
    single_get: Literal["bare", "envelope"] = "bare"
    primary_guest: PrimaryGuestFormat = "url"  # OpenTable's pages disagree


ProductTier = Literal["copper", "gold", "platinum"]


def _with_utc(*names: str) -> tuple[str, ...]:
    return tuple(text for name in names for text in (name, f"{name}_utc"))


# Sync API and webhook have these in every tier. A reservation names its guest by id only.
_CORE_FIELDS = (
    *("id", "href", "rid", "sequence_id", "guest_id", "guest", "confirmation_id", "state"),
    *("table_number", "party_size", "visit_tags", "origin", "guest_request", "venue_notes"),
    *("opentable_notes", "table_category", "server"),
    *_with_utc("created_date", "scheduled_time", "updated_at"),
    *_with_utc("seated_time", "done_time", "arrived_time"),
)

_SYNC_FIELDS = (*_CORE_FIELDS, "currency_code", "currency_denominator", "pos_data")
_REFERRAL_FIELDS = ("referrer", *_with_utc("added_to_waitlist"))
_PAYMENT_FIELDS = ("deposit", "experience_details")
_CANCELLATION_FIELDS = _with_utc("cancellation_date")

# These 36 fields are also those of two real clients. Platinum is documented only.
_GOLD_FIELDS = (*_SYNC_FIELDS, "marketing_opted_out", *_REFERRAL_FIELDS)

RESERVATION_FIELDS_BY_TIER: dict[ProductTier, tuple[str, ...]] = {
    "copper": (*_SYNC_FIELDS, *_PAYMENT_FIELDS),
    "gold": _GOLD_FIELDS,
    "platinum": (
        *(*_GOLD_FIELDS, *_PAYMENT_FIELDS, *_CANCELLATION_FIELDS),
        *("email", "sms_opt_in", "quoted_wait_time", "online_source", "discovery_type"),
        *("partner", "campaign_details", "credit_card_status", "rest_ref_campaign_name"),
        *("rest_ref_id", "rest_ref_source", "ot_boost_type"),
    ),
}

WEBHOOK_FIELDS_BY_TIER: dict[ProductTier, tuple[str, ...]] = {
    "copper": (*_CORE_FIELDS, "deposit_details", "experience_details"),
    "gold": (*_CORE_FIELDS, "deposit_details", *_REFERRAL_FIELDS),
    "platinum": (
        *(*_CORE_FIELDS, "deposit_details", *_REFERRAL_FIELDS, *_CANCELLATION_FIELDS),
        *("sms_opt_in", "quoted_wait_time"),
    ),
}

# Copper has no name, e-mail address or phone number of a guest.
_COPPER_GUEST_FIELDS = (
    *("id", "href", "rid", "sequence_id", "gpid", "tags", "birth_date", "anniversary_date"),
    *("company_name", "notes", "notes_special_relationship", "notes_food_and_drink"),
    *("notes_seating", "forgotten", "archived", *_with_utc("created_date", "updated_at")),
)

_GOLD_GUEST_FIELDS = (
    *_COPPER_GUEST_FIELDS,
    *("first_name", "last_name", "email", "email_optin", "phone", "phone_type"),
    *("phone_numbers", "address", "mail_opted_in", "marketing_opted_out", "is_hidden"),
    *("primary_guest", *_with_utc("date_first_visit", "date_last_visit")),
)

GUEST_FIELDS_BY_TIER: dict[ProductTier, tuple[str, ...]] = {
    "copper": _COPPER_GUEST_FIELDS,
    "gold": _GOLD_GUEST_FIELDS,
    "platinum": (*_GOLD_GUEST_FIELDS, *_with_utc("date_email_opt_in_opt_out"), "sms_opt_in"),
}


def format_opentable_utc(moment: datetime) -> str:
    """Return ``YYYY-MM-DDThh:mm:ssZ`` of an aware moment."""
    return moment.astimezone(UTC).isoformat()[:19] + "Z"


def format_opentable_local(moment: datetime, zone: ZoneInfo) -> str:
    """Return ``YYYY-MM-DDThh:mm:ss`` of an aware moment as the wall clock of ``zone`` shows it."""
    return moment.astimezone(zone).isoformat()[:19]


def build_time_fields(name: str, moment: datetime | None, zone: ZoneInfo) -> dict[str, object]:
    """Return the fields ``name`` and ``name_utc``, both null without a time."""
    # The row never names the zone. Each moment has its own offset: a row that was booked in winter
    # for a visit in summer has two.
    if moment is None:
        return {name: None, f"{name}_utc": None}
    return {name: format_opentable_local(moment, zone), f"{name}_utc": format_opentable_utc(moment)}


JsonRow = dict[str, object]


@dataclass(frozen=True, slots=True)
class RenderContext:
    """The requesting tier, the restaurant's zone and the API's own address."""

    tier: ProductTier
    zone: ZoneInfo
    base_url: str


def build_reservation_row(
    reservation: SandboxReservation, guest: SandboxGuest | None, context: RenderContext
) -> JsonRow:
    """Return a Sync v2 reservation with the fields of the tier; some fields come from its guest."""
    values = _common_values(reservation, context) | _sync_only_values(reservation, guest)
    return {name: values.get(name) for name in RESERVATION_FIELDS_BY_TIER[context.tier]}


def build_webhook_row(
    reservation: SandboxReservation,
    context: RenderContext,
    *,
    zoneless: bool = False,
    unprefixed: bool = False,
) -> JsonRow:
    """Return the v3 webhook object with the fields of the tier.

    Args:
        zoneless: Write ``scheduled_time_utc`` without its Z, as the documented sample does.
        unprefixed: Write ids without ``{rid}-``, as the documented sample does.
    """
    values = _common_values(reservation, context)
    values["deposit_details"] = _webhook_deposit(reservation.deposit)
    if zoneless:
        values["scheduled_time_utc"] = str(values["scheduled_time_utc"]).removesuffix("Z")
    if unprefixed:
        values |= {"id": reservation.key, "guest_id": reservation.guest_key}
    return {name: values.get(name) for name in WEBHOOK_FIELDS_BY_TIER[context.tier]}


def _common_values(row: SandboxReservation, context: RenderContext) -> JsonRow:
    url = f"{context.base_url}/sync/v2"
    guest_id = row.guest_key and f"{row.rid}-{row.guest_key}"
    return {
        "id": f"{row.rid}-{row.key}",
        "href": f"{url}/reservations/{row.rid}-{row.key}",
        "rid": row.rid,
        "sequence_id": row.sequence_id,
        "guest_id": guest_id,
        "guest": guest_id and f"{url}/guests/{guest_id}",
        "confirmation_id": row.confirmation_id,
        "state": row.state,
        "table_number": list(row.tables),
        "party_size": row.party_size,
        "visit_tags": list(row.visit_tags),
        "origin": row.origin,
        "guest_request": row.guest_request,
        "venue_notes": row.venue_notes,
        "opentable_notes": "",  # text of an offer; empty, not null, as documented
        "server": row.server,
        "quoted_wait_time": row.quoted_wait,
        **build_time_fields("created_date", row.created, context.zone),
        **build_time_fields("scheduled_time", row.scheduled, context.zone),
        **build_time_fields("updated_at", row.updated, context.zone),
        **build_time_fields("seated_time", row.seated, context.zone),
        **build_time_fields("done_time", row.done, context.zone),
        **build_time_fields("arrived_time", row.arrived, context.zone),
        **build_time_fields("added_to_waitlist", row.waitlisted, context.zone),
        **build_time_fields("cancellation_date", row.cancelled, context.zone),
    }


def _sync_only_values(row: SandboxReservation, guest: SandboxGuest | None) -> JsonRow:
    check_fields = ("check_ids", "pos_sub_total", "pos_tax", "pos_tip", "pos_total_spend")
    deposit = row.deposit
    return {
        "marketing_opted_out": guest.marketing_opted_out if guest else False,
        "email": guest.email if guest else "",
        "currency_denominator": 100,  # amounts are in cents
        "pos_data": dict.fromkeys(check_fields),
        "deposit": {
            "total_paid": deposit and deposit.total_paid,
            "total_refunded": deposit and deposit.total_refunded,
            "currency": deposit and deposit.currency,
            "currency_denominator": 100,
            "status": deposit and ("refunded" if deposit.total_refunded else "paid"),
        },
    }


def _webhook_deposit(deposit: SandboxDeposit | None) -> JsonRow | None:
    if deposit is None:
        return None
    # The webhook has other names and words than the Sync API's `deposit`.
    return {
        "totalPaid": deposit.total_paid,
        "totalRefunded": deposit.total_refunded,
        "currency": deposit.currency,
        "currencyDenominator": 100,
        "status": "FullRefund" if deposit.total_refunded else "Paid",
    }


def build_guest_row(
    guest: SandboxGuest, context: RenderContext, *, primary_format: PrimaryGuestFormat = "url"
) -> JsonRow:
    """Return a Sync v2 guest; a merged one keeps nothing but id, href and its survivor."""
    href = f"{context.base_url}/sync/v2/guests/{guest.rid}-"
    survivor = guest.primary and (
        href + guest.primary if primary_format == "url" else guest.primary
    )
    values: JsonRow = {
        "id": f"{guest.rid}-{guest.key}",
        "href": href + guest.key,
        "primary_guest": survivor,
    }
    # Documented: the merged record keeps nothing else.
    values |= {"archived": True} if guest.archived else _guest_values(guest, context)
    return {name: values.get(name) for name in GUEST_FIELDS_BY_TIER[context.tier]}


def _guest_values(guest: SandboxGuest, context: RenderContext) -> JsonRow:
    number = {"label": "Mobile", "number": guest.phone, "country_code": "1", "primary": True}
    return {
        "rid": guest.rid,
        "sequence_id": guest.sequence_id,
        "tags": list(guest.tags),
        "notes": guest.notes,
        "forgotten": guest.forgotten,
        "archived": guest.archived,
        **build_time_fields("created_date", guest.created, context.zone),
        **build_time_fields("updated_at", guest.updated, context.zone),
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
