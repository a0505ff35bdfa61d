"""Reservations as OpenTable writes them: Sync v2 rows and the webhook v3 object."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dev.sandbox.records import SandboxDeposit, SandboxGuest, SandboxReservation
from dev.sandbox.tiers import RESERVATION_FIELDS_BY_TIER, WEBHOOK_FIELDS_BY_TIER, ProductTier
from dev.sandbox.times import build_time_fields

JsonRow = dict[str, object]


@dataclass(frozen=True, slots=True)
class RenderContext:
    """Who looks and from where: the tier, the restaurant's zone and the API's own address."""

    tier: ProductTier
    zone: ZoneInfo
    base_url: str


def build_reservation_row(
    reservation: SandboxReservation, guest: SandboxGuest | None, context: RenderContext
) -> JsonRow:
    """Return a Sync v2 reservation with the fields of the view's tier.

    Args:
        reservation: What the book holds.
        guest: Its guest, for the few fields that a reservation takes from there.
        context: Tier, zone and address.
    """
    complete_row = _common_fields(reservation, context) | _sync_only_fields(reservation, guest)
    return {name: complete_row[name] for name in RESERVATION_FIELDS_BY_TIER[context.tier]}


def build_webhook_row(
    reservation: SandboxReservation,
    context: RenderContext,
    *,
    zoneless: bool = False,
    unprefixed: bool = False,
) -> JsonRow:
    """Return the bare v3 webhook object with the fields of the view's tier.

    Args:
        reservation: What the book holds.
        context: Tier, zone and address.
        zoneless: Write ``scheduled_time_utc`` without its Z, as the documented sample does.
        unprefixed: Write ids without ``{rid}-``, as the documented sample does.
    """
    complete_row = _common_fields(reservation, context) | {
        "deposit_details": _webhook_deposit(reservation.deposit),
        "experience_details": None,
    }
    if zoneless:
        complete_row["scheduled_time_utc"] = str(complete_row["scheduled_time_utc"]).removesuffix(
            "Z"
        )
    if unprefixed:
        complete_row |= {"id": reservation.key, "guest_id": reservation.guest_key}
    return {name: complete_row[name] for name in WEBHOOK_FIELDS_BY_TIER[context.tier]}


def _common_fields(row: SandboxReservation, context: RenderContext) -> JsonRow:
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
        "opentable_notes": "",
        "table_category": None,
        "server": row.server,
        "referrer": None,
        "quoted_wait_time": row.quoted_wait,
        "sms_opt_in": None,
        **_time_fields(row, context.zone),
    }


def _time_fields(row: SandboxReservation, zone: ZoneInfo) -> JsonRow:
    return {
        **build_time_fields("created_date", row.created, zone),
        **build_time_fields("scheduled_time", row.scheduled, zone),
        **build_time_fields("updated_at", row.updated, zone),
        **build_time_fields("seated_time", row.seated, zone),
        **build_time_fields("done_time", row.done, zone),
        **build_time_fields("arrived_time", row.arrived, zone),
        **build_time_fields("added_to_waitlist", row.waitlisted, zone),
        **build_time_fields("cancellation_date", row.cancelled, zone),
    }


def _sync_only_fields(row: SandboxReservation, guest: SandboxGuest | None) -> JsonRow:
    online_fields = ("online_source", "discovery_type", "partner", "campaign_details")
    campaign_fields = (
        "credit_card_status",
        "rest_ref_campaign_name",
        "rest_ref_id",
        "rest_ref_source",
    )
    check_fields = ("check_ids", "pos_sub_total", "pos_tax", "pos_tip", "pos_total_spend")
    return dict.fromkeys(
        (*online_fields, *campaign_fields, "ot_boost_type", "experience_details")
    ) | {
        "marketing_opted_out": guest.marketing_opted_out if guest else False,
        "email": guest.email if guest else "",
        "currency_code": None,
        "currency_denominator": 100,
        "pos_data": dict.fromkeys(check_fields),
        "deposit": _sync_deposit(row.deposit),
    }


def _sync_deposit(deposit: SandboxDeposit | None) -> JsonRow:
    return {
        "total_paid": deposit and deposit.total_paid,
        "total_refunded": deposit and deposit.total_refunded,
        "currency": deposit and deposit.currency,
        "currency_denominator": 100,
        "status": deposit and ("refunded" if deposit.total_refunded else "paid"),
    }


def _webhook_deposit(deposit: SandboxDeposit | None) -> JsonRow | None:
    if deposit is None:
        return None
    return {
        "totalPaid": deposit.total_paid,
        "totalRefunded": deposit.total_refunded,
        "currency": deposit.currency,
        "currencyDenominator": 100,
        "status": "FullRefund" if deposit.total_refunded else "Paid",
    }
