"""The reconciliation report: what was compared, what differed, and what was done about it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from shared.core.decision import Commit
from shared.core.document import status_shown
from shared.core.erasure import PERSONAL_PATHS
from shared.core.keys import reservation_document_id
from shared.core.missed import Missed
from shared.core.planned import Basis
from shared.core.states import Status
from shared.core.window import Window


class ReportStatus(StrEnum):
    """How a reconciliation ended."""

    COMPLETED = "COMPLETED"
    HELD = "HELD"
    FAILED = "FAILED"
    DRY_RUN = "DRY_RUN"


class Divergence(StrEnum):
    """What reconciliation may not correct by itself."""

    MISSING_IN_OPENTABLE = "MISSING_IN_OPENTABLE"
    UNREADABLE = "UNREADABLE"
    CONFLICTING_VERSION = "CONFLICTING_VERSION"
    VERSION_BEHIND = "VERSION_BEHIND"
    WRONG_TIME_ZONE = "WRONG_TIME_ZONE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"


Entry = dict[str, Any]


class Report(Struct):
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
        forced_from: The held report whose plan this run carried out, None for any other run.
        missed: Corrections that a webhook should have brought.
        created: Reservations that the ledger lacked.
        updated: Reservations that differed.
        cancelled: Reservations that were cancelled at OpenTable alone.
        divergences: What is left for a person.
        missing: What OpenTable's answer lacked of the ledger, where the plan was held.
        skipped: What a forced plan left alone, as either side had moved.
    """

    report_id: str
    restaurant_id: str
    window: Window
    reconciled_at: datetime
    status: ReportStatus = ReportStatus.COMPLETED
    reason: str | None = None
    open_table_count: int = 0
    ledger_count: int = 0
    compared_count: int = 0
    unchanged_count: int = 0
    new_divergences: int = 0
    duration_ms: int = 0
    forced_from: str | None = None
    missed: Missed = field(default_factory=Missed)
    created: list[Entry] = field(default_factory=list)
    updated: list[Entry] = field(default_factory=list)
    cancelled: list[Entry] = field(default_factory=list)
    divergences: list[Entry] = field(default_factory=list)
    missing: list[Entry] = field(default_factory=list)
    skipped: list[Entry] = field(default_factory=list)

    def correct(self, external_key: str, commit: Commit, basis: Basis | None = None) -> None:
        """List a correction under what it is; personal values are the journal's alone to tell.

        Args:
            external_key: The reservation's.
            commit: What was written, or would be.
            basis: What a plan saw; None where the correction was made at once.
        """
        changes = commit.entry["changes"]
        entry = _entry(external_key) | ({"basis": basis.stored()} if basis else {})
        told = {
            path: {"personal": True} if path in PERSONAL_PATHS else moved
            for path, moved in changes.items()
        }
        status = status_shown(commit.statements)
        previous = changes["status"]["from"] if "status" in changes else status
        if commit.creates:
            self.created.append(entry | {"reason": "Missing in the ledger"})
        elif status == Status.CANCELLED != previous:
            reason = {"previousStatus": previous, "reason": "Cancelled at OpenTable"}
            self.cancelled.append(entry | reason | {"changes": told})
        else:
            statuses = {"previousStatus": previous, "newStatus": status}
            self.updated.append(entry | statuses | {"changes": told})

    def diverge(
        self, kind: Divergence, external_key: str | None, reason: str, *, is_new: bool
    ) -> None:
        """List a divergence.

        Args:
            kind: Its type.
            external_key: The reservation's, None where a row does not tell.
            reason: One sentence for the person who looks.
            is_new: Whether no earlier report had it; alarms are for new ones.
        """
        self.divergences.append({"type": kind.value, **_entry(external_key), "reason": reason})
        self.new_divergences += is_new

    def lack(self, external_key: str, basis: Basis) -> None:
        """List a reservation that OpenTable's answer lacks, of which nothing is concluded yet."""
        self.missing.append(_entry(external_key) | {"basis": basis.stored()})

    def skip(self, external_key: str, reason: str) -> None:
        """List an item of a forced plan that was left alone, and why, in a sentence."""
        self.skipped.append(_entry(external_key) | {"reason": reason})

    def counts(self) -> dict[str, Any]:
        """Return the counts by which a run is answered and logged."""
        return {
            "created": len(self.created),
            "updated": len(self.updated),
            "cancelled": len(self.cancelled),
            "divergences": len(self.divergences),
        }

    def summary(self) -> dict[str, Any]:
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
            "missedWebhooks": self.missed.count,
            "durationMs": self.duration_ms,
            "forcedFrom": self.forced_from,
            "counts": self.counts() | {"missing": len(self.missing), "skipped": len(self.skipped)},
        }


def _entry(external_key: str | None) -> Entry:
    known = external_key and reservation_document_id(external_key)
    return {"externalId": external_key, "reservationId": known}
