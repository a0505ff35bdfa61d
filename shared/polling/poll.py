"""The poll of one restaurant: apply to the ledger what changed at OpenTable since its cursor."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from shared.concurrency import Deadline
from shared.context import AppContext, ConnectedRestaurant, RestaurantContext, connect_restaurant
from shared.domain.backfill import ROW_COUNTERS, is_backfilling
from shared.domain.health import MissedWebhooks, has_proven_webhooks
from shared.domain.ledger.events import Channel
from shared.domain.schedule import poll_cursor_from_document, poll_cursor_to_map
from shared.domain.settings import parse_settings
from shared.domain.validation import read_count
from shared.errors import (
    EXPECTED_RUN_ERRORS,
    PERMANENT_RUN_ERRORS,
    IntegrationDisabledError,
    RunInProgressError,
)
from shared.firestore.leases import Lease, PrefetchedSettings, prepare_lease
from shared.guests.failures import guest_failure_summary_from_document
from shared.guests.sync import (
    GuestFeed,
    read_changed_guests,
    retry_failed_guests,
    save_referenced_guests,
    sync_remaining_guests,
)
from shared.ingest.deliveries import read_last_webhook, update_webhook_silence
from shared.ingest.events import normalize_or_quarantine_rows, quarantine_if_rejected
from shared.ledger.ledger import ApplyResult, Ledger, apply_events
from shared.log import LogEvent, Severity, log_event, log_internal_error
from shared.opentable.query import ListingQuery, LocalDateTime, Resource, RowPage
from shared.restaurants.settings import check_webhook_settings

RowCounts = dict[str, int]
"""The number of pages, and of rows by outcome; the outcomes add up to ``fetched``."""


class _PollOutcome(Struct, frozen=True):
    status: str
    error: str | None = None
    is_retryable: bool = True
    cursor_age_seconds: int | None = None
    lag_seconds: int | None = None
    consecutive_failures: int | None = None
    is_backfilling: bool = False


async def poll_restaurant(
    context: AppContext,
    deadline: Deadline,
    restaurant_id: str,
    prefetched: PrefetchedSettings | None = None,
) -> dict[str, Any]:
    """Poll one restaurant, and return its entry in the response of the poll function.

    Its status is ``ok``, ``error``, ``disabled``, or ``skipped`` if another poll is running. A poll
    that finds nothing writes once: its result.
    """
    row_counts = new_row_counts()
    try:
        async with prepare_lease(
            context.firestore, context.clock, restaurant_id, "poll", deadline, prefetched
        ) as lease:
            outcome = await _run_poll(context, lease, row_counts, deadline)
    except RunInProgressError:
        outcome = _PollOutcome("skipped", "Another poll of this restaurant is running.")
    except IntegrationDisabledError as error:
        outcome = _PollOutcome("disabled", str(error))
    except EXPECTED_RUN_ERRORS as error:
        is_retryable = not isinstance(error, PERMANENT_RUN_ERRORS)
        outcome = _PollOutcome("error", str(error), is_retryable)
    log_event(
        Severity.ERROR if outcome.status == "error" else Severity.INFO,
        LogEvent.POLL,
        restaurantId=restaurant_id,
        status=outcome.status,
        error=outcome.error,
        cursorAgeSeconds=outcome.cursor_age_seconds,
        consecutiveFailures=outcome.consecutive_failures,
        lagSeconds=outcome.lag_seconds,
        **row_counts,
    )
    result = {"restaurantId": restaurant_id, "status": outcome.status, **row_counts}
    if outcome.error:
        result["error"] = outcome.error
    if outcome.status == "error":
        result["retryable"] = outcome.is_retryable
    if outcome.is_backfilling:
        result["backfill"] = "RUNNING"
    return result


async def _run_poll(
    context: AppContext, lease: Lease, row_counts: RowCounts, deadline: Deadline
) -> _PollOutcome:
    """Poll under a lease, and release it with the result."""
    try:
        missed, results = await _poll_changes(context, lease, row_counts, deadline)
    except (RunInProgressError, IntegrationDisabledError):
        raise
    except EXPECTED_RUN_ERRORS as error:
        return await _record_failure(context, lease, error, str(error))
    except Exception as error:  # noqa: BLE001 -- a bug must be counted as a failed poll too
        log_internal_error(error, lease.restaurant_id)
        text = f"Internal error ({type(error).__name__}): see the log."
        return await _record_failure(context, lease, error, text)
    fields = {f"poll.{name}": value for name, value in results.items()}
    fields |= missed.to_update_fields(lease.started_at)
    if not await lease.release(fields | {"lastPolledAt": context.clock()}):
        if not lease.is_acquired:
            raise RunInProgressError  # two polls found nothing; the other one was faster
        return _PollOutcome("error", "The poll outlived its lease; another one took over.")
    return _PollOutcome(
        "ok",
        cursor_age_seconds=round((context.clock() - lease.started_at).total_seconds()),
        lag_seconds=missed.lag_seconds(lease.started_at),
        is_backfilling=is_backfilling(lease.document),
    )


async def _record_failure(
    context: AppContext, lease: Lease, error: Exception, text: str
) -> _PollOutcome:
    # The cursor stays, so the next poll reads the same changes again.
    failures = read_count(lease.state, "consecutiveFailures") + 1
    await lease.release(
        {
            "poll.lastOutcome": "error",
            "poll.lastError": text,
            "poll.consecutiveFailures": failures,
        }
    )
    cursor = poll_cursor_from_document(lease.document, lease.started_at)
    cursor_age = None if cursor is None else round((context.clock() - cursor).total_seconds())
    return _PollOutcome(
        "error",
        text,
        is_retryable=not isinstance(error, PERMANENT_RUN_ERRORS),
        cursor_age_seconds=cursor_age,
        consecutive_failures=failures,
    )


async def _poll_changes(
    context: AppContext, lease: Lease, row_counts: RowCounts, deadline: Deadline
) -> tuple[MissedWebhooks, dict[str, Any]]:
    """Apply what changed, check the webhooks, and return the changes they missed and the state."""
    settings = parse_settings(lease.restaurant_id, lease.document)
    restaurant = await connect_restaurant(RestaurantContext(context, settings), deadline)
    is_proven = has_proven_webhooks(lease.document, lease.started_at)
    # Proven webhooks need no check of the settings that would block them.
    problems = [] if is_proven else await check_webhook_settings(restaurant)
    missed = await _apply_changes(restaurant, lease, row_counts)
    retry_at = guest_failure_summary_from_document(lease.document).retry_at
    if retry_at is not None and retry_at <= lease.started_at:
        await lease.ensure_acquired()
        await retry_failed_guests(restaurant)
    await update_webhook_silence(context, lease, missed)
    results: dict[str, Any] = {
        # The time before the first request: later changes are the next poll's.
        **poll_cursor_to_map(restaurant.access.rid, lease.started_at),
        "lastOutcome": "ok",
        "lastError": None,
        "consecutiveFailures": 0,
        "missedWebhooks": missed.count,
        "problems": problems,
        "foundChanges": lease.is_acquired,
    }
    # A row that the ledger had already may have come by a webhook: look for the newest one.
    is_delivered = row_counts["unchanged"] or row_counts["stale"]
    if not is_proven and is_delivered and settings.webhook_auth:
        webhook_at, _ = await read_last_webhook(context, settings.restaurant_id)
        if webhook_at is not None:
            results["webhooksProvenAt"] = webhook_at
    return missed, results


async def _apply_changes(
    restaurant: ConnectedRestaurant, lease: Lease, row_counts: RowCounts
) -> MissedWebhooks:
    """Apply every change since the cursor; return the changes normally brought by a webhook.

    The lease is acquired before the first change, or at once for a first poll.
    """
    context, settings = restaurant.context, restaurant.settings
    cursor = poll_cursor_from_document(lease.document, lease.started_at)
    if cursor is None:
        await lease.ensure_acquired()
    query = _build_reservation_query(restaurant, cursor)
    # Guests first: a new reservation is then written once, together with its guest.
    feed = await read_changed_guests(restaurant, query.updated_after)
    if feed.guests:
        await lease.ensure_acquired()
    missed = MissedWebhooks()
    pages = context.opentable.iterate_pages(
        restaurant.access, Resource.RESERVATIONS, query, restaurant.deadline
    )
    async for page in pages:
        if page.rows or page.malformed_items:
            await lease.ensure_acquired()
        for applied in await apply_page(restaurant, feed, page, row_counts):
            # At the first poll everything is new, whether webhooks work or not.
            if cursor is not None and settings.webhook_auth and applied.write is not None:
                missed.record(applied.write.entry, context.clock())
    await sync_remaining_guests(restaurant, feed, is_first=cursor is None)
    return missed


def _build_reservation_query(
    restaurant: RestaurantContext, cursor: datetime | None
) -> ListingQuery:
    context = restaurant.context
    if cursor is None:
        # A first poll reads every reservation from yesterday on; a backfill reads older ones.
        today = context.clock().astimezone(restaurant.settings.require_zone()).date()
        return ListingQuery(scheduled_from=LocalDateTime.from_date(today - timedelta(days=1)))
    # Changes may appear in a listing some time after their timestamp, so polls overlap.
    lookback = timedelta(seconds=context.environment.lookback_seconds)
    return ListingQuery(updated_after=cursor - lookback)


def new_row_counts() -> RowCounts:
    """Return counts of zero."""
    return dict.fromkeys((*ROW_COUNTERS, "pages"), 0)


async def apply_page(
    restaurant: ConnectedRestaurant, feed: GuestFeed, page: RowPage, row_counts: RowCounts
) -> Sequence[ApplyResult]:
    """Apply the rows of a page, count them, and return the results of the accepted ones.

    Unreadable and rejected rows are quarantined. Guests missing in `feed` and in the ledger are
    added to `feed`.
    """
    items = (*page.rows, *page.malformed_items)
    batch = await normalize_or_quarantine_rows(restaurant, items, Channel.POLL)
    await save_referenced_guests(restaurant, feed, batch.events)
    results = await apply_events(Ledger(restaurant), batch.events)
    row_counts["pages"] += 1
    row_counts["fetched"] += len(items)
    row_counts["quarantined"] += len(batch.unreadable)
    applied = []
    for event, result in zip(batch.events, results, strict=True):
        if await quarantine_if_rejected(restaurant, event, result):
            row_counts["quarantined"] += 1
        elif isinstance(result, ApplyResult):
            outcome = "unchanged" if result.outcome == "duplicate" else str(result.outcome)
            row_counts[outcome] += 1
            feed.add_from_result(result)
            applied.append(result)
    return applied
