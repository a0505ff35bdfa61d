"""A statement with everything personal hidden, its shape left to be read.

Fails closed: what is not known to be impersonal is hidden, whatever its name.
"""

import json
import re

from shared.core.body import InvalidJsonError, parse_strict_json

MASK = "•••"

_UNMASKED_KEYS = {
    "bookedat",
    "confirmationid",
    "createddate",
    "createddateutc",
    "datetime",
    "donetime",
    "donetimeutc",
    "eventtype",
    "guestcount",
    "guestid",
    "id",
    "origin",
    "partysize",
    "reservationdatetime",
    "reservationid",
    "restaurantid",
    "rid",
    "scheduledtime",
    "scheduledtimeutc",
    "arrivedtime",
    "arrivedtimeutc",
    "seatedtime",
    "seatedtimeutc",
    "sequenceid",
    "state",
    "status",
    "tablecategory",
    "tablenumber",
    "timestamp",
    "updatedatutc",
}
_UNMASKED_TEXT = re.compile(r"[A-Za-z0-9_.:+ -]{0,80}")


def mask_json(body: str) -> str:
    """Return a statement's JSON text with its personal values masked; other text masked whole."""
    try:
        parsed = parse_strict_json(body.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        return MASK
    return json.dumps(_mask_value("", parsed), ensure_ascii=False)


def _mask_value(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {key: _mask_value(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mask_value(name, inner) for inner in value]
    if value is None or isinstance(value, bool) or _is_impersonal(name, value):
        return value
    return MASK


def _is_impersonal(name: str, value: object) -> bool:
    is_unmasked_key = name.replace("_", "").lower() in _UNMASKED_KEYS
    return is_unmasked_key and _UNMASKED_TEXT.fullmatch(str(value)) is not None
