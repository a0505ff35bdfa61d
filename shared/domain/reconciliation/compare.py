"""Comparing OpenTable's rows with the ledger's documents, and knowing when not to believe it.

What a planned correction went by, so that it is left alone once either side has moved.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.analytics.rollup import BookingFacts
from shared.domain.ledger.document import (
    ReservationIdentity,
    diff_fields,
    find_open_divergence,
    flatten_document,
    is_visible_path,
    render_document,
)
from shared.domain.ledger.events import Actor, ReservationEvent, Version
from shared.domain.ledger.registers import ReservationState, reservation_state_from_document

MIN_CHANGES_TO_HOLD = 20
MAX_CHANGE_RATIO = 0.3

# What only envelopes, guests or the bundle itself say is not the feed's to compare.
_OPENTABLE_FIELDS = (
    "source.openTableId",
    "source.confirmationId",
    "source.guestId",
    "source.state",
    "startAt",
    "startAtTimestamp",
    "localDate",
    "partySize",
    "status",
    "bookedAt",
    "arrivedAt",
    "seatedAt",
    "completedAt",
    "metadata.specialRequests",
    "metadata.venueNotes",
    "metadata.openTableNotes",
    "metadata.tableNumbers",
    "metadata.tableCategory",
    "metadata.server",
    "metadata.origin",
    "metadata.visitTags",
)

COMPARED_FIELDS = (
    "source.system",
    "source.externalReservationId",
    "sync.opentable",
    "sync.lineup",
    "sync.guest",
    *_OPENTABLE_FIELDS,
)


class ReservationFingerprint(Struct, frozen=True):
    """What is remembered of a held document, so that a large window fits in memory.

    Attributes:
        digest: Over every field that the feed carries, and OpenTable's version.
        divergence: The type of the divergence that stands flagged on it.
        has_start_time: Whether it has a start time; one without is not in any window.
        open_table_id: The id by which OpenTable is asked for it.
        missing_guest_id: The id of the guest that it names, where nothing is held of that guest.
        booking_facts: As what it was counted in the patterns, None where it was not.
    """

    digest: bytes
    divergence: str | None
    has_start_time: bool
    open_table_id: str
    missing_guest_id: str | None
    booking_facts: BookingFacts | None


def fingerprint_document(
    document: Mapping[str, Any], facts: BookingFacts | None
) -> ReservationFingerprint:
    """Return a held document's mark.

    Args:
        document: As stored, its `COMPARED_FIELDS` fields at least.
        facts: As what it was counted in the patterns.
    """
    flat = flatten_document(document)
    state = reservation_state_from_document(flat)
    return ReservationFingerprint(
        _hash_fields(flat, state),
        find_open_divergence(state),
        has_start_time=flat.get("startAt") is not None,
        open_table_id=flat.get("source.openTableId") or flat["source.externalReservationId"],
        missing_guest_id=_find_missing_guest_id(state),
        booking_facts=facts,
    )


def _find_missing_guest_id(state: ReservationState) -> str | None:
    """Return the named guest's id; one whose id cannot be a key leads to nobody."""
    if state.linked_guest is not None or state.resolve_field("guestKey") is None:
        return None
    return str(state.resolve_field("guestId"))


def fingerprint_row(event: ReservationEvent, restaurant_id: str, zone: ZoneInfo) -> bytes:
    """Return the fingerprint of the document that a row alone would make.

    An equal one proves that the ledger shows just what the row says. An unequal one proves
    nothing (a row may leave fields out): the full comparison then decides.
    """
    state = ReservationState().merge(event)
    return _hash_fields(
        render_document(ReservationIdentity(restaurant_id, event.external_key, zone), state), state
    )


def _hash_fields(flat: Mapping[str, Any], state: ReservationState) -> bytes:
    version = state.get_registers(Actor.OPENTABLE).version
    version_key = version and (version.sequence_id, _normalize_value(version.occurred_at))
    content = repr((version_key, [_normalize_value(flat.get(path)) for path in _OPENTABLE_FIELDS]))
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _normalize_value(value: Any) -> object:
    """Return an instant as a number: clients of Firestore have kinds of instants of their own."""
    return value.timestamp() if isinstance(value, datetime) else value


def exceeds_change_limit(rows_in_ledger: int, corrections: int, missing: int) -> bool:
    """Tell whether an answer would change so much that a person should look first.

    Args:
        rows_in_ledger: The ledger's rows in the window.
        corrections: Updates and cancellations together; creations never count.
        missing: Rows of the ledger that OpenTable's answer lacks and nothing explained yet.
    """
    max_changes = max(MIN_CHANGES_TO_HOLD, MAX_CHANGE_RATIO * rows_in_ledger)
    return corrections > max_changes or missing > max_changes


def has_drifted(
    flat: Mapping[str, Any], identity: ReservationIdentity, state: ReservationState
) -> bool:
    """Whether a document shows something else than what was said, by whoever's hand."""
    return any(map(is_visible_path, diff_fields(flat, render_document(identity, state))))


LEDGER_CHANGED_REASON = "The ledger has heard something else since the plan was made."
OPENTABLE_CHANGED_REASON = "OpenTable has said something newer since the plan was made."

NOT_AT_OPENTABLE_REASON = (
    "OpenTable has no reservation of this id any more; the next reconciliation flags it."
)


class PlanPrecondition(Struct, frozen=True):
    """What a plan saw of one reservation.

    Attributes:
        open_table_id: The id by which OpenTable is asked for it.
        ledger_versions: The versions that the ledger held (see `format_ledger_versions`).
        opentable_version: The version that OpenTable showed, None where its answer lacked the row.
    """

    open_table_id: str
    ledger_versions: str
    opentable_version: str | None

    def to_map(self) -> dict[str, Any]:
        """Return it as a report keeps it."""
        return {
            "openTableId": self.open_table_id,
            "held": self.ledger_versions,
            "shown": self.opentable_version,
        }

    def skip_reason(self, current_version: Version | None) -> str | None:
        """Return why a planned correction must be skipped by what OpenTable shows now.

        Nothing speaks against a row that the plan had not seen: that it moved out of the window
        is what asking by its id is to find out.

        Args:
            current_version: The version of OpenTable's row, None where it has no such row.
        """
        if self.opentable_version is None:
            return None
        if current_version is None:
            return NOT_AT_OPENTABLE_REASON
        return (
            None
            if format_version(current_version) == self.opentable_version
            else OPENTABLE_CHANGED_REASON
        )


class PlannedCorrection(Struct, frozen=True):
    """One item of a plan.

    Attributes:
        external_key: The reservation's.
        precondition: What the plan saw.
    """

    external_key: str
    precondition: PlanPrecondition


def planned_correction_from_map(entry: Mapping[str, Any]) -> PlannedCorrection:
    """Read an item back from an entry of a held report."""
    stored = entry["basis"]
    return PlannedCorrection(
        entry["externalId"],
        PlanPrecondition(stored["openTableId"], stored["held"], stored["shown"]),
    )


def format_ledger_versions(state: ReservationState) -> str:
    """Return the versions that are held of a reservation, a speaker each; empty for none."""
    versions = ((actor, state.get_registers(actor).version) for actor in Actor)
    return "; ".join(f"{actor} {format_version(version)}" for actor, version in versions if version)


def format_version(version: Version) -> str:
    """Return a version as text; equal texts are equal versions of one speaker."""
    occurred_at = version.occurred_at.astimezone(UTC).isoformat()
    return f"{version.event_id or version.sequence_id} {occurred_at}"
