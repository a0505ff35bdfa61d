"""Start a restaurant's backfill, read its progress, and fetch its days slice by slice.

Its progress is the map ``backfill`` of the restaurant's settings document. The poll function and
the operator's command both continue a running backfill. A run that dies repeats only its last
slice, and applying a row again changes nothing.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import date, timedelta
from typing import Any

from google.cloud.firestore import DELETE_FIELD

from shared.analytics import recount_analytics
from shared.concurrency import Deadline
from shared.context import AppContext, ConnectedRestaurant, RestaurantContext, connect_restaurant
from shared.domain.backfill import (
    ROW_COUNTERS,
    Backfill,
    backfill_from_document,
    build_backfill,
    resolve_backfill_request,
)
from shared.domain.days import resolve_backfill_window
from shared.domain.settings import parse_settings
from shared.errors import (
    EXPECTED_RUN_ERRORS,
    PERMANENT_RUN_ERRORS,
    IntegrationDisabledError,
    InvalidSettingsError,
)
from shared.firestore import paths
from shared.firestore.documents import read_document, update_if_unmodified
from shared.firestore.leases import Lease, acquire_lease
from shared.guests.sync import GuestFeed, fetch_missing_guests, read_all_guests
from shared.log import LogEvent, Severity, log_event
from shared.opentable.query import ListingQuery, LocalDateTime, Resource
from shared.polling.poll import apply_page, new_row_counts


async def start_backfill(
    context: AppContext, restaurant_id: str, start: date | None = None, end: date | None = None
) -> Backfill:
    """Start or resume a backfill, or return the one in progress (`resolve_backfill_request`).

    Dates are local; they default to 30 days back and 365 days ahead.

    Raises:
        BackfillInProgressError: A backfill of other dates is running.
        InvalidSettingsError: The restaurant has no usable settings.
        ValueError: The range is reversed or too long.
    """
    now = context.clock()

    def resolve(document: dict[str, Any] | None) -> Backfill:
        if document is None:
            raise InvalidSettingsError("This restaurant has no OpenTable settings: add them.")
        settings = parse_settings(restaurant_id, document)
        window = resolve_backfill_window(now, settings.require_zone(), start, end)
        return resolve_backfill_request(
            backfill_from_document(document),
            build_backfill(window, settings.require_rid(), now),
            accept_any_dates=not (start or end),
        )

    def compute(document: dict[str, Any] | None) -> dict[str, Any] | None:
        backfill = resolve(document)
        if backfill == backfill_from_document(document or {}):
            return None
        # Without its lease, a run of an earlier backfill cannot overwrite the new one.
        return backfill.to_update_fields() | {"backfill.lease": DELETE_FIELD}

    reference = paths.integration_document(context.firestore, restaurant_id)
    return resolve((await update_if_unmodified(reference, compute)).document)


async def read_backfill(context: AppContext, restaurant_id: str) -> Backfill | None:
    """Return the state of a restaurant's newest backfill, None if it never had one."""
    snapshot = await read_document(paths.integration_document(context.firestore, restaurant_id))
    return backfill_from_document(snapshot.to_dict() or {})


async def backfill_restaurant(
    context: AppContext, deadline: Deadline, restaurant_id: str
) -> dict[str, Any]:
    """Continue a restaurant's backfill until it ends or time runs out, and log its progress.

    Returns ``restaurantId`` and ``status``: the backfill's, ``skipped`` if there was nothing to
    do, ``disabled`` or ``error``.
    """
    try:
        steps = [step async for step in run_backfill_steps(context, restaurant_id, deadline)]
    except IntegrationDisabledError:
        return {"restaurantId": restaurant_id, "status": "disabled"}
    except EXPECTED_RUN_ERRORS as error:
        log_event(Severity.ERROR, LogEvent.RUN_FAILED, restaurantId=restaurant_id, error=str(error))
        return {"restaurantId": restaurant_id, "status": "error"}
    if not steps:
        return {"restaurantId": restaurant_id, "status": "skipped"}
    backfill = steps[-1]
    # A running backfill with an error continues by itself; a failed one needs a person.
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
    return {"restaurantId": restaurant_id, "status": backfill.status.value}


async def run_backfill_steps(
    context: AppContext, restaurant_id: str, deadline: Deadline
) -> AsyncGenerator[Backfill, None]:
    """Continue a running backfill, and yield its state as stored after each step.

    Ends with the backfill, at the first failure (see `Backfill.error`), or before a step too long
    for the remaining time. Yields nothing if no backfill is running or another run works on it. A
    caller that stops early must close the generator (`contextlib.aclosing`) to release the lease.
    """
    if not deadline.remaining():
        return
    async with acquire_lease(
        context.firestore, context.clock, restaurant_id, "backfill", deadline
    ) as lease:
        backfill = None if lease is None else backfill_from_document(lease.document)
        if lease is None or backfill is None or not backfill.is_running:
            return
        async for progress in _run_steps(context, lease, backfill, deadline):
            if not await lease.write(progress.to_update_fields()):
                return
            yield progress


async def _run_steps(
    context: AppContext, lease: Lease, backfill: Backfill, deadline: Deadline
) -> AsyncIterator[Backfill]:
    try:
        settings = parse_settings(lease.restaurant_id, lease.document)
        if settings.require_rid() != backfill.rid:
            raise InvalidSettingsError(
                "The OpenTable number (rid) changed during the backfill: start it again."
            )
        restaurant = await connect_restaurant(RestaurantContext(context, settings), deadline)
        feed = await read_all_guests(restaurant)
        step_seconds = 0.0
        # The next step may take up to twice as long as the last one.
        while backfill.is_running and deadline.remaining() > 2 * step_seconds:
            remaining_before = deadline.remaining()
            slice_counts = await _run_slice(restaurant, feed, backfill)
            step_seconds = remaining_before - deadline.remaining()
            backfill = backfill.with_progress(
                backfill.next_slice(), slice_counts, step_seconds, context.clock()
            )
            yield backfill
    except EXPECTED_RUN_ERRORS as error:
        is_permanent = isinstance(error, PERMANENT_RUN_ERRORS)
        yield backfill.with_error(str(error), context.clock(), is_permanent=is_permanent)


async def _run_slice(
    restaurant: ConnectedRestaurant, feed: GuestFeed, backfill: Backfill
) -> dict[str, int]:
    """Fetch and apply the next slice, or the closing listing; return the counts of its rows."""
    context, days, row_counts = restaurant.context, backfill.next_slice(), new_row_counts()
    if days is None:
        # Find reservations moved into a slice after it was finished.
        lookback = timedelta(seconds=context.environment.lookback_seconds)
        query = ListingQuery(updated_after=backfill.started_at - lookback)
    else:
        query = ListingQuery(
            scheduled_from=LocalDateTime.from_date(days.start),
            scheduled_to=LocalDateTime.end_of_day(days.end),
        )
    pages = context.opentable.iterate_pages(
        restaurant.access, Resource.RESERVATIONS, query, restaurant.deadline
    )
    async for page in pages:
        await apply_page(restaurant, feed, page, row_counts)
    await fetch_missing_guests(restaurant, feed)
    feed.missing_guests.clear()
    if days is not None:
        await recount_analytics(restaurant, days)
    return {name: row_counts[name] for name in ROW_COUNTERS}
