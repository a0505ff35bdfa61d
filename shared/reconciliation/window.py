"""Read both sides of a window completely and compare them.

Only unreadable rows are written, to the quarantine.
"""

import asyncio

from msgspec import Struct, field

from shared.domain.analytics import RollupBuilder
from shared.domain.ledger.divergence import DivergenceType
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.normalization.opentable_reservation import has_time_zone_conflict
from shared.domain.reconciliation.compare import ReservationFingerprint, compute_event_digest
from shared.errors import OpenTableError, UnreadableDocumentError
from shared.ingest.events import NormalizedRows, normalize_or_quarantine_rows
from shared.ledger.queries import LedgerWindow, load_ledger_window
from shared.opentable.query import ListingQuery, LocalDateTime, Resource
from shared.reconciliation.context import ReconciliationContext, report_unreadable_row


class WindowComparison(Struct):
    """The result of reading both sides of a window.

    Attributes:
        fingerprints: The ledger's side, by external key.
        unreadable: Damaged documents of the ledger, by document id.
        seen_keys: Every key in OpenTable's listing, unreadable rows included.
        differing_events: The rows without an equal fingerprint in the ledger, by external key.
        wrong_zone_count: Rows with local and UTC times that contradict the restaurant's zone.
    """

    fingerprints: dict[str, ReservationFingerprint] = field(default_factory=dict)
    unreadable: dict[str, UnreadableDocumentError] = field(default_factory=dict)
    seen_keys: set[str] = field(default_factory=set)
    differing_events: dict[str, ReservationEvent] = field(default_factory=dict)
    wrong_zone_count: int = 0

    def list_unlisted_keys(self) -> list[str]:
        """Return the ledger's unlisted keys without a flag from an earlier run."""
        missing = DivergenceType.MISSING_IN_OPENTABLE
        return [
            key
            for key, fingerprint in self.fingerprints.items()
            if key not in self.seen_keys and fingerprint.divergence != missing
        ]

    def list_missing_keys(self) -> list[str]:
        """Return the unlisted keys with a start time; without one, a reservation has no window."""
        return [key for key in self.list_unlisted_keys() if self.fingerprints[key].has_start_time]

    def has_differences(self) -> bool:
        """Return whether anything may have to be corrected, flagged or reported."""
        return (
            bool(self.differing_events or self.unreadable or self.list_unlisted_keys())
            # A missing guest is fetched.
            or any(fingerprint.missing_guest_id for fingerprint in self.fingerprints.values())
        )

    def list_flagged_keys(self) -> list[str]:
        """Return the keys flagged as missing by an earlier run and still missing."""
        return sorted(self.fingerprints.keys() - self.seen_keys - set(self.list_unlisted_keys()))


async def compare_window(
    run: ReconciliationContext, rollup_builder: RollupBuilder
) -> WindowComparison:
    """Read both sides of the run's window completely and compare them.

    Both sides are read concurrently. A change between the two reads does no harm: the run reads
    each differing or missing reservation again, by its id, before it acts on it. The report counts
    the rows and lists the unreadable ones; `rollup_builder` counts the ledger's reservations.

    Raises:
        OpenTableError: OpenTable's listing is incomplete, so no conclusion is possible.
    """
    restaurant, window = run.restaurant, run.report.window
    comparison = WindowComparison()
    ledger_task = asyncio.create_task(_read_ledger(run, rollup_builder))
    try:
        # OpenTable compares these bounds with the restaurant's local times.
        query = ListingQuery(
            scheduled_from=LocalDateTime.from_date(window.start),
            scheduled_to=LocalDateTime.end_of_day(window.end),
        )
        pages = restaurant.context.opentable.iterate_pages(
            restaurant.access, Resource.RESERVATIONS, query, restaurant.deadline
        )
        async for page in pages:
            rows = await normalize_or_quarantine_rows(
                restaurant,
                (*page.rows, *page.malformed_items),
                Channel.RECONCILIATION,
            )
            # Compare no page before the ledger's side is complete.
            ledger_window = await ledger_task
            comparison.fingerprints = ledger_window.fingerprints
            comparison.unreadable = ledger_window.unreadable
            _compare_rows(run, comparison, rows)
            zone = restaurant.settings.require_zone()
            comparison.wrong_zone_count += sum(
                has_time_zone_conflict(row, zone) for row in page.rows
            )
    except OpenTableError:
        # The report of a failed run still counts the ledger's reservations.
        await asyncio.wait([ledger_task])
        raise
    finally:
        ledger_task.cancel()
        await asyncio.gather(ledger_task, return_exceptions=True)
    return comparison


async def _read_ledger(run: ReconciliationContext, rollup_builder: RollupBuilder) -> LedgerWindow:
    restaurant, report = run.restaurant, run.report
    ledger_window = await load_ledger_window(
        restaurant.firestore,
        report.restaurant_id,
        report.window,
        restaurant.deadline,
        rollup_builder,
    )
    report.ledger_count = sum(
        fingerprint.has_start_time for fingerprint in ledger_window.fingerprints.values()
    )
    return ledger_window


def _compare_rows(
    run: ReconciliationContext, comparison: WindowComparison, rows: NormalizedRows
) -> None:
    settings, report = run.restaurant.settings, run.report
    zone = settings.require_zone()
    report.open_table_count += len(rows.events) + len(rows.unreadable)
    report.compared_count += len(rows.events)
    for event in rows.events:
        key = event.external_key
        fingerprint = comparison.fingerprints.get(key)
        # A row on a page boundary may be listed twice, the second time in a newer version.
        is_repeated = key in comparison.seen_keys
        comparison.seen_keys.add(key)
        is_equal = (
            fingerprint is not None
            # A flagged reservation is decided again: its flag may have to be cleared.
            and fingerprint.divergence is None
            and fingerprint.has_search_terms
            and not is_repeated
            and fingerprint.digest == compute_event_digest(event, settings.restaurant_id, zone)
        )
        if is_equal:
            report.unchanged_count += 1
            continue
        if build_reservation_document_id(key) in comparison.unreadable:
            continue  # left as it is, and reported below
        earlier = comparison.differing_events.get(key)
        if earlier is None or earlier.version < event.version:
            comparison.differing_events[key] = event
    for row in rows.unreadable:
        unreadable_key = report_unreadable_row(run, row)
        if unreadable_key is not None:
            # OpenTable has the reservation, so it is not missing there.
            comparison.seen_keys.add(unreadable_key)
