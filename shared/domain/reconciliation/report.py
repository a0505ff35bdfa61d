"""The report of a reconciliation."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from shared.domain.days import DateWindow
from shared.domain.health import MissedWebhooks
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.divergence import DivergenceType
from shared.domain.ledger.document import resolve_status
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.field_values import ReservationStatus, format_utc
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.privacy import PERSONAL_PATHS
from shared.domain.reconciliation.held_plan import PlanPrecondition


class ReportStatus(StrEnum):
    """The result of a reconciliation."""

    COMPLETED = "COMPLETED"
    HELD = "HELD"
    FAILED = "FAILED"
    DRY_RUN = "DRY_RUN"


class RunFailureKind(StrEnum):
    """What a failed run could not use."""

    OPENTABLE = "OPENTABLE"
    SETTINGS = "SETTINGS"
    FIRESTORE = "FIRESTORE"
    INTERNAL = "INTERNAL"


ReportEntry = dict[str, Any]


class ReconciliationReport(Struct):
    """The report of one run, built up while it runs.

    Attributes:
        reconciled_at: Start of the run, UTC.
        reason: Why the run was held or failed.
        failure: The kind of the failure; None for a run that did not fail.
        is_compared: Whether both sides were read completely. Otherwise most counts are unknown.
        is_retryable: Whether a failed run may succeed without a person's action; not stored.
        open_table_count: Rows in OpenTable's response.
        ledger_count: OpenTable's reservations in the ledger's window; None before they were read.
        compared_count: Readable rows.
        unchanged_count: Rows equal to the ledger.
        new_divergences: Divergences without an entry in an earlier report.
        held_report_id: The held report with the executed plan, for a forced run only.
        held_rid: OpenTable's number of the restaurant, for a held plan only.
        missed_webhooks: Corrections normally brought by a webhook.
        created: Reservations missing in the ledger before.
        updated: Reservations with differences.
        cancelled: Reservations cancelled at OpenTable, but not in the ledger before.
        missing: Reservations absent from OpenTable's response; for a held plan only.
        skipped: Items of a forced plan with a failed precondition.
    """

    report_id: str
    restaurant_id: str
    window: DateWindow
    reconciled_at: datetime
    status: ReportStatus = ReportStatus.COMPLETED
    reason: str | None = None
    failure: RunFailureKind | None = None
    is_retryable: bool = True
    is_compared: bool = False
    open_table_count: int = 0
    ledger_count: int | None = None
    compared_count: int = 0
    unchanged_count: int = 0
    new_divergences: int = 0
    duration_ms: int = 0
    held_report_id: str | None = None
    held_rid: str | None = None
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
        """Add an executed, planned or simulated write to the list for its kind."""
        entry = _build_entry(external_key, write.state)
        if precondition is not None:
            entry["precondition"] = precondition.to_map()
        if write.is_create:
            self.created.append(entry | {"reason": "Missing in the ledger"})
            return
        changes = write.entry["changes"]
        status = resolve_status(write.state)
        previous = changes["status"]["from"] if "status" in changes else status
        entry["previousStatus"] = previous
        # Personal values are in the journal only: an erasure does not touch reports.
        entry["changes"] = {
            path: {"personal": True} if path in PERSONAL_PATHS else change
            for path, change in changes.items()
        }
        if status == ReservationStatus.CANCELLED and previous != ReservationStatus.CANCELLED:
            self.cancelled.append(entry | {"reason": "Cancelled at OpenTable"})
        else:
            self.updated.append(entry | {"newStatus": status})

    def add_divergence(
        self,
        divergence_type: DivergenceType,
        external_key: str | None,
        reason: str,
        *,
        is_new: bool,
        reservation_id: str | None = None,
        state: ReservationState | None = None,
    ) -> None:
        """Add a divergence.

        Args:
            external_key: The reservation's key; None if unreadable.
            reason: One sentence for the person who resolves it.
            is_new: Whether no earlier report lists it; only new ones raise an alert.
            reservation_id: The document, if its id does not follow from the key.
            state: The reservation's state; None if unreadable.
        """
        entry = _build_entry(external_key, state)
        if reservation_id is not None:
            entry["reservationId"] = reservation_id
        self.divergences.append({"type": divergence_type.value, **entry, "reason": reason})
        if is_new:
            self.new_divergences += 1

    def add_missing(
        self, external_key: str, state: ReservationState, precondition: PlanPrecondition
    ) -> None:
        """Add a reservation absent from OpenTable's response; it may still exist there."""
        entry = _build_entry(external_key, state)
        self.missing.append(entry | {"precondition": precondition.to_map()})

    def add_skipped(self, external_key: str, state: ReservationState, reason: str) -> None:
        """Add a skipped item of a forced plan, with the reason as one sentence."""
        self.skipped.append(_build_entry(external_key, state) | {"reason": reason})

    def count_entries(self) -> dict[str, Any]:
        """Return the counts for the response and the log."""
        return {
            "created": len(self.created),
            "updated": len(self.updated),
            "cancelled": len(self.cancelled),
            "divergences": len(self.divergences),
        }

    def to_summary_map(self) -> dict[str, Any]:
        """Return the report's document without its lists; an unknown count is None."""
        # A forced plan requests its items one by one and compares no window.
        has_findings = self.is_compared or self.held_report_id is not None
        return {
            "reportId": self.report_id,
            "restaurantId": self.restaurant_id,
            "startDate": self.window.start.isoformat(),
            "endDate": self.window.end.isoformat(),
            "reconciledAt": self.reconciled_at,
            "status": self.status.value,
            "reason": self.reason,
            "failure": self.failure and self.failure.value,
            "openTableCount": self.open_table_count if self.is_compared else None,
            "ledgerCount": self.ledger_count,
            "comparedCount": self.compared_count if self.is_compared else None,
            "unchangedCount": self.unchanged_count if self.is_compared else None,
            "newDivergences": self.new_divergences if has_findings else None,
            "missedWebhooks": self.missed_webhooks.count if has_findings else None,
            "durationMs": self.duration_ms,
            "heldReportId": self.held_report_id,
            "heldRid": self.held_rid,
            "counts": self.count_entries()
            | {"missing": len(self.missing), "skipped": len(self.skipped)},
        }


def _build_entry(external_key: str | None, state: ReservationState | None) -> ReportEntry:
    reservation_id = build_reservation_document_id(external_key) if external_key else None
    entry: ReportEntry = {"externalId": external_key, "reservationId": reservation_id}
    if state is not None:
        # For the totals of a plan by day, also of reservations without a document yet.
        start_at = state.resolve_field("startAt")
        entry["startAt"] = format_utc(start_at) if isinstance(start_at, datetime) else None
        entry["partySize"] = state.resolve_field("partySize")
    return entry
