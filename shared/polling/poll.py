"""A page of OpenTable's rows, applied to the ledger by whichever run fetched it.

One restaurant's poll: what changed at OpenTable since the cursor, applied to the ledger.
"""

from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from shared.concurrency import Deadline
from shared.context import AppContext, RestaurantContext, load_restaurant_context
from shared.domain.backfill import is_backfilling
from shared.domain.ledger.events import Channel
from shared.domain.polling import MissedWebhooks, poll_cursor_from_document, poll_cursor_to_map
from shared.domain.settings import parse_settings
from shared.errors import InvalidSettingsError, OpenTableError, ServiceUnavailableError
from shared.firestore.leases import Lease, acquire_lease
from shared.guests.sync import (
    GuestFeed,
    read_changed_guests,
    save_referenced_guests,
    sync_remaining_guests,
)
from shared.ingest.events import normalize_rows, quarantine_if_rejected
from shared.ledger.batch import apply_events
from shared.ledger.ledger import ApplyResult, open_ledger
from shared.log import LogEvent, Severity, format_error_location, log_event
from shared.opentable.client import RowPage
from shared.opentable.query import ListingQuery, LocalDateTime, Resource
from shared.polling.webhook_health import update_webhook_silence
from shared.restaurants.settings import check_webhook_settings


class RowCounts(Struct):
    """What a run did with the rows that it fetched; the outcomes add up to ``fetched``."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    pages: int = 0

    def count(self, applied: ApplyResult) -> None:
        """Count one row by its outcome; one that was held already counts as unchanged."""
        name = "unchanged" if applied.outcome == "duplicate" else str(applied.outcome)
        setattr(self, name, getattr(self, name) + 1)


async def apply_page(
    restaurant: RestaurantContext, feed: GuestFeed, page: RowPage, row_counts: RowCounts
) -> list[ApplyResult]:
    """Apply a page and return what became of the rows that the ledger took.

    Args:
        restaurant: To the restaurant's book.
        feed: The guests that were read before; whom a row names and nobody has is noted in it.
        page: The page.
        row_counts: Counts its rows.

    Raises:
        LedgerUnavailableError: When a row could not be applied, or not be kept aside.
    """
    row_counts.pages += 1
    context, settings = restaurant.context, restaurant.settings
    items = (*page.rows, *page.malformed_items)
    batch = await normalize_rows(context, settings, items, Channel.POLL)
    await save_referenced_guests(restaurant, feed, batch.events)
    results = await apply_events(open_ledger(context, settings), batch.events)
    row_counts.fetched += len(items)
    row_counts.quarantined += len(batch.unreadable)
    applied = []
    for event, result in zip(batch.events, results, strict=True):
        if await quarantine_if_rejected(context, settings, event, result):
            row_counts.quarantined += 1
        elif isinstance(result, ApplyResult):
            row_counts.count(result)
            feed.add_from_result(result)
            applied.append(result)
    return applied


LEASE_MARGIN_SECONDS = 60.0
EXPECTED_ERRORS = (InvalidSettingsError, ServiceUnavailableError, OpenTableError)


async def poll_restaurant(
    context: AppContext, restaurant_id: str, deadline: Deadline | None = None
) -> dict[str, Any]:
    """Poll one restaurant, unless another run of it is under way.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        deadline: Bounds the work; by default a run's whole budget from now.

    Returns:
        Its part of the poll's answer; a failure is told in it, never raised.
    """
    deadline = deadline or Deadline.after(context.environment.run_budget_seconds)
    row_counts = RowCounts()
    duration = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
    try:
        async with acquire_lease(
            context.firestore, context.clock, restaurant_id, "poll", duration
        ) as lease:
            if lease is None:
                return _log_and_build_result(
                    restaurant_id, "skipped", row_counts, "another poll holds the lease"
                )
            return await _poll_with_lease(context, lease, row_counts, deadline)
    except EXPECTED_ERRORS as error:
        return _log_and_build_result(restaurant_id, "error", row_counts, str(error))


async def _poll_with_lease(
    context: AppContext, lease: Lease, row_counts: RowCounts, deadline: Deadline
) -> dict[str, Any]:
    # The cursor is the time before the first request: what changes from now on is next time's.
    started_at = context.clock()
    try:
        settings = parse_settings(lease.restaurant_id, lease.document)
        restaurant = await load_restaurant_context(context, settings, deadline)
        problems = await check_webhook_settings(restaurant)
        missed = await _fetch_and_apply(
            restaurant, poll_cursor_from_document(lease.document), row_counts
        )
        await update_webhook_silence(context, lease, missed)
    except EXPECTED_ERRORS as error:
        return await _record_failure(context, lease, row_counts, str(error))
    except Exception as error:  # noqa: BLE001 -- a run that we spoilt has failed like any other
        name, restaurant_id = type(error).__name__, lease.restaurant_id
        log_event(
            Severity.ERROR,
            LogEvent.INTERNAL_ERROR,
            restaurantId=restaurant_id,
            error=name,
            where=format_error_location(error),
        )
        message = f"A fault of ours ({name}); see the log."
        return await _record_failure(context, lease, row_counts, message)
    outcome = {
        **poll_cursor_to_map(restaurant.access.rid, started_at),
        "lastOutcome": "ok",
        "lastError": None,
        "consecutiveFailures": 0,
        "missedWebhooks": missed.count,
        "problems": problems,
    }
    results = _prefix_poll_fields(outcome) | {"lastPolledAt": context.clock()}
    if not await lease.release(results):
        return _log_and_build_result(
            lease.restaurant_id, "error", row_counts, "the run outlived its lease"
        )
    age_seconds = _compute_age_seconds(context, started_at)
    result = _log_and_build_result(
        lease.restaurant_id, "ok", row_counts, None, cursor_age_seconds=age_seconds
    )
    return result | ({"backfill": "RUNNING"} if is_backfilling(lease.document) else {})


async def _record_failure(
    context: AppContext, lease: Lease, row_counts: RowCounts, error: str
) -> dict[str, Any]:
    """Give the lease back, the cursor standing where it stood."""
    failure_count = int(lease.state.get("consecutiveFailures") or 0) + 1
    outcome = {"lastOutcome": "error", "lastError": error, "consecutiveFailures": failure_count}
    await lease.release(_prefix_poll_fields(outcome))
    age_seconds = _compute_age_seconds(context, poll_cursor_from_document(lease.document))
    return _log_and_build_result(
        lease.restaurant_id,
        "error",
        row_counts,
        error,
        cursor_age_seconds=age_seconds,
        failure_count=failure_count,
    )


def _prefix_poll_fields(fields: dict[str, Any]) -> dict[str, Any]:
    return {f"poll.{name}": value for name, value in fields.items()}


async def _fetch_and_apply(
    restaurant: RestaurantContext, cursor: datetime | None, row_counts: RowCounts
) -> MissedWebhooks:
    """Apply every page, and return which changes a webhook should have brought."""
    context, settings = restaurant.context, restaurant.settings
    today = context.clock().astimezone(settings.require_zone()).date()
    lookback = timedelta(seconds=context.environment.lookback_seconds)
    query = _build_query(cursor, lookback, today)
    feed = await read_changed_guests(restaurant, None if cursor is None else cursor - lookback)
    missed = MissedWebhooks()
    async for page in context.opentable.iterate_pages(
        restaurant.access, Resource.RESERVATIONS, query, restaurant.deadline
    ):
        for applied in await apply_page(restaurant, feed, page, row_counts):
            # Before the first poll all is new to everyone.
            if cursor is not None and settings.webhook_auth and applied.write is not None:
                missed.record(applied.write.entry, context.clock())
    await sync_remaining_guests(restaurant, feed, is_first=cursor is None)
    return missed


def _build_query(cursor: datetime | None, lookback: timedelta, today: date) -> ListingQuery:
    """Ask for what changed; the first time for all that is scheduled from yesterday on."""
    if cursor is None:
        return ListingQuery(scheduled_from=LocalDateTime.from_date(today - timedelta(days=1)))
    return ListingQuery(updated_after=cursor - lookback)


def _compute_age_seconds(context: AppContext, cursor: datetime | None) -> int | None:
    return None if cursor is None else round((context.clock() - cursor).total_seconds())


def _log_and_build_result(  # noqa: PLR0913 -- the line tells all of them
    restaurant_id: str,
    status: str,
    row_counts: RowCounts,
    error: str | None,
    *,
    cursor_age_seconds: int | None = None,
    failure_count: int | None = None,
) -> dict[str, Any]:
    fields = asdict(row_counts)
    log_event(
        Severity.ERROR if status == "error" else Severity.INFO,
        LogEvent.POLL,
        restaurantId=restaurant_id,
        status=status,
        error=error,
        cursorAgeSeconds=cursor_age_seconds,
        consecutiveFailures=failure_count,
        **fields,
    )
    result = {"restaurantId": restaurant_id, "status": status, **fields}
    return result | ({"error": error} if error else {})
