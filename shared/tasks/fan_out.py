"""One job for many restaurants: run it here for several at a time, or enqueue a task for each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import AsyncClient, FieldFilter
from msgspec import Struct

from shared.concurrency import Deadline, gather_bounded
from shared.context import AppContext
from shared.domain.ledger.document import flatten_document
from shared.errors import EnqueueError
from shared.firestore.documents import QUERY_TIMEOUT_SECONDS, translate_firestore_errors
from shared.log import LogEvent, Severity, log_event, log_internal_error
from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION, QueuedTask, TaskQueue

MAX_CONCURRENT_ENQUEUES = 50
# The field of the settings document with the state of a function's runs, and its field for the end
# of the last successful run.
_TURN_FIELDS = {
    POLL_FUNCTION: ("poll", "cursor"),
    RECONCILE_FUNCTION: ("reconciliation", "lastReconciledAt"),
}
OUT_OF_TIME_ERROR = (
    "The run ended before this restaurant's turn: set up the queue, see docs/scale.md."
)


class RestaurantTurn(Struct, frozen=True):
    """A restaurant of a run, and since when it waits for its turn.

    Attributes:
        started_at: Start of the last run, UTC; None before the first one.
        cursor: The time up to which the last successful run read, UTC; None before the first one.
    """

    restaurant_id: str
    started_at: datetime | None = None
    cursor: datetime | None = None

    @property
    def waiting_since(self) -> datetime:
        """The start of the last run, whatever its outcome: a failing restaurant waits as well.

        Ordered by the cursor, failing restaurants would come first for ever.
        """
        return self.started_at or self.cursor or datetime.min.replace(tzinfo=UTC)


async def list_turns(client: AsyncClient, function_name: str) -> list[RestaurantTurn]:
    """Return the restaurants with an enabled integration, the longest-waiting first."""
    kind, cursor_name = _TURN_FIELDS[function_name]
    started_path, cursor_path = f"{kind}.lastStartedAt", f"{kind}.{cursor_name}"
    integrations = client.collection_group("integrations")
    query = integrations.where(filter=FieldFilter("enabled", "==", value=True))
    turns = []
    with translate_firestore_errors():
        async for snapshot in query.select([started_path, cursor_path]).stream(
            retry=None, timeout=QUERY_TIMEOUT_SECONDS
        ):
            if snapshot.id == "opentable":
                fields = flatten_document(snapshot.to_dict() or {})
                times = map(_datetime_or_none, map(fields.get, (started_path, cursor_path)))
                turns.append(RestaurantTurn(snapshot.reference.parent.parent.id, *times))
    return sorted(turns, key=lambda turn: (turn.waiting_since, turn.restaurant_id))


def _datetime_or_none(value: object) -> datetime | None:
    # A damaged field of one restaurant must not stop the run of all.
    return value if isinstance(value, datetime) else None


def log_missed_turns(
    function_name: str,
    turns: Sequence[RestaurantTurn],
    results: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """Log each restaurant that was not begun before the end of the run."""
    turns_by_id = {turn.restaurant_id: turn for turn in turns}
    for result in results:
        if result.get("error") == OUT_OF_TIME_ERROR:
            cursor = turns_by_id[result["restaurantId"]].cursor
            log_event(
                Severity.WARNING,
                LogEvent.TURN_MISSED,
                restaurantId=result["restaurantId"],
                function=function_name,
                cursorAgeSeconds=None if cursor is None else round((now - cursor).total_seconds()),
            )


async def plan_turns(
    context: AppContext, function_name: str, requested_id: str | None
) -> tuple[list[RestaurantTurn], TaskQueue | None]:
    """Return a run's restaurants, and the queue if they are too many for one invocation.

    A request for one restaurant comes from a task or an operator, so it never uses the queue.
    """
    if requested_id:
        return [RestaurantTurn(requested_id)], None
    turns = await list_turns(context.firestore, function_name)
    needs_queue = len(turns) > context.environment.fan_out_threshold
    return turns, context.queue if needs_queue else None


def should_repeat_run(results: Sequence[Mapping[str, Any]], *, is_single: bool) -> bool:
    """Return whether the scheduler or the queue should send the same request again.

    It should if every restaurant failed: otherwise the good ones would run again. A request for a
    single restaurant is not repeated after a failure that needs a person, because Cloud Tasks slows
    down the whole queue when tasks fail.
    """
    failures = [result for result in results if result["status"] in {"error", "FAILED"}]
    if is_single:
        return any(failure.get("retryable", True) for failure in failures)
    return bool(failures) and len(failures) == len(results)


async def fan_out(
    queue: TaskQueue, tasks: Sequence[QueuedTask], deadline: Deadline
) -> list[dict[str, Any]]:
    """Enqueue one task per restaurant, all of one function; return ``queued`` or ``error`` each.

    If the scheduler repeats the run, only the tasks that failed are enqueued again.
    """
    tasks_by_restaurant = {str(task.body["restaurantId"]): task for task in tasks}

    async def enqueue(restaurant_id: str) -> dict[str, Any]:
        try:
            await queue.enqueue(tasks_by_restaurant[restaurant_id])
        except EnqueueError as error:
            return {"restaurantId": restaurant_id, "status": "error", "error": str(error)}
        return {"restaurantId": restaurant_id, "status": "queued"}

    results = await run_for_each_restaurant(
        list(tasks_by_restaurant), MAX_CONCURRENT_ENQUEUES, enqueue, deadline
    )
    errors = [result["error"] for result in results if result["status"] == "error"]
    log_event(
        Severity.ERROR if errors else Severity.INFO,
        LogEvent.RUN_QUEUED,
        function=tasks[0].function_name,
        queued=len(results) - len(errors),
        failed=len(errors),
        error=errors[0] if errors else None,
    )
    return results


async def run_for_each_restaurant(
    restaurant_ids: list[str],
    max_concurrent: int,
    run: Callable[[str], Awaitable[dict[str, Any]]],
    deadline: Deadline,
) -> list[dict[str, Any]]:
    """Run a job for each restaurant and return the results in the same order.

    A job that raises gives the status ``error``. After the deadline no further job starts.
    """

    async def run_isolated(restaurant_id: str) -> dict[str, Any]:
        if not deadline.remaining():
            return {"restaurantId": restaurant_id, "status": "error", "error": OUT_OF_TIME_ERROR}
        try:
            return await run(restaurant_id)
        except Exception as error:  # noqa: BLE001 -- a bug in one restaurant must not stop the others
            log_internal_error(error, restaurant_id)
            return {"restaurantId": restaurant_id, "status": "error", "error": type(error).__name__}

    return await gather_bounded(max_concurrent, run_isolated, restaurant_ids)
