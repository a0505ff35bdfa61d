"""What one reconciliation works with.

Reading both sides of a window, row against mark, without holding either side whole.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from shared.context import RestaurantContext
from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.identifiers import build_external_key
from shared.domain.normalization.opentable_reservation import has_time_zone_conflict, read_row_id
from shared.domain.reconciliation.compare import ReservationFingerprint, fingerprint_row
from shared.domain.reconciliation.report import DivergenceType, ReconciliationReport
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError, OpenTableError
from shared.ingest.events import NormalizedRows, UnreadableRow, normalize_rows
from shared.opentable.query import ListingQuery, LocalDateTime, Resource


class ReconciliationRun(Struct, frozen=True):
    """What one reconciliation works with.

    Attributes:
        restaurant: To the restaurant's book.
        report: What is written down.
        cursor: The poll's cursor, None where it never ran to its end.
        is_dry_run: Whether nothing but the report may be written.
        was_time_zone_wrong: Whether the last run found the restaurant's zone to be wrong already.
        previous_time_zone: The zone in which the last complete run left the local dates, None where
            there was none.
    """

    restaurant: RestaurantContext
    report: ReconciliationReport
    cursor: datetime | None
    is_dry_run: bool
    was_time_zone_wrong: bool
    previous_time_zone: str | None

    @property
    def is_first(self) -> bool:
        """Whether nothing was level yet: neither a poll nor a reconciliation ever ended well."""
        return self.cursor is None and self.previous_time_zone is None

    @property
    def expects_webhooks(self) -> bool:
        """Whether webhooks were to be expected: before the first poll all is new to everyone."""
        return self.cursor is not None and bool(self.restaurant.settings.webhook_auth)


class WindowComparison(Struct):
    """What a complete reading of both sides found.

    Attributes:
        fingerprints: The ledger's marks, by external key.
        seen_keys: Every key in OpenTable's answer, unreadable rows included.
        differing_events: Rows that are not plainly equal to what is held, by key.
        wrong_zone_count: How many rows' times contradict the restaurant's zone.
    """

    fingerprints: dict[str, ReservationFingerprint] = field(default_factory=dict)
    seen_keys: set[str] = field(default_factory=set)
    differing_events: dict[str, ReservationEvent] = field(default_factory=dict)
    wrong_zone_count: int = 0

    def count_wrong_zone_rows(self, rows: Iterable[dict[str, Any]], zone: ZoneInfo) -> None:
        """Count the rows whose local and UTC times contradict the restaurant's zone."""
        self.wrong_zone_count += sum(has_time_zone_conflict(row, zone) for row in rows)

    def find_missing(self) -> list[str]:
        """Return the keys held in the window that the answer lacks and no earlier run flagged."""
        return [key for key in self.find_unseen() if self.fingerprints[key].has_start_time]

    def find_unseen(self) -> list[str]:
        """Return the keys held that the answer lacks and no earlier run flagged as missing."""
        missing_divergence = DivergenceType.MISSING_IN_OPENTABLE
        return [
            key
            for key, fingerprint in self.fingerprints.items()
            if key not in self.seen_keys and fingerprint.divergence != missing_divergence
        ]

    def find_already_flagged(self) -> list[str]:
        """Return the keys flagged as missing by an earlier run, and still unseen."""
        return sorted(self.fingerprints.keys() - self.seen_keys - set(self.find_unseen()))


async def compare_window(
    run: ReconciliationRun, ledger_read: Coroutine[Any, Any, dict[str, ReservationFingerprint]]
) -> WindowComparison:
    """Read both sides completely and hold OpenTable's rows against the ledger's marks.

    Which side is read first does not matter: what either says only afterwards is asked for again,
    by its id, before anything follows from it. So both are asked at once.

    Args:
        run: The run; its report counts what is read, and takes up the unreadable rows.
        ledger_read: Reads the ledger's side, and counts it in the report.

    Raises:
        OpenTableError: When the answer is not shown to be complete; nothing follows from it.
        LedgerUnavailableError: When the ledger's side could not be read, or an unreadable row
            not be kept aside.
    """
    fingerprints_task = asyncio.create_task(ledger_read)
    try:
        return await _compare_pages(run, fingerprints_task)
    except OpenTableError:
        await asyncio.wait(
            [fingerprints_task]
        )  # The report of what failed tells what is held all the same.
        raise
    finally:
        fingerprints_task.cancel()
        await asyncio.gather(fingerprints_task, return_exceptions=True)


async def _compare_pages(
    run: ReconciliationRun, fingerprints: Awaitable[dict[str, ReservationFingerprint]]
) -> WindowComparison:
    window, report = run.report.window, run.report
    query = ListingQuery(
        scheduled_from=LocalDateTime.from_date(window.start),
        scheduled_to=LocalDateTime.end_of_day(window.end),
    )
    comparison = WindowComparison()
    pages = run.restaurant.context.opentable.iterate_pages(
        run.restaurant.access, Resource.RESERVATIONS, query, run.restaurant.deadline
    )
    async for page in pages:
        items = (*page.rows, *page.malformed_items)
        batch = await normalize_rows(
            run.restaurant.context, run.restaurant.settings, items, Channel.RECONCILIATION
        )
        comparison.fingerprints = await fingerprints
        report.open_table_count += len(items)
        report.compared_count += len(batch.events)
        _compare_batch(comparison, run.restaurant.settings, batch, report)
        comparison.count_wrong_zone_rows(page.rows, run.restaurant.settings.require_zone())
    return comparison


def _compare_batch(
    comparison: WindowComparison,
    settings: IntegrationSettings,
    batch: NormalizedRows,
    report: ReconciliationReport,
) -> None:
    for event in batch.events:
        _compare_event(comparison, settings, event, report)
    for unreadable in batch.unreadable:
        key = _read_key(unreadable, settings)
        if key is not None:
            comparison.seen_keys.add(key)
        text = f"OpenTable's row cannot be read ({unreadable.rejection}); see the quarantine."
        report.add_divergence(DivergenceType.UNREADABLE, key, text, is_new=unreadable.entry.is_new)


def _compare_event(
    comparison: WindowComparison,
    settings: IntegrationSettings,
    event: ReservationEvent,
    report: ReconciliationReport,
) -> None:
    key = event.external_key
    fingerprint = comparison.fingerprints.get(key)
    was_seen = key in comparison.seen_keys
    comparison.seen_keys.add(key)
    if fingerprint is not None and fingerprint.divergence is None and not was_seen:
        zone = settings.require_zone()
        if fingerprint.digest == fingerprint_row(event, settings.restaurant_id, zone):
            report.unchanged_count += 1
            return
    earlier = comparison.differing_events.get(key)
    if earlier is None or earlier.version < event.version:
        comparison.differing_events[key] = event


def _read_key(unreadable: UnreadableRow, settings: IntegrationSettings) -> str | None:
    """Return an unreadable row's key where it has one: what cannot be read is not missing."""
    try:
        item = unreadable.item
        return (
            build_external_key(read_row_id(item), settings.rid) if isinstance(item, dict) else None
        )
    except InvalidEventError:
        return None
