"""A statement with everything personal hidden, its shape left to be read.

Fails closed: what is not known to be impersonal is hidden, whatever its name.
"""

import json
import re

from shared.core.body import InvalidJsonError, parse_object

MASK = "•••"

_IMPERSONAL = {
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
_CODE = re.compile(r"[A-Za-z0-9_.:+ -]{0,80}")


def masked(body: str) -> str:
    """Return a statement's JSON text with its personal values masked; other text masked whole."""
    try:
        parsed = parse_object(body.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        return MASK
    return json.dumps(_masked("", parsed), ensure_ascii=False)


def _masked(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {key: _masked(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(name, inner) for inner in value]
    if value is None or isinstance(value, bool) or _is_impersonal(name, value):
        return value
    return MASK


def _is_impersonal(name: str, value: object) -> bool:
    known = name.replace("_", "").lower() in _IMPERSONAL
    return known and _CODE.fullmatch(str(value)) is not None
