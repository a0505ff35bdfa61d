"""Read a window of reservations from OpenTable and from the ledger, and compare them row by row.

Neither side is kept in memory as documents: the ledger's side is reduced to fingerprints, and
OpenTable's side is read page by page.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from shared.concurrency import gather_bounded
from shared.context import RestaurantContext
from shared.domain.analytics.rollup import RollupBuilder
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.identifiers import build_external_key, list_id_spellings
from shared.domain.normalization.opentable_reservation import has_time_zone_conflict, read_row_id
from shared.domain.reconciliation.compare import ReservationFingerprint, fingerprint_row
from shared.domain.reconciliation.report import DivergenceType, ReconciliationReport
from shared.errors import InvalidEventError, OpenTableError
from shared.ingest.events import NormalizedRows, UnreadableRow, normalize_rows
from shared.ledger.ledger import Ledger
from shared.ledger.queries import load_ledger_window
from shared.opentable.query import ListingQuery, LocalDateTime, Resource

_MAX_CONCURRENT_FETCHES = 8


class ReconciliationRun(Struct, frozen=True):
    """The inputs of one reconciliation and the report it fills.

    Attributes:
        restaurant: The restaurant.
        ledger: Its ledger of OpenTable's reservations.
        report: The report.
        cursor: The cursor of the poll; None if no poll has completed.
        previous_time_zone: The time zone of the local dates in the ledger; None if no
            reconciliation has completed.
        was_time_zone_wrong: Whether the previous run reported a wrong time zone.
        is_dry_run: Whether to write nothing but the report.
    """

    restaurant: RestaurantContext
    ledger: Ledger
    report: ReconciliationReport
    cursor: datetime | None
    previous_time_zone: str | None
    was_time_zone_wrong: bool
    is_dry_run: bool

    @property
    def expects_webhooks(self) -> bool:
        """Whether webhooks should have delivered the changes: not before the first poll."""
        return self.cursor is not None and bool(self.restaurant.settings.webhook_auth)


class WindowComparison(Struct):
    """The result of reading both sides of a window.

    Attributes:
        fingerprints: The ledger's side, by external key.
        seen_keys: Every key in OpenTable's listing, unreadable rows included.
        differing_events: The rows without an equal fingerprint in the ledger, by external key.
        wrong_zone_count: Rows whose local and UTC times do not match in the restaurant's zone.
    """

    fingerprints: dict[str, ReservationFingerprint] = field(default_factory=dict)
    seen_keys: set[str] = field(default_factory=set)
    differing_events: dict[str, ReservationEvent] = field(default_factory=dict)
    wrong_zone_count: int = 0

    def find_unseen(self) -> list[str]:
        """Return the ledger's unlisted keys without a flag from an earlier run."""
        missing = DivergenceType.MISSING_IN_OPENTABLE
        return [
            key
            for key, fingerprint in self.fingerprints.items()
            if key not in self.seen_keys and fingerprint.divergence != missing
        ]

    def find_missing(self) -> list[str]:
        """Return the unseen keys in the window; a reservation without a start is in none."""
        return [key for key in self.find_unseen() if self.fingerprints[key].has_start_time]

    def find_already_flagged(self) -> list[str]:
        """Return the keys flagged as missing by an earlier run and still missing."""
        return sorted(self.fingerprints.keys() - self.seen_keys - set(self.find_unseen()))


async def compare_window(run: ReconciliationRun, rollup_builder: RollupBuilder) -> WindowComparison:
    """Read both sides of the run's window completely and compare them.

    Both sides are read concurrently. A change between the two reads does no harm: the run reads
    each differing or missing reservation again, by its id, before it acts on it.

    Args:
        run: The run. Its report counts the rows and lists the unreadable ones.
        rollup_builder: Counts the ledger's reservations.

    Raises:
        OpenTableError: OpenTable's listing is incomplete, so no conclusion is possible.
    """
    restaurant, window = run.restaurant, run.report.window
    comparison = WindowComparison()
    ledger_task = asyncio.create_task(_read_fingerprints(run, rollup_builder))
    try:
        query = ListingQuery(
            scheduled_from=LocalDateTime.from_date(window.start),
            scheduled_to=LocalDateTime.end_of_day(window.end),
        )
        pages = restaurant.context.opentable.iterate_pages(
            restaurant.access, Resource.RESERVATIONS, query, restaurant.deadline
        )
        async for page in pages:
            rows = await normalize_rows(
                restaurant.context,
                restaurant.settings,
                (*page.rows, *page.malformed_items),
                Channel.RECONCILIATION,
            )
            # Compare no page before the ledger's side is complete.
            comparison.fingerprints = await ledger_task
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


async def _read_fingerprints(
    run: ReconciliationRun, rollup_builder: RollupBuilder
) -> dict[str, ReservationFingerprint]:
    fingerprints = await load_ledger_window(
        run.restaurant.context.firestore,
        run.report.restaurant_id,
        run.report.window,
        run.restaurant.deadline,
        rollup_builder,
    )
    run.report.ledger_count = sum(mark.has_start_time for mark in fingerprints.values())
    return fingerprints


def _compare_rows(
    run: ReconciliationRun, comparison: WindowComparison, rows: NormalizedRows
) -> None:
    settings, report = run.restaurant.settings, run.report
    zone = settings.require_zone()
    report.open_table_count += len(rows.events) + len(rows.unreadable)
    report.compared_count += len(rows.events)
    for event in rows.events:
        key = event.external_key
        fingerprint = comparison.fingerprints.get(key)
        is_repeated = key in comparison.seen_keys
        comparison.seen_keys.add(key)
        is_equal = (
            fingerprint is not None
            # A flagged reservation is decided again: its flag may have to be cleared.
            and fingerprint.divergence is None
            and not is_repeated
            and fingerprint.digest == fingerprint_row(event, settings.restaurant_id, zone)
        )
        if is_equal:
            report.unchanged_count += 1
            continue
        earlier = comparison.differing_events.get(key)
        if earlier is None or earlier.version < event.version:
            comparison.differing_events[key] = event
    for unreadable in rows.unreadable:
        unreadable_key = None
        if isinstance(unreadable.item, dict):
            with suppress(InvalidEventError):  # its id is invalid, too
                unreadable_key = build_external_key(read_row_id(unreadable.item), settings.rid)
                # OpenTable has the reservation, so it is not missing there.
                comparison.seen_keys.add(unreadable_key)
        report_unreadable_row(report, unreadable, unreadable_key)


def report_unreadable_row(
    report: ReconciliationReport, row: UnreadableRow, external_key: str | None
) -> None:
    """List a quarantined row as a divergence, with its key if it has a readable one."""
    reason = f"OpenTable's row cannot be read ({row.rejection}). See the quarantine."
    report.add_divergence(DivergenceType.UNREADABLE, external_key, reason, is_new=row.entry.is_new)


async def fetch_reservations_by_id(
    restaurant: RestaurantContext, opentable_ids: Iterable[str]
) -> list[dict[str, Any] | None]:
    """Fetch OpenTable's rows by id, concurrently and in order; None for an id unknown there.

    Args:
        restaurant: The restaurant.
        opentable_ids: Ids as OpenTable or a relay spells them; each known spelling is tried.
    """

    async def fetch(opentable_id: str) -> dict[str, Any] | None:
        for spelling in list_id_spellings(opentable_id, restaurant.access.rid):
            row = await restaurant.context.opentable.fetch_reservation(
                restaurant.access, spelling, restaurant.deadline
            )
            if row is not None:
                return row
        return None

    return await gather_bounded(_MAX_CONCURRENT_FETCHES, fetch, opentable_ids)
