"""The inputs of one reconciliation, and the divergences listed in its report only.

Other divergences are also flagged on their reservation (`shared.reconciliation.corrections`).
"""

from contextlib import suppress
from datetime import datetime

from msgspec import Struct

from shared.analytics import DayDigests
from shared.context import ConnectedRestaurant
from shared.domain.ledger.divergence import DivergenceType
from shared.domain.normalization.identifiers import OPENTABLE_DOCUMENT_PREFIX, build_external_key
from shared.domain.normalization.opentable_reservation import read_row_id
from shared.domain.reconciliation.report import ReconciliationReport
from shared.errors import InvalidEventError
from shared.firestore.leases import Lease
from shared.ingest.events import UnreadableRow
from shared.ledger.ledger import Ledger
from shared.log import LogEvent, Severity, log_event

_DAMAGED_REASON = "The stored document cannot be read. Correct or delete it."


class ReconciliationContext(Struct, frozen=True):
    """The inputs of one reconciliation and the report it fills.

    Attributes:
        lease: The lease of the run. An hourly run acquires it before its first change.
        covers_full_window: Whether it compares every day of the nightly run.
        cursor: The cursor of the poll; None if no poll has completed.
        previous_time_zone: The time zone of the local dates in the ledger; None if no
            reconciliation has completed.
        was_time_zone_wrong: Whether the previous run reported a wrong time zone.
        unreadable_ids: Damaged documents reported by the previous run.
        guest_retry_at: When the first failed request of a guest is repeated; None without one.
        analytics_digests: The digests of the stored analytics by day.
        is_dry_run: Whether to leave the reservations unchanged; the report is stored.
    """

    restaurant: ConnectedRestaurant
    ledger: Ledger
    report: ReconciliationReport
    lease: Lease
    covers_full_window: bool
    cursor: datetime | None
    previous_time_zone: str | None
    was_time_zone_wrong: bool
    unreadable_ids: frozenset[str]
    guest_retry_at: datetime | None
    analytics_digests: DayDigests
    is_dry_run: bool

    @property
    def is_first(self) -> bool:
        """Whether neither a poll nor a reconciliation has completed."""
        return self.cursor is None and self.previous_time_zone is None

    @property
    def expects_webhooks(self) -> bool:
        """Whether webhooks should have delivered the changes: not before the first poll."""
        return self.cursor is not None and bool(self.restaurant.settings.webhook_auth)


def report_unreadable_document(
    run: ReconciliationContext, document_id: str, reason: str = _DAMAGED_REASON
) -> None:
    """List a damaged document of the ledger once per run; log it if no earlier run did."""
    report = run.report
    if any(entry["reservationId"] == document_id for entry in report.divergences):
        return
    # The document cannot have a flag: the settings document remembers the damage.
    is_new = document_id not in run.unreadable_ids
    key = document_id.removeprefix(OPENTABLE_DOCUMENT_PREFIX)
    external_key = None if key == document_id else key
    report.add_divergence(
        DivergenceType.UNREADABLE, external_key, reason, is_new=is_new, reservation_id=document_id
    )
    if is_new:
        log_new_divergence(report, DivergenceType.UNREADABLE, external_key)


def report_unreadable_row(run: ReconciliationContext, row: UnreadableRow) -> str | None:
    """List a quarantined row as a divergence; return its external key if its id is readable."""
    external_key = None
    if isinstance(row.item, dict):
        with suppress(InvalidEventError):  # its id is invalid, too
            external_key = build_external_key(read_row_id(row.item), run.restaurant.settings.rid)
    reason = f"OpenTable's row cannot be read ({row.rejection}). See the quarantine."
    run.report.add_divergence(
        DivergenceType.UNREADABLE, external_key, reason, is_new=row.entry.is_new
    )
    return external_key


def report_wrong_time_zone(run: ReconciliationContext, wrong_zone_count: int) -> None:
    """List rows with times in another zone than the restaurant's; log them the first time."""
    if not wrong_zone_count:
        return
    report, is_new = run.report, not run.was_time_zone_wrong
    reason = (
        f"{wrong_zone_count} rows have local times that do not match "
        f"{run.restaurant.settings.zone}. Correct timeZone in the settings."
    )
    report.add_divergence(DivergenceType.WRONG_TIME_ZONE, None, reason, is_new=is_new)
    if is_new:
        log_new_divergence(report, DivergenceType.WRONG_TIME_ZONE, None)


def log_new_divergence(
    report: ReconciliationReport, divergence: DivergenceType, external_key: str | None
) -> None:
    """Log a divergence new to the reports; the alarm counts these lines."""
    log_event(
        Severity.ERROR,
        LogEvent.RECONCILIATION_DIVERGENCE,
        restaurantId=report.restaurant_id,
        reportId=report.report_id,
        type=divergence.value,
        externalId=external_key,
    )
