"""Compare OpenTable's rows with the ledger's documents.

A fingerprint stands for a document in memory, so that a large window fits. A planned correction
has a precondition: it is skipped if either side has changed since the plan was made.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.analytics.rollup import BookingFacts
from shared.domain.ledger.divergence import find_open_divergence
from shared.domain.ledger.document import (
    SEARCH_TERMS_PATH,
    ReservationIdentity,
    find_diner_name,
    flatten_document,
    list_visible_changes,
    render_document,
)
from shared.domain.ledger.events import Actor, ReservationEvent, Version
from shared.domain.ledger.fields import RESERVATION_FIELDS
from shared.domain.ledger.registers import ReservationState, reservation_state_from_document
from shared.domain.normalization.canonical import build_path_comparison_key
from shared.domain.search import build_search_terms
from shared.errors import UnreadableDocumentError

# A run with more changes than both of these is held for a person to review.
MIN_CHANGES_TO_HOLD = 20
MAX_CHANGE_RATIO = 0.3

LEDGER_CHANGED_REASON = "The ledger has changed since the plan was made."
OPENTABLE_CHANGED_REASON = "OpenTable has changed the reservation since the plan was made."
NOT_AT_OPENTABLE_REASON = (
    "OpenTable no longer has this reservation; the next reconciliation flags it."
)

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
    "guests.named",
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
        has_start_time: False for a reservation outside of every window.
        open_table_id: Id for a single request to OpenTable.
        guest_key: Key of the referenced guest.
        missing_guest_id: Id of the referenced guest, if the ledger has no record of that guest.
        booking_facts: The reservation as counted in the analytics.
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
    missing_guest_id, guest_key = None, state.resolve_field("guestKey")
    open_table_id = flat.get("source.openTableId")
    # A guest id without a guest key is unusable, so no guest record can exist for it.
    if state.missing_guest_key is not None:
        missing_guest_id = state.find_request_id("guestId")
    search_terms = build_search_terms(find_diner_name(flat), flat.get("phone"))
    return ReservationFingerprint(
        _hash_fields(flat, state),
        find_open_divergence(state),
        has_start_time=flat.get("startAt") is not None,
        open_table_id=(
            state.find_request_id("openTableId")
            or (open_table_id if isinstance(open_table_id, str) and open_table_id else None)
            or flat["source.externalReservationId"]
        ),
        guest_key=guest_key if isinstance(guest_key, str) else None,
        missing_guest_id=missing_guest_id,
        booking_facts=facts,
        has_search_terms=flat.get(SEARCH_TERMS_PATH) == search_terms,
    )


def fingerprint_row(event: ReservationEvent, restaurant_id: str, zone: ZoneInfo) -> bytes:
    """Return the digest of the document rendered from one row.

    An equal digest proves that the ledger shows this row. A different one proves nothing, because
    a row may omit fields: apply the row to find out.
    """
    state = ReservationState().merge(event)
    identity = ReservationIdentity(restaurant_id, event.external_key, zone)
    return _hash_fields(render_document(identity, state), state)


def _hash_fields(flat: Mapping[str, Any], state: ReservationState) -> bytes:
    version = state.get_registers(Actor.OPENTABLE).version
    version_key = (
        None if version is None else (version.sequence_id, _normalize_value(version.occurred_at))
    )
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


def exceeds_change_limit(rows_in_ledger: int, corrections: int, missing: int) -> bool:
    """Return whether a person must review the changes of a run first.

    Args:
        rows_in_ledger: OpenTable's reservations in the ledger's window.
        corrections: Updates plus cancellations; creations do not count.
        missing: Reservations absent from OpenTable's response without an explanation yet.
    """
    max_changes = max(MIN_CHANGES_TO_HOLD, MAX_CHANGE_RATIO * rows_in_ledger)
    return corrections > max_changes or missing > max_changes


class PlanPrecondition(Struct, frozen=True):
    """The state of one reservation at the time of the plan.

    Attributes:
        open_table_id: Id for a single request to OpenTable.
        ledger_versions: See `format_ledger_versions`.
        opentable_version: See `format_version`; None if OpenTable's response had no such row.
    """

    open_table_id: str
    ledger_versions: str
    opentable_version: str | None

    def to_map(self) -> dict[str, Any]:
        """Return the precondition as stored in a report."""
        return {
            "openTableId": self.open_table_id,
            "ledgerVersions": self.ledger_versions,
            "openTableVersion": self.opentable_version,
        }

    def skip_reason(self, current_version: Version | None) -> str | None:
        """Return why a planned correction must be skipped, or None to apply it.

        Args:
            current_version: Version of OpenTable's row now; None if there is no such row.
        """
        if self.opentable_version is None:
            # Not in the window at the time of the plan: any row now is a valid explanation.
            return None
        if current_version is None:
            return NOT_AT_OPENTABLE_REASON
        if format_version(current_version) != self.opentable_version:
            return OPENTABLE_CHANGED_REASON
        return None


class PlannedCorrection(Struct, frozen=True):
    """One item of a held plan."""

    external_key: str
    precondition: PlanPrecondition


def planned_correction_from_map(entry: Mapping[str, Any]) -> PlannedCorrection:
    """Restore an item from an entry of a held report.

    Raises:
        UnreadableDocumentError: The entry is damaged.
    """
    try:
        key, stored = entry["externalId"], entry["precondition"]
        precondition = PlanPrecondition(
            stored["openTableId"], stored["ledgerVersions"], stored["openTableVersion"]
        )
    except (KeyError, TypeError):
        raise UnreadableDocumentError("an item of the plan has another form") from None
    if not isinstance(key, str) or not isinstance(precondition.open_table_id, str):
        raise UnreadableDocumentError("an item of the plan has no id")
    return PlannedCorrection(key, precondition)


def format_ledger_versions(state: ReservationState) -> str:
    """Return the stored version of each actor as text; empty without events."""
    versions = ((actor, state.get_registers(actor).version) for actor in Actor)
    return "; ".join(f"{actor} {format_version(version)}" for actor, version in versions if version)


def format_version(version: Version) -> str:
    """Return a version as text; versions of one actor are equal if their texts are."""
    occurred_at = version.occurred_at.astimezone(UTC).isoformat()
    return f"{version.event_id or version.sequence_id} {occurred_at}"
