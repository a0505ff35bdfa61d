"""Describe a quarantined event: what it is about, and in plain words why it was rejected.

A summary has no personal data except the initials of the guest.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.domain.ledger.fields import RESERVATION_FIELDS
from shared.domain.normalization.webhook_body import RESERVATION_ID_KEYS, read_first_present
from shared.domain.privacy import MASK, mask_json

_MAX_VALUE_LENGTH = 40

_KEYS_BY_NAME = {
    field.name: (*field.relay_names, *field.opentable_names) for field in RESERVATION_FIELDS
}

_LABELS = {
    "startAt": "The time",
    "partySize": "Party size",
    "dinerName": "The guest's name",
    "email": "The email address",
    "phone": "The phone number",
    "status": "The status",
    "specialRequests": "The guest's request",
    "tableNumbers": "The table",
    "sequence_id": "The version number",
    "timestamp": "The time of the update",
    "id": "The reservation's id",
}
_LABELS_BY_KEY = {
    key: label for name, label in _LABELS.items() for key in _KEYS_BY_NAME.get(name, (name,))
}

_MESSAGES = {
    "conflicting_event": (
        "An earlier update with the same id has other content. "
        "Ask the sender for unique ids, then dismiss this update."
    ),
    "conflicting_version": (
        "OpenTable sent two different updates with the same version. "
        "Ask OpenTable which one is right, then dismiss this update."
    ),
    "invalid_id": "The reservation has no usable id. Ask the sender for it.",
    "not_an_event": "This is not a reservation update. Dismiss it.",
    "timestamp_in_future": (
        "The sender's clock is ahead, so the update comes from the future. "
        "Ask the sender to correct the clock, then apply the update."
    ),
    "too_large": "The update is too large. Ask the sender for a smaller one.",
    "unknown_event_type": "The kind of update is unknown. Ask the sender to correct it.",
    "unknown_reservation": "The update names a reservation that does not exist. Check its id.",
    "unreadable_document": (
        "The stored reservation is damaged. Ask your administrator to correct it, "
        "then apply the update."
    ),
    "unstorable": "The update cannot be stored. Ask the sender to correct it.",
    "unusable_settings": (
        "The restaurant's settings are incomplete. "
        "Correct them under OpenTable connection, then apply the update."
    ),
    "wrong_rid": (
        "The update belongs to another OpenTable restaurant. "
        "Check the RID under OpenTable connection."
    ),
}


def summarize_quarantined_body(reason: str, body: str) -> dict[str, Any]:
    """Return what a rejected body is about; never raise.

    The values are as received: one of them is the reason for the rejection. A value that may be
    personal is left out.
    """
    parsed, masked = _load_map(body), _load_map(mask_json(body))
    data = parsed["data"] if isinstance(parsed.get("data"), dict) else parsed
    masked_data = masked["data"] if isinstance(masked.get("data"), dict) else masked
    diner_name = read_first_present(data, *_KEYS_BY_NAME["dinerName"])
    if diner_name is None:
        parts = (data.get("first_name"), data.get("last_name"))
        diner_name = " ".join(part for part in parts if isinstance(part, str))
    key = reason.removeprefix("invalid_")
    return {
        "eventType": _to_shown_text(masked.get("eventType") or masked.get("event_type")),
        "externalId": _to_shown_text(read_first_present(masked_data, *RESERVATION_ID_KEYS)),
        "startAt": _to_shown_text(read_first_present(masked_data, *_KEYS_BY_NAME["startAt"])),
        "partySize": _to_shown_text(read_first_present(masked_data, *_KEYS_BY_NAME["partySize"])),
        "guest": _mask_name(diner_name),
        "rejectedValue": (
            None if key == reason else _to_shown_text(masked_data.get(key, masked.get(key)))
        ),
    }


def describe_rejection(reason: str, detail: str, summary: Mapping[str, Any]) -> str:
    """Return in plain words why an event was rejected, and what to do."""
    key = reason.removeprefix("invalid_")
    if reason in _MESSAGES or key == reason:
        return _MESSAGES.get(reason, detail)
    label = _LABELS_BY_KEY.get(key, f"The field {key}")
    value = summary.get("rejectedValue")
    if not isinstance(value, str) or not value:
        return f"{label} is missing or cannot be read. Ask the sender to correct it."
    if value.removeprefix("-").replace(".", "", 1).isdecimal():
        value = value.replace("-", "\N{MINUS SIGN}")  # a hyphen reads as a dash in a sentence
    return f"{label} is {value}. Ask the sender to correct it."


def _load_map(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _to_shown_text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return None if value == MASK else str(value)[:_MAX_VALUE_LENGTH]


def _mask_name(name: object) -> str | None:
    """Return the initials: enough to recognize a known guest, too little to identify one."""
    # Half a surrogate pair, escaped in JSON, cannot be stored.
    text = name.encode(errors="ignore").decode() if isinstance(name, str) else ""
    words = text.split()[:3]
    return " ".join(word[0] + MASK for word in words) or None
