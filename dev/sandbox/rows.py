"""Reservations as OpenTable writes them: Sync v2 rows and the webhook v3 object."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dev.sandbox.records import Deposit, Guest, Reservation
from dev.sandbox.tiers import RESERVATION_FIELDS, WEBHOOK_FIELDS, Tier
from dev.sandbox.times import both

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class View:
    """Who looks and from where: the tier, the restaurant's zone and the API's own address."""

    tier: Tier
    zone: ZoneInfo
    base_url: str


def reservation_row(reservation: Reservation, guest: Guest | None, view: View) -> Row:
    """Return a Sync v2 reservation with the fields of the view's tier.

    Args:
        reservation: What the book holds.
        guest: Its guest, for the few fields that a reservation takes from there.
        view: Tier, zone and address.
    """
    whole = _common(reservation, view) | _sync_only(reservation, guest)
    return {name: whole[name] for name in RESERVATION_FIELDS[view.tier]}


def webhook_row(
    reservation: Reservation, view: View, *, zoneless: bool = False, unprefixed: bool = False
) -> Row:
    """Return the bare v3 webhook object with the fields of the view's tier.

    Args:
        reservation: What the book holds.
        view: Tier, zone and address.
        zoneless: Write ``scheduled_time_utc`` without its Z, as the documented sample does.
        unprefixed: Write ids without ``{rid}-``, as the documented sample does.
    """
    whole = _common(reservation, view) | {
        "deposit_details": _deposit_details(reservation.deposit),
        "experience_details": None,
    }
    if zoneless:
        whole["scheduled_time_utc"] = str(whole["scheduled_time_utc"]).removesuffix("Z")
    if unprefixed:
        whole |= {"id": reservation.key, "guest_id": reservation.guest_key}
    return {name: whole[name] for name in WEBHOOK_FIELDS[view.tier]}


def _common(row: Reservation, view: View) -> Row:
    url = f"{view.base_url}/sync/v2"
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
        **_moments(row, view.zone),
    }


def _moments(row: Reservation, zone: ZoneInfo) -> Row:
    return {
        **both("created_date", row.created, zone),
        **both("scheduled_time", row.scheduled, zone),
        **both("updated_at", row.updated, zone),
        **both("seated_time", row.seated, zone),
        **both("done_time", row.done, zone),
        **both("arrived_time", row.arrived, zone),
        **both("added_to_waitlist", row.waitlisted, zone),
        **both("cancellation_date", row.cancelled, zone),
    }


def _sync_only(row: Reservation, guest: Guest | None) -> Row:
    absent = ("online_source", "discovery_type", "partner", "campaign_details")
    campaign = ("credit_card_status", "rest_ref_campaign_name", "rest_ref_id", "rest_ref_source")
    check = ("check_ids", "pos_sub_total", "pos_tax", "pos_tip", "pos_total_spend")
    return dict.fromkeys((*absent, *campaign, "ot_boost_type", "experience_details")) | {
        "marketing_opted_out": guest.marketing_opted_out if guest else False,
        "email": guest.email if guest else "",
        "currency_code": None,
        "currency_denominator": 100,
        "pos_data": dict.fromkeys(check),
        "deposit": _deposit(row.deposit),
    }


def _deposit(deposit: Deposit | None) -> Row:
    return {
        "total_paid": deposit and deposit.total_paid,
        "total_refunded": deposit and deposit.total_refunded,
        "currency": deposit and deposit.currency,
        "currency_denominator": 100,
        "status": deposit and ("refunded" if deposit.total_refunded else "paid"),
    }


def _deposit_details(deposit: Deposit | None) -> Row | None:
    if deposit is None:
        return None
    return {
        "totalPaid": deposit.total_paid,
        "totalRefunded": deposit.total_refunded,
        "currency": deposit.currency,
        "currencyDenominator": 100,
        "status": "FullRefund" if deposit.total_refunded else "Paid",
    }
