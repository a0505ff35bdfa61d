"""The change limit, and the plan of a run above it, which is held for a person.

The reconciliation decides which changes count (`shared.reconciliation.reconcile`). A planned
correction has a precondition: it is skipped if either side has changed since the plan was made.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from msgspec import Struct

from shared.domain.ledger.events import Actor, Version
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.identifiers import is_external_key
from shared.domain.validation import typed_or_none
from shared.errors import UnreadableDocumentError

# A run with more changes than both of these is held: a number, and a share of the reservations.
MAX_UNREVIEWED_CHANGES = 20
MAX_UNREVIEWED_RATIO = 0.3

LEDGER_CHANGED_REASON = "The ledger has changed since the plan was made."
OPENTABLE_CHANGED_REASON = "OpenTable has changed the reservation since the plan was made."
NOT_AT_OPENTABLE_REASON = (
    "OpenTable no longer has this reservation; the next reconciliation flags it."
)


def exceeds_change_limit(ledger_count: int, update_count: int, missing_count: int) -> bool:
    """Return whether a person must review the changes of a run first.

    Args:
        ledger_count: OpenTable's reservations in the ledger's window.
        update_count: Updates and cancellations; creations do not count.
        missing_count: Reservations absent from OpenTable's response without an explanation yet.
    """
    max_changes = max(MAX_UNREVIEWED_CHANGES, MAX_UNREVIEWED_RATIO * ledger_count)
    return update_count > max_changes or missing_count > max_changes


def describe_held_plan(ledger_count: int, update_count: int, missing_count: int) -> str:
    """Return why a run was held."""
    reasons = []
    if missing_count:
        reasons.append(
            f"{missing_count} of {ledger_count} reservations are not in OpenTable's list."
        )
    if update_count:
        reasons.append(f"OpenTable's list would change {update_count} of {ledger_count}.")
    return " ".join((*reasons, "Nothing was changed. A manager must review the plan."))


def describe_plan_effects(counts: Mapping[str, object]) -> list[str]:
    """Return what the execution of a held plan does, and what it does not do, in sentences.

    Args:
        counts: The lengths of the report's lists, as stored.
    """
    effects = {
        "created": "{} will be added.",
        "updated": "{} will be updated as listed.",
        "cancelled": "{} will be canceled, because OpenTable canceled them.",
        "missing": (
            "{} will be looked up at OpenTable one by one. "
            "Those that OpenTable does not know are marked for review."
        ),
    }
    sentences = []
    for name, effect in effects.items():
        if count := typed_or_none(int, counts.get(name)):
            number = "1 reservation" if count == 1 else f"{count} reservations"
            sentences.append(effect.format(number))
    if counts.get("missing"):
        sentences.append("No reservation is canceled because it is missing from OpenTable's list.")
    return [*sentences, "A reservation that has changed since this report is skipped."]


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
            # OpenTable's list had no such row, so any row now explains the reservation.
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
        raise UnreadableDocumentError("an item of the plan is malformed") from None
    if not isinstance(precondition.open_table_id, str):
        raise UnreadableDocumentError("an item of the plan has no id")
    if not isinstance(key, str) or not is_external_key(key):
        raise UnreadableDocumentError("an item of the plan has no key")
    return PlannedCorrection(key, precondition)


def format_ledger_versions(state: ReservationState) -> str:
    """Return the stored version of each actor as text; empty without events."""
    versions = ((actor, state.get_registers(actor).version) for actor in Actor)
    return "; ".join(f"{actor} {format_version(version)}" for actor, version in versions if version)


def format_version(version: Version) -> str:
    """Return a version as text; versions of one actor are equal if their texts are."""
    occurred_at = version.occurred_at.astimezone(UTC).isoformat()
    return f"{version.event_id or version.sequence_id} {occurred_at}"
