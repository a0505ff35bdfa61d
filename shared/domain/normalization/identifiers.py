"""Build and check identifiers: of documents, journal entries, restaurants and guests."""

import hashlib
import re
from enum import StrEnum

from shared.errors import InvalidEventError

OPENTABLE_DOCUMENT_PREFIX = "opentable-"
_OBJECT_EVENT_PREFIX = "seq-"

_EXTERNAL_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_RESTAURANT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_RID = re.compile(r"[0-9]{1,18}")
# Firestore's rules for an id, and a length that leaves space for the path.
_DOCUMENT_ID = re.compile(r"(?!\.{1,2}$|__.*__$)[^/\x00-\x1f\x7f]{1,300}")
# UUIDs and MongoDB object ids; OpenTable spells one id in either case.
_CASELESS_KEY = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24}", re.IGNORECASE
)


class ReservationSystem(StrEnum):
    """The system a reservation was made in, and so the owner of its document."""

    OPENTABLE = "OPENTABLE"
    LINEUP = "LINEUP"

    def build_document_id(self, key: str) -> str:
        """Return the document id of a key; for Lineup's own reservations they are the same."""
        return build_reservation_document_id(key) if self is ReservationSystem.OPENTABLE else key


def build_reservation_document_id(key: str) -> str:
    """Return the ledger's document id of an external key."""
    return OPENTABLE_DOCUMENT_PREFIX + key


def build_external_key(open_table_id: str, rid: str | None) -> str:
    """Return a reservation's key, the same on all channels.

    OpenTable writes ``{rid}-{key}`` in its API, the bare key in webhook samples, and UUIDs in
    either case. The key has no prefix (`remove_rid_prefix`); UUIDs and object ids are in lower
    case.

    Args:
        rid: The restaurant's OpenTable number, None without one.

    Raises:
        InvalidEventError: The rest is not ``[A-Za-z0-9_.:-]{1,200}``.
    """
    key = remove_rid_prefix(open_table_id, rid) if rid else open_table_id
    if not is_external_key(key):
        raise InvalidEventError(
            "invalid_id", "The reservation id is too long or has characters that a key cannot have."
        )
    return key.lower() if _CASELESS_KEY.fullmatch(key) else key


def build_guest_key(guest_id: str, rid: str | None) -> str | None:
    """Return a guest's key, None if the id cannot be a document id: it leads to no guest."""
    try:
        key = build_external_key(guest_id, rid)
    except InvalidEventError:
        return None
    return key if is_document_id(key) else None


def list_id_spellings(open_table_id: str, rid: str) -> tuple[str, ...]:
    """Return the spellings to request from OpenTable: as written, in upper and in lower case.

    OpenTable may distinguish case, and its channels and a relay write one id in different cases.
    """
    key = remove_rid_prefix(open_table_id, rid)
    if not _CASELESS_KEY.fullmatch(key):
        return (open_table_id,)
    prefix = open_table_id.removesuffix(key)
    return tuple(dict.fromkeys((open_table_id, prefix + key.upper(), prefix + key.lower())))


def add_rid_prefix(open_table_id: str, rid: str) -> str:
    """Return an id in the form of OpenTable's API, ``{rid}-{key}``."""
    return f"{rid}-{remove_rid_prefix(open_table_id, rid)}"


def remove_rid_prefix(open_table_id: str, rid: str) -> str:
    """Return an id without its ``{rid}-``.

    A restaurant can get another rid. Its reservations and guests keep their keys, so the prefix of
    an earlier rid is removed too, if the rest is certainly a key: a UUID or an object id.
    """
    number, _, key = open_table_id.partition("-")
    is_earlier_rid = is_rid(number) and _CASELESS_KEY.fullmatch(key)
    return key if number == rid or is_earlier_rid else open_table_id


def lower_caseless_key(open_table_id: str) -> str:
    """Return ``{rid}-{key}`` with the key in lower case if it is a UUID or an object id."""
    key = open_table_id.partition("-")[2]
    return open_table_id.lower() if _CASELESS_KEY.fullmatch(key) else open_table_id


def build_object_event_id(sequence_id: int) -> str:
    """Return the journal id of an OpenTable object, the same on every channel."""
    return f"{_OBJECT_EVENT_PREFIX}{sequence_id}"


def parse_object_event_id(event_id: str) -> int | None:
    """Return the ``sequence_id`` in the journal id of an OpenTable object, None in any other id."""
    digits = event_id.removeprefix(_OBJECT_EVENT_PREFIX)
    return int(digits) if digits != event_id and digits.isdecimal() else None


def build_envelope_event_id(envelope_id: str) -> str:
    """Return the journal id of a relay's envelope; an unusable id is replaced by its hash.

    UUIDs and object ids are in lower case.
    """
    if _CASELESS_KEY.fullmatch(envelope_id):
        return f"evt-{envelope_id.lower()}"
    if _EXTERNAL_KEY.fullmatch(envelope_id):
        return f"evt-{envelope_id}"
    # No usable id contains a tilde, so a hash can never equal one.
    return "evt-~" + hashlib.sha256(envelope_id.encode("utf-8", "surrogatepass")).hexdigest()


def is_external_key(text: str) -> bool:
    """Whether a text can be a reservation's key, ``[A-Za-z0-9_.:-]{1,200}``."""
    return _EXTERNAL_KEY.fullmatch(text) is not None


def is_restaurant_id(text: str) -> bool:
    """Whether a text can be a restaurant's id in Lineup, ``[A-Za-z0-9_-]{1,128}``."""
    return _RESTAURANT_ID.fullmatch(text) is not None


def is_document_id(text: str) -> bool:
    """Whether a text can be a Firestore document id of any writer."""
    return _DOCUMENT_ID.fullmatch(text) is not None


def is_rid(text: str) -> bool:
    """Whether a text can be a restaurant's OpenTable number: 1 to 18 digits."""
    return _RID.fullmatch(text) is not None
