"""Run one job for many restaurants, here or in queued tasks, the longest-waiting first."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter
from msgspec import Struct
from msgspec.structs import replace

from shared.concurrency import Deadline, batched, gather_bounded
from shared.context import AppContext
from shared.domain.schedule import is_poll_due
from shared.domain.validation import read_map, read_run_time
from shared.errors import EnqueueError, ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import read_document, read_documents
from shared.firestore.leases import PrefetchedSettings
from shared.log import LogEvent, Severity, log_event, log_internal_error
from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION, QueuedTask, TaskQueue

LISTING_PAGE_SIZE = 500
# Pauses before a failed page of the listing is read again.
_LISTING_PAUSES_SECONDS = (0.2, 1.0, 4.0)
# A run reuses the listed settings for as long as settings are cached elsewhere.
_MAX_PREFETCHED_AGE_SECONDS = 60.0
_MAX_PREFETCHED_SETTINGS = 1_000  # about 10 KB of memory each
# The field of the settings document with the state of a function's runs, and its field for the end
# of the last successful run.
_STATE_FIELDS = {
    POLL_FUNCTION: ("poll", "cursor"),
    RECONCILE_FUNCTION: ("reconciliation", "lastReconciledAt"),
}
MAX_CONCURRENT_ENQUEUES = 50
OUT_OF_TIME_ERROR = (
    "No time was left for this restaurant: the next run begins with it. If this repeats, set up the"
    " task queue (docs/scale.md)."
)


class RestaurantJob(Struct, frozen=True):
    """A restaurant of a run, and since when it waits.

    Attributes:
        started_at: Start of the last run, UTC; None before the first one.
        cursor: The time up to which the last successful run read, UTC; None before the first one.
        is_due: False if the restaurant may wait for the next run (`is_poll_due`).
        prefetched_settings: None if the run must read the settings document.
    """

    restaurant_id: str
    started_at: datetime | None = None
    cursor: datetime | None = None
    is_due: bool = True
    prefetched_settings: PrefetchedSettings | None = None

    @property
    def waiting_since(self) -> datetime:
        """The start of the last run, whatever its outcome: a failing restaurant waits as well.

        Ordered by the cursor, failing restaurants would always come first.
        """
        return self.started_at or self.cursor or datetime.min.replace(tzinfo=UTC)


class ScheduledRun(Struct, frozen=True):
    """The results of a scheduled function.

    Attributes:
        results: One for each restaurant that was due.
        waiting_ids: The restaurants that were not due.
        is_queued: Whether tasks were enqueued for the restaurants.
        is_failed: Whether the function should receive the same request again.
    """

    results: list[dict[str, Any]]
    waiting_ids: list[str]
    is_queued: bool
    is_failed: bool


async def run_restaurants(
    context: AppContext,
    template: QueuedTask,
    requested_ids: Sequence[str],
    run: Callable[[RestaurantJob], Awaitable[dict[str, Any]]],
    deadline: Deadline,
) -> ScheduledRun:
    """Run a function for its restaurants here, or enqueue tasks for them if they are too many.

    The run is failed if it should be repeated (`should_repeat_run`), or if a restaurant could not
    be enqueued. The tasks of a repeated run have the same names, so nothing is enqueued twice.
    `template` is a task without its restaurants.
    """
    environment, queue = context.environment, None
    if requested_ids:
        # The request comes from a task or an operator, so it never uses the queue.
        jobs = [RestaurantJob(requested_id) for requested_id in requested_ids]
    else:
        jobs = await list_jobs(context, template.function_name)
        queue = context.queue if len(jobs) > environment.fan_out_threshold else None
    due_jobs = {job.restaurant_id: job for job in jobs if job.is_due}
    if queue is not None:
        group_size = environment.restaurants_per_task
        results = await fan_out(queue, template, list(due_jobs), group_size, deadline)
        is_failed = any(result["status"] == "error" for result in results)
    else:
        results = await run_for_each_restaurant(
            list(due_jobs),
            environment.max_concurrent_restaurants,
            lambda restaurant_id: run(due_jobs[restaurant_id]),
            # Half of the time is left for the last restaurant. A later one might be stopped by the
            # end of every run, always the same one.
            deadline.within(deadline.remaining() / 2),
        )
        is_failed = should_repeat_run(results, is_requested=bool(requested_ids))
    await _log_unreached_restaurants(context, template.function_name, due_jobs, results)
    waiting_ids = [job.restaurant_id for job in jobs if not job.is_due]
    return ScheduledRun(results, waiting_ids, queue is not None, is_failed)


async def list_jobs(context: AppContext, function_name: str) -> list[RestaurantJob]:
    """Return the restaurants with an enabled integration, the longest-waiting first."""
    kind, cursor_name = _STATE_FIELDS[function_name]
    now, jobs = context.clock(), list[RestaurantJob]()
    quiet_interval = timedelta(minutes=context.environment.quiet_poll_minutes)
    async for restaurant_id, snapshot in _list_enabled_settings(context.firestore):
        document = snapshot.to_dict() or {}
        state = read_map(document, kind)
        prefetched = None
        if len(jobs) < _MAX_PREFETCHED_SETTINGS:
            prefetched = PrefetchedSettings(snapshot, Deadline.after(_MAX_PREFETCHED_AGE_SECONDS))
        jobs.append(
            RestaurantJob(
                restaurant_id,
                read_run_time(state, "lastStartedAt", now),
                read_run_time(state, cursor_name, now),
                function_name != POLL_FUNCTION or is_poll_due(document, now, quiet_interval),
                prefetched,
            )
        )
    return sorted(jobs, key=lambda job: (job.waiting_since, job.restaurant_id))


async def _list_enabled_settings(
    client: AsyncClient,
) -> AsyncIterator[tuple[str, DocumentSnapshot[Any]]]:
    """Yield restaurant ids and settings documents of the enabled integrations, read in pages.

    Raises:
        ServiceUnavailableError: A page failed on every attempt.
    """
    query = (
        client.collection_group("integrations")
        .where(filter=FieldFilter("enabled", "==", value=True))
        .order_by("__name__")
    )
    page = await _read_page(query)
    while page:
        for snapshot in page:
            restaurant_id = paths.find_restaurant_id(snapshot.reference)
            if restaurant_id is not None and snapshot.id == paths.INTEGRATION_ID:
                yield restaurant_id, snapshot
        is_last = len(page) < LISTING_PAGE_SIZE
        page = [] if is_last else await _read_page(query.start_after(page[-1]))


async def _read_page(query: AsyncQuery) -> list[DocumentSnapshot[Any]]:
    for pause in _LISTING_PAUSES_SECONDS:
        try:
            return await read_documents(query, LISTING_PAGE_SIZE)
        except ServiceUnavailableError:
            await asyncio.sleep(pause)
    return await read_documents(query, LISTING_PAGE_SIZE)


def should_repeat_run(results: Sequence[Mapping[str, Any]], *, is_requested: bool) -> bool:
    """Return whether the scheduler or the queue should send the same request again.

    It should if every restaurant failed: otherwise the good ones would run again. A request for
    some restaurants is not repeated after failures that need a person, because Cloud Tasks slows
    down the queue when tasks fail.
    """
    failures = [result for result in results if result["status"] in {"error", "FAILED"}]
    if not failures or len(failures) < len(results):
        return False
    return not is_requested or any(failure.get("retryable", True) for failure in failures)


async def fan_out(
    queue: TaskQueue,
    template: QueuedTask,
    restaurant_ids: Sequence[str],
    restaurants_per_task: int,
    deadline: Deadline,
) -> list[dict[str, Any]]:
    """Enqueue tasks for all restaurants; return ``queued`` or ``error`` for each restaurant.

    If the scheduler repeats the run, only the tasks that failed are enqueued again.
    """
    if not restaurant_ids:
        return []
    groups = {group[0]: group for group in batched(restaurant_ids, restaurants_per_task)}

    async def enqueue(first_id: str) -> dict[str, Any]:
        restaurants: dict[str, object] = {"restaurantIds": groups[first_id]}
        if restaurants_per_task == 1:
            restaurants = {"restaurantId": first_id}
        try:
            await queue.enqueue(replace(template, body={**restaurants, **template.body}))
        except EnqueueError as error:
            return {"status": "error", "error": str(error)}
        return {"status": "queued"}

    outcomes = await run_for_each_restaurant(
        list(groups), MAX_CONCURRENT_ENQUEUES, enqueue, deadline
    )
    results = [
        {**outcome, "restaurantId": restaurant_id}
        for group, outcome in zip(groups.values(), outcomes, strict=True)
        for restaurant_id in group
    ]
    errors = [result["error"] for result in results if result["status"] == "error"]
    log_event(
        Severity.ERROR if errors else Severity.INFO,
        LogEvent.RUN_QUEUED,
        function=template.function_name,
        queued=len(results) - len(errors),
        failed=len(errors),
        error=errors[0] if errors else None,
    )
    return results


async def run_for_each_restaurant(
    restaurant_ids: list[str],
    max_concurrent: int,
    run: Callable[[str], Awaitable[dict[str, Any]]],
    start_deadline: Deadline,
) -> list[dict[str, Any]]:
    """Run a job for each restaurant and return the results in the same order.

    A job that raises gives the status ``error``. After `start_deadline` no further job starts.
    """

    async def run_isolated(restaurant_id: str) -> dict[str, Any]:
        if not start_deadline.remaining():
            return {"restaurantId": restaurant_id, "status": "error", "error": OUT_OF_TIME_ERROR}
        try:
            return await run(restaurant_id)
        except Exception as error:  # noqa: BLE001 -- a bug in one restaurant must not stop the others
            log_internal_error(error, restaurant_id)
            return {"restaurantId": restaurant_id, "status": "error", "error": type(error).__name__}

    return await gather_bounded(max_concurrent, run_isolated, restaurant_ids)


async def _log_unreached_restaurants(
    context: AppContext,
    function_name: str,
    jobs: Mapping[str, RestaurantJob],
    results: Sequence[Mapping[str, Any]],
) -> None:
    """Log each restaurant that was not begun before the end of the run."""
    now = context.clock()
    for result in results:
        if result.get("error") == OUT_OF_TIME_ERROR:
            job = jobs[result["restaurantId"]]
            cursor = job.cursor
            if cursor is None and job.prefetched_settings is None:  # requested by a task
                cursor = await _read_cursor(context, function_name, job.restaurant_id)
            log_event(
                Severity.WARNING,
                LogEvent.RESTAURANT_NOT_REACHED,
                restaurantId=result["restaurantId"],
                function=function_name,
                cursorAgeSeconds=None if cursor is None else round((now - cursor).total_seconds()),
            )


async def _read_cursor(
    context: AppContext, function_name: str, restaurant_id: str
) -> datetime | None:
    kind, cursor_name = _STATE_FIELDS[function_name]
    settings = paths.integration_document(context.firestore, restaurant_id)
    try:
        document = (await read_document(settings)).to_dict() or {}
    except ServiceUnavailableError:
        return None  # the line is logged without the age
    return read_run_time(read_map(document, kind), cursor_name, context.clock())
