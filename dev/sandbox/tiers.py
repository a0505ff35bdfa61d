"""Which fields each product tier sees, as OpenTable's Sync v2 and webhook v3 pages list them."""

from typing import Literal

Tier = Literal["copper", "gold", "platinum"]


def _pairs(*names: str) -> tuple[str, ...]:
    return tuple(text for name in names for text in (name, f"{name}_utc"))


_CORE = (
    *("id", "href", "rid", "sequence_id", "guest_id", "guest", "confirmation_id", "state"),
    *("table_number", "party_size", "visit_tags", "origin", "guest_request", "venue_notes"),
    *("opentable_notes", "table_category", "server"),
    *_pairs("created_date", "scheduled_time", "updated_at"),
    *_pairs("seated_time", "done_time", "arrived_time"),
)
_SYNC = (*_CORE, "currency_code", "currency_denominator", "pos_data")
_GUESTS_SIDE = ("referrer", *_pairs("added_to_waitlist"))
_MONEY = ("deposit", "experience_details")
_CANCELLATION = _pairs("cancellation_date")

RESERVATION_FIELDS: dict[Tier, tuple[str, ...]] = {
    "copper": (*_SYNC, *_MONEY),
    "gold": (*_SYNC, "marketing_opted_out", *_GUESTS_SIDE),
    "platinum": (
        *(*_SYNC, *_MONEY, "marketing_opted_out", *_GUESTS_SIDE, *_CANCELLATION),
        *("email", "sms_opt_in", "quoted_wait_time", "online_source", "discovery_type"),
        *("partner", "campaign_details", "credit_card_status", "rest_ref_campaign_name"),
        *("rest_ref_id", "rest_ref_source", "ot_boost_type"),
    ),
}

WEBHOOK_FIELDS: dict[Tier, tuple[str, ...]] = {
    "copper": (*_CORE, "deposit_details", "experience_details"),
    "gold": (*_CORE, "deposit_details", *_GUESTS_SIDE),
    "platinum": (
        *(*_CORE, "deposit_details", *_GUESTS_SIDE, *_CANCELLATION),
        *("sms_opt_in", "quoted_wait_time"),
    ),
}

_GUEST_COPPER = (
    *("id", "href", "rid", "sequence_id", "gpid", "tags", "birth_date", "anniversary_date"),
    *("company_name", "notes", "notes_special_relationship", "notes_food_and_drink"),
    *("notes_seating", "forgotten", "archived", *_pairs("created_date", "updated_at")),
)
_GUEST_GOLD = (
    *(*_GUEST_COPPER, "first_name", "last_name", "email", "email_optin", "phone", "phone_type"),
    *("phone_numbers", "address", "mail_opted_in", "marketing_opted_out", "is_hidden"),
    *("primary_guest", *_pairs("date_first_visit", "date_last_visit")),
)

GUEST_FIELDS: dict[Tier, tuple[str, ...]] = {
    "copper": _GUEST_COPPER,
    "gold": _GUEST_GOLD,
    "platinum": (*_GUEST_GOLD, *_pairs("date_email_opt_in_opt_out"), "sms_opt_in"),
}
