"""Names of things: which document a reservation is, and which journal entry an event is.

The systems in which reservations are made.
"""

import hashlib
import re
from enum import StrEnum

from shared.errors import InvalidEventError

_EXTERNAL_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_RESTAURANT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

_CASELESS_KEY = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24}", re.IGNORECASE
)

_RID = re.compile(r"[0-9]{1,18}")
_DOCUMENT_ID = re.compile(r"(?!\.{1,2}$|__.*__$)[^/\x00-\x1f\x7f]{1,300}")


def build_external_key(open_table_id: str, rid: str | None) -> str:
    """Return the key that the webhook, the poll and reconciliation share for one reservation.

    OpenTable writes ``{rid}-{key}`` in its API and the bare key in webhook samples, and UUIDs
    in either case; the key drops the prefix and lower-cases UUIDs and 24-digit object ids.

    Args:
        open_table_id: The id as OpenTable or a relay wrote it.
        rid: The restaurant's OpenTable number, where it has one.

    Raises:
        RejectedStatementError: When what is left is not ``[A-Za-z0-9_.:-]{1,200}``.
    """
    key = open_table_id.removeprefix(f"{rid}-") if rid else open_table_id
    if not _EXTERNAL_KEY.fullmatch(key):
        raise InvalidEventError(
            "invalid_id", "The reservation id has characters or a length that cannot be a key."
        )
    return key.lower() if _CASELESS_KEY.fullmatch(key) else key


def list_id_spellings(open_table_id: str, rid: str) -> tuple[str, ...]:
    """Return the ways to ask OpenTable for an id: as it is, and in capitals where it may be a key.

    A relay's envelope leaves only the key, which lower-cases what OpenTable may tell apart.

    Args:
        open_table_id: An id as OpenTable wrote it, or a key.
        rid: The restaurant's OpenTable number.
    """
    key = open_table_id.removeprefix(f"{rid}-")
    if not _CASELESS_KEY.fullmatch(key) or key != key.lower() or key == key.upper():
        return (open_table_id,)
    return (open_table_id, open_table_id.removesuffix(key) + key.upper())


def build_guest_key(guest_id: str, rid: str | None) -> str | None:
    """Return a guest's key, or None for an id that cannot be a document's: it leads to nobody."""
    try:
        key = build_external_key(guest_id, rid)
    except InvalidEventError:
        return None
    return key if is_document_id(key) else None


def add_rid_prefix(open_table_id: str, rid: str) -> str:
    """Return the id in the form that OpenTable's API takes, ``{rid}-{key}``."""
    prefix = f"{rid}-"
    return open_table_id if open_table_id.startswith(prefix) else prefix + open_table_id


def build_reservation_document_id(key: str) -> str:
    """Return the ledger's document id for an external key."""
    return f"opentable-{key}"


def build_object_event_id(sequence_id: int) -> str:
    """Return the journal id of OpenTable's own statement; every way it comes, it is one event."""
    return f"seq-{sequence_id}"


def build_envelope_event_id(envelope_id: str) -> str:
    """Return the journal id of a relay's envelope.

    An id that cannot be part of a document id is hashed; the tilde, which no plain id may
    hold, keeps a hash from ever meeting an id that merely looks like one.
    """
    if _EXTERNAL_KEY.fullmatch(envelope_id):
        return f"evt-{envelope_id}"
    return "evt-~" + hashlib.sha256(envelope_id.encode("utf-8", "surrogatepass")).hexdigest()


def is_restaurant_id(text: str) -> bool:
    """Whether a text may be a Lineup restaurant id, ``[A-Za-z0-9_-]{1,128}``."""
    return _RESTAURANT_ID.fullmatch(text) is not None


def is_document_id(text: str) -> bool:
    """Whether a text may be a document id in Firestore, however its writer chose it."""
    return _DOCUMENT_ID.fullmatch(text) is not None


def is_rid(text: str) -> bool:
    """Whether a text may be an OpenTable restaurant number (digits, at most 18)."""
    return _RID.fullmatch(text) is not None


class ReservationSystem(StrEnum):
    """Where a reservation was made, and so who owns its document."""

    OPENTABLE = "OPENTABLE"
    LINEUP = "LINEUP"

    def build_document_id(self, key: str) -> str:
        """Return the document of a key: Lineup's own reservations are keyed by document id."""
        return build_reservation_document_id(key) if self is ReservationSystem.OPENTABLE else key
