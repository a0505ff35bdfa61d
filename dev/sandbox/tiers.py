"""Which fields each product tier sees, as OpenTable's Sync v2 and webhook v3 pages list them."""

from typing import Literal

ProductTier = Literal["copper", "gold", "platinum"]


def _with_utc(*names: str) -> tuple[str, ...]:
    return tuple(text for name in names for text in (name, f"{name}_utc"))


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

RESERVATION_FIELDS_BY_TIER: dict[ProductTier, tuple[str, ...]] = {
    "copper": (*_SYNC_FIELDS, *_PAYMENT_FIELDS),
    "gold": (*_SYNC_FIELDS, "marketing_opted_out", *_REFERRAL_FIELDS),
    "platinum": (
        *(
            *_SYNC_FIELDS,
            *_PAYMENT_FIELDS,
            "marketing_opted_out",
            *_REFERRAL_FIELDS,
            *_CANCELLATION_FIELDS,
        ),
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

_COPPER_GUEST_FIELDS = (
    *("id", "href", "rid", "sequence_id", "gpid", "tags", "birth_date", "anniversary_date"),
    *("company_name", "notes", "notes_special_relationship", "notes_food_and_drink"),
    *("notes_seating", "forgotten", "archived", *_with_utc("created_date", "updated_at")),
)
_GOLD_GUEST_FIELDS = (
    *(
        *_COPPER_GUEST_FIELDS,
        "first_name",
        "last_name",
        "email",
        "email_optin",
        "phone",
        "phone_type",
    ),
    *("phone_numbers", "address", "mail_opted_in", "marketing_opted_out", "is_hidden"),
    *("primary_guest", *_with_utc("date_first_visit", "date_last_visit")),
)

GUEST_FIELDS_BY_TIER: dict[ProductTier, tuple[str, ...]] = {
    "copper": _COPPER_GUEST_FIELDS,
    "gold": _GOLD_GUEST_FIELDS,
    "platinum": (*_GOLD_GUEST_FIELDS, *_with_utc("date_email_opt_in_opt_out"), "sms_opt_in"),
}
