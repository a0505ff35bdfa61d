"""Compare OpenTable's rows with the ledger's documents.

A fingerprint stands for a document in memory, so that a large window fits.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.analytics import BookingFacts
from shared.domain.ledger.divergence import find_open_divergence
from shared.domain.ledger.document import (
    SEARCH_TERMS_PATH,
    ReservationIdentity,
    find_diner_name,
    list_visible_changes,
    render_document,
    reservation_state_from_document,
)
from shared.domain.ledger.events import Actor, ReservationEvent
from shared.domain.ledger.fields import RESERVATION_FIELDS
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.canonical import build_path_comparison_key
from shared.domain.search import build_search_terms
from shared.domain.validation import flatten_document, typed_or_none

# Without the fields of envelopes, guests and reconciliation itself: rows have no such fields.
_OPENTABLE_FIELDS = (
    "startAtTimestamp",
    "localDate",
    *(field.path for field in RESERVATION_FIELDS if field.is_compared),
)

FINGERPRINT_FIELDS = (
    "source.system",
    "source.externalReservationId",
    "sync.opentable",
    "sync.lineup",
    "sync.guest",
    "guests.referencedKeys",
    "guests.resolvedGuestKeys",
    "dinerName",
    "phone",
    SEARCH_TERMS_PATH,
    *_OPENTABLE_FIELDS,
)


class ReservationFingerprint(Struct, frozen=True):
    """The parts of a stored reservation needed for a comparison.

    Attributes:
        digest: Hash of OpenTable's version and of every field present in rows.
        divergence: Type of the open divergence.
        has_start_time: False for a reservation that no window of dates contains.
        open_table_id: Id for a single request to OpenTable.
        missing_guest_id: Id of the referenced guest, if the ledger has no record of that guest.
        has_search_terms: False for a document of an earlier release, or one edited by hand.
    """

    digest: bytes
    divergence: str | None
    has_start_time: bool
    open_table_id: str
    guest_key: str | None
    missing_guest_id: str | None
    booking_facts: BookingFacts | None
    has_search_terms: bool


def fingerprint_document(
    document: Mapping[str, Any], facts: BookingFacts | None
) -> ReservationFingerprint:
    """Return the fingerprint of a stored document with at least the `FINGERPRINT_FIELDS`."""
    flat = flatten_document(document)
    state = reservation_state_from_document(flat)
    # A guest id without a guest key is unusable, so no guest record can exist for it.
    is_guest_missing = state.missing_guest_key is not None
    search_terms = build_search_terms(find_diner_name(flat), flat.get("phone"))
    return ReservationFingerprint(
        _hash_fields(flat, state),
        find_open_divergence(state),
        has_start_time=flat.get("startAt") is not None,
        open_table_id=(
            state.find_opentable_id("openTableId")
            or typed_or_none(str, flat.get("source.openTableId"))
            or flat["source.externalReservationId"]
        ),
        guest_key=typed_or_none(str, state.resolve_field("guestKey")),
        missing_guest_id=state.find_opentable_id("guestId") if is_guest_missing else None,
        booking_facts=facts,
        has_search_terms=flat.get(SEARCH_TERMS_PATH) == search_terms,
    )


def compute_event_digest(event: ReservationEvent, restaurant_id: str, zone: ZoneInfo) -> bytes:
    """Return the digest of the document rendered from one row.

    An equal digest proves that the ledger shows this row. A different one proves nothing, because a
    row may omit fields: apply the row to find out.
    """
    state = ReservationState().merge_event(event)
    identity = ReservationIdentity(restaurant_id, event.external_key, zone)
    return _hash_fields(render_document(identity, state), state)


def _hash_fields(flat: Mapping[str, Any], state: ReservationState) -> bytes:
    version = state.get_registers(Actor.OPENTABLE).version
    version_key = version and (version.sequence_id, _normalize_value(version.occurred_at))
    # An earlier release may have stored another spelling. It must not look like a difference.
    values = [
        _normalize_value(build_path_comparison_key(p, flat.get(p))) for p in _OPENTABLE_FIELDS
    ]
    content = repr((version_key, values))
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _normalize_value(value: Any) -> object:
    # Firestore clients return their own subclasses of datetime, each with another repr.
    return value.timestamp() if isinstance(value, datetime) else value


def has_drifted(
    flat: Mapping[str, Any], identity: ReservationIdentity, state: ReservationState
) -> bool:
    """Return whether a document differs from its registers, for example after a manual edit."""
    rendered = render_document(identity, state)
    has_terms = flat.get(SEARCH_TERMS_PATH) == rendered[SEARCH_TERMS_PATH]
    return not has_terms or bool(list_visible_changes(flat, rendered))
