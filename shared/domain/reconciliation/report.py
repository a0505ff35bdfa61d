"""The reconciliation report: what was compared, what differed, and what was done about it.

What reconciliation itself says about a reservation, as changes like any other.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from shared.domain.backfill import DateWindow
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.document import format_opentable_version, resolve_status
from shared.domain.ledger.events import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.fields import ReservationStatus
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.polling import MissedWebhooks
from shared.domain.privacy import PERSONAL_PATHS
from shared.domain.reconciliation.compare import PlanPrecondition


class ReportStatus(StrEnum):
    """How a reconciliation ended."""

    COMPLETED = "COMPLETED"
    HELD = "HELD"
    FAILED = "FAILED"
    DRY_RUN = "DRY_RUN"


class DivergenceType(StrEnum):
    """What reconciliation may not correct by itself."""

    MISSING_IN_OPENTABLE = "MISSING_IN_OPENTABLE"
    UNREADABLE = "UNREADABLE"
    CONFLICTING_VERSION = "CONFLICTING_VERSION"
    VERSION_BEHIND = "VERSION_BEHIND"
    WRONG_TIME_ZONE = "WRONG_TIME_ZONE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"


ReportEntry = dict[str, Any]


class ReconciliationReport(Struct):
    """A report while it is written.

    Attributes:
        report_id: Its document id.
        restaurant_id: Whose.
        window: The days compared.
        reconciled_at: When the run began, UTC.
        status: How it ended.
        reason: Why it was held or failed.
        open_table_count: Rows in OpenTable's answer.
        ledger_count: OpenTable's reservations in the ledger's window.
        compared_count: Rows that could be read and were compared.
        unchanged_count: Rows that the ledger showed already.
        new_divergences: Divergences that no earlier report had.
        duration_ms: How long the run's work took.
        held_report_id: The held report whose plan this run carried out, None for any other run.
        missed_webhooks: Corrections that a webhook should have brought.
        created: Reservations that the ledger lacked.
        updated: Reservations that differed.
        cancelled: Reservations that were cancelled at OpenTable alone.
        divergences: What is left for a person.
        missing: What OpenTable's answer lacked of the ledger, where the plan was held.
        skipped: What a forced plan left alone, as either side had moved.
    """

    report_id: str
    restaurant_id: str
    window: DateWindow
    reconciled_at: datetime
    status: ReportStatus = ReportStatus.COMPLETED
    reason: str | None = None
    open_table_count: int = 0
    ledger_count: int = 0
    compared_count: int = 0
    unchanged_count: int = 0
    new_divergences: int = 0
    duration_ms: int = 0
    held_report_id: str | None = None
    missed_webhooks: MissedWebhooks = field(default_factory=MissedWebhooks)
    created: list[ReportEntry] = field(default_factory=list)
    updated: list[ReportEntry] = field(default_factory=list)
    cancelled: list[ReportEntry] = field(default_factory=list)
    divergences: list[ReportEntry] = field(default_factory=list)
    missing: list[ReportEntry] = field(default_factory=list)
    skipped: list[ReportEntry] = field(default_factory=list)

    def add_correction(
        self,
        external_key: str,
        write: ReservationWrite,
        precondition: PlanPrecondition | None = None,
    ) -> None:
        """List a correction under what it is; personal values are the journal's alone to tell.

        Args:
            external_key: The reservation's.
            write: What was written, or would be.
            precondition: What a plan saw; None where the correction was made at once.
        """
        changes = write.entry["changes"]
        entry = _build_entry(external_key) | (
            {"basis": precondition.to_map()} if precondition else {}
        )
        masked_changes = {
            path: {"personal": True} if path in PERSONAL_PATHS else change
            for path, change in changes.items()
        }
        status = resolve_status(write.state)
        previous = changes["status"]["from"] if "status" in changes else status
        if write.is_create:
            self.created.append(entry | {"reason": "Missing in the ledger"})
        elif status == ReservationStatus.CANCELLED != previous:
            reason = {"previousStatus": previous, "reason": "Cancelled at OpenTable"}
            self.cancelled.append(entry | reason | {"changes": masked_changes})
        else:
            statuses = {"previousStatus": previous, "newStatus": status}
            self.updated.append(entry | statuses | {"changes": masked_changes})

    def add_divergence(
        self,
        divergence_type: DivergenceType,
        external_key: str | None,
        reason: str,
        *,
        is_new: bool,
    ) -> None:
        """List a divergence.

        Args:
            divergence_type: Its type.
            external_key: The reservation's, None where a row does not tell.
            reason: One sentence for the person who looks.
            is_new: Whether no earlier report had it; alarms are for new ones.
        """
        self.divergences.append(
            {"type": divergence_type.value, **_build_entry(external_key), "reason": reason}
        )
        self.new_divergences += is_new

    def add_missing(self, external_key: str, precondition: PlanPrecondition) -> None:
        """List a reservation that OpenTable's answer lacks, of which nothing is concluded yet."""
        self.missing.append(_build_entry(external_key) | {"basis": precondition.to_map()})

    def add_skipped(self, external_key: str, reason: str) -> None:
        """List an item of a forced plan that was left alone, and why, in a sentence."""
        self.skipped.append(_build_entry(external_key) | {"reason": reason})

    def count_entries(self) -> dict[str, Any]:
        """Return the counts by which a run is answered and logged."""
        return {
            "created": len(self.created),
            "updated": len(self.updated),
            "cancelled": len(self.cancelled),
            "divergences": len(self.divergences),
        }

    def to_summary_map(self) -> dict[str, Any]:
        """Return the report's document but for its lists."""
        return {
            "reportId": self.report_id,
            "restaurantId": self.restaurant_id,
            "startDate": self.window.start.isoformat(),
            "endDate": self.window.end.isoformat(),
            "reconciledAt": self.reconciled_at,
            "status": self.status.value,
            "reason": self.reason,
            "openTableCount": self.open_table_count,
            "ledgerCount": self.ledger_count,
            "comparedCount": self.compared_count,
            "unchangedCount": self.unchanged_count,
            "newDivergences": self.new_divergences,
            "missedWebhooks": self.missed_webhooks.count,
            "durationMs": self.duration_ms,
            "heldReportId": self.held_report_id,
            "counts": self.count_entries()
            | {"missing": len(self.missing), "skipped": len(self.skipped)},
        }


def _build_entry(external_key: str | None) -> ReportEntry:
    reservation_id = external_key and build_reservation_document_id(external_key)
    return {"externalId": external_key, "reservationId": reservation_id}


def build_divergence_event(
    external_key: str,
    state: ReservationState,
    divergence: DivergenceType | None,
    report_id: str,
    now: datetime,
) -> ReservationEvent:
    """Return the flagging of a divergence, or with None its settling.

    It holds while OpenTable says nothing newer, so it needs no undoing when OpenTable does.
    """
    fields: dict[str, FieldValue] = {
        "divergence": divergence and divergence.value,
        "divergenceVersion": format_opentable_version(state),
    }
    kind = "flagged" if divergence else "settled"
    return _build_reconciliation_event(
        external_key, kind, fields, report_id, _next_timestamp(state, now)
    )


def build_repair_event(
    external_key: str, state: ReservationState, report_id: str, now: datetime
) -> ReservationEvent:
    """Return the repair of a document that does not show what was said.

    It says nothing: applying any change renders the document anew from all that is held.
    """
    return _build_reconciliation_event(
        external_key, "repaired", {}, report_id, _next_timestamp(state, now)
    )


def _next_timestamp(state: ReservationState, now: datetime) -> datetime:
    """Return the present, or just after our last finding where another clock ran ahead."""
    last_version = state.get_registers(Actor.LINEUP).version
    return (
        now
        if last_version is None
        else max(now, last_version.occurred_at + timedelta(microseconds=1))
    )


def _build_reconciliation_event(
    external_key: str,
    kind: str,
    fields: Mapping[str, FieldValue],
    report_id: str,
    occurred_at: datetime,
) -> ReservationEvent:
    event_id = f"{kind}-{report_id}"
    return ReservationEvent(
        external_key=external_key,
        event_id=event_id,
        event_type=f"reconciliation.{kind}",
        actor=Actor.LINEUP,
        version=Version.from_timestamp(occurred_at, event_id),
        fields=fields,
        payload=json.dumps({"reportId": report_id}),
        channel=Channel.RECONCILIATION,
    )
