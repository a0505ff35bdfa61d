"""A restaurant's backfill, carried on slice by slice by whichever run comes next.

How far it is stands in the map ``backfill`` of the restaurant's settings document. A run that
dies costs the slice that it was at; the next one takes that slice up again, and what it applies
a second time changes nothing.

Which backfill a restaurant has: begun, taken up again, and read; none is carried out here.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import date, timedelta
from typing import Any

from google.cloud.firestore import DELETE_FIELD

from shared.analytics.store import recount_analytics
from shared.concurrency import Deadline
from shared.context import AppContext, RestaurantContext, load_restaurant_context
from shared.domain.backfill import (
    ROW_COUNTERS,
    Backfill,
    backfill_from_document,
    is_backfilling,
    new_backfill,
    resolve_backfill_request,
    resolve_backfill_window,
)
from shared.domain.settings import parse_settings
from shared.errors import (
    InvalidSettingsError,
    OpenTableError,
    OpenTableRequestRejectedError,
    ServiceUnavailableError,
)
from shared.firestore import paths
from shared.firestore.documents import read_document, update_if_unmodified
from shared.firestore.leases import Lease, acquire_lease
from shared.guests.sync import GuestFeed, fetch_missing_guests, read_all_guests
from shared.log import LogEvent, Severity, log_event
from shared.opentable.query import ListingQuery, LocalDateTime, Resource
from shared.polling.poll import RowCounts, apply_page

LEASE_MARGIN_SECONDS = 60.0
EXPECTED_ERRORS = (InvalidSettingsError, ServiceUnavailableError, OpenTableError)
_PERMANENT_ERRORS = (InvalidSettingsError, OpenTableRequestRejectedError)


async def run_backfill_steps(
    context: AppContext, restaurant_id: str, deadline: Deadline
) -> AsyncGenerator[Backfill, None]:
    """Carry a running backfill on, and yield how far it is after each step.

    It ends with the backfill, with the first failure (which the last state tells), where the time
    left would not hold another step, or at once where none is running or another run has it in
    hand. Whoever ends it earlier closes it (`contextlib.aclosing`), for its lease to be given back.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        deadline: Bounds the work.

    Yields:
        The state as it was just stored.

    Raises:
        InvalidSettingsError: When the restaurant has no settings.
        LedgerUnavailableError: When a state could not be stored.
    """
    if not deadline.remaining():
        return
    duration = timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS)
    async with acquire_lease(
        context.firestore, context.clock, restaurant_id, "backfill", duration
    ) as lease:
        if lease is None or not is_backfilling(lease.document):
            return
        async for backfill in _run_steps(context, lease, deadline):
            if not await lease.write(backfill.to_update_fields()):
                return
            yield backfill


async def _run_steps(
    context: AppContext, lease: Lease, deadline: Deadline
) -> AsyncIterator[Backfill]:
    backfill = backfill_from_document(lease.document)
    if backfill is None:
        return
    try:
        restaurant = await _load_restaurant(context, lease, backfill, deadline)
        feed = await read_all_guests(restaurant)
        step_seconds = 0.0
        while backfill.is_running and deadline.remaining() > 2 * step_seconds:
            remaining_before = deadline.remaining()
            slice_counts = await _run_slice(restaurant, feed, backfill)
            step_seconds = remaining_before - deadline.remaining()
            backfill = backfill.with_progress(
                backfill.next_slice(), slice_counts, step_seconds, context.clock()
            )
            yield backfill
    except EXPECTED_ERRORS as error:
        is_permanent = isinstance(error, _PERMANENT_ERRORS)
        yield backfill.with_error(str(error), context.clock(), is_permanent=is_permanent)


async def _load_restaurant(
    context: AppContext, lease: Lease, backfill: Backfill, deadline: Deadline
) -> RestaurantContext:
    settings = parse_settings(lease.restaurant_id, lease.document)
    if settings.require_rid() != backfill.rid:
        raise InvalidSettingsError(
            "The OpenTable number was changed during the backfill: begin it anew."
        )
    return await load_restaurant_context(context, settings, deadline)


async def _run_slice(
    restaurant: RestaurantContext, feed: GuestFeed, backfill: Backfill
) -> dict[str, int]:
    """Fetch and apply the next slice, or the closing listing; return what became of its rows."""
    query, row_counts = _build_slice_query(restaurant, backfill), RowCounts()
    listing = restaurant.context.opentable.iterate_pages(
        restaurant.access, Resource.RESERVATIONS, query, restaurant.deadline
    )
    async for page in listing:
        await apply_page(restaurant, feed, page, row_counts)
    await fetch_missing_guests(restaurant, feed)
    feed.missing_guests.clear()
    if days := backfill.next_slice():
        await recount_analytics(restaurant, days)
    return {name: getattr(row_counts, name) for name in ROW_COUNTERS}


def _build_slice_query(restaurant: RestaurantContext, backfill: Backfill) -> ListingQuery:
    days = backfill.next_slice()
    if days is None:
        lookback = timedelta(seconds=restaurant.context.environment.lookback_seconds)
        return ListingQuery(updated_after=backfill.started_at - lookback)
    return ListingQuery(
        scheduled_from=LocalDateTime.from_date(days.start),
        scheduled_to=LocalDateTime.end_of_day(days.end),
    )


async def backfill_restaurant(
    context: AppContext, deadline: Deadline, restaurant_id: str
) -> dict[str, Any]:
    """Carry a running backfill on to its end or to a deadline's, and log how far that is.

    Args:
        context: The process's services.
        deadline: Bounds the work.
        restaurant_id: Lineup's id.

    Returns:
        ``restaurantId``, and as ``status`` the backfill's, or ``skipped`` where none is running,
        another run has it in hand or no time was left; a failure is told in it, never raised.
    """
    try:
        steps = [step async for step in run_backfill_steps(context, restaurant_id, deadline)]
    except EXPECTED_ERRORS as error:
        log_event(Severity.ERROR, LogEvent.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return {"restaurantId": restaurant_id, "status": "error"}
    if not steps:
        return {"restaurantId": restaurant_id, "status": "skipped"}
    _log_progress(restaurant_id, steps[-1])
    return {"restaurantId": restaurant_id, "status": steps[-1].status.value}


def _log_progress(restaurant_id: str, backfill: Backfill) -> None:
    failure_severity = Severity.WARNING if backfill.is_running else Severity.ERROR
    log_event(
        failure_severity if backfill.error else Severity.INFO,
        LogEvent.BACKFILL,
        restaurantId=restaurant_id,
        status=backfill.status.value,
        daysDone=backfill.completed_days,
        daysTotal=backfill.total_days,
        error=backfill.error,
        **backfill.counts,
    )


async def start_backfill(
    context: AppContext, restaurant_id: str, start: date | None = None, end: date | None = None
) -> Backfill:
    """Start a backfill, or return the one in progress (`resolve_backfill_request`).

    The work is done by `shared.polling.backfill`.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.
        start: The first local date, None for 30 days back.
        end: The last one, None for 365 days ahead.

    Raises:
        BackfillUnderWayError: When one of other days is under way.
        InvalidSettingsError: When the settings must be mended first.
        ValueError: When the range is turned round or too large.
        LedgerUnavailableError: When Firestore did not take it.
    """
    now = context.clock()

    def resolve(document: dict[str, Any] | None) -> Backfill:
        if document is None:
            raise InvalidSettingsError("This restaurant has no OpenTable settings: add them.")
        settings = parse_settings(restaurant_id, document)
        window = resolve_backfill_window(now, settings.require_zone(), start, end)
        return resolve_backfill_request(
            backfill_from_document(document),
            new_backfill(window, settings.require_rid(), now),
            accept_any_dates=not (start or end),
        )

    def compute(document: dict[str, Any] | None) -> dict[str, Any] | None:
        requested = resolve(document)
        if requested == backfill_from_document(document or {}):
            return None
        # A run of an earlier backfill loses its lease.
        return requested.to_update_fields() | {"backfill.lease": DELETE_FIELD}

    reference = paths.integration_document(context.firestore, restaurant_id)
    return resolve((await update_if_unmodified(reference, compute)).document)


async def read_backfill(context: AppContext, restaurant_id: str) -> Backfill | None:
    """Return how far a restaurant's backfill is, None where there never was one.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    snapshot = await read_document(paths.integration_document(context.firestore, restaurant_id))
    return backfill_from_document(snapshot.to_dict() or {})
