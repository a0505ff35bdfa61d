"""The calls about a restaurant's backfill: its start, and how far it is."""

from typing import Any, Self

from pydantic import Field, model_validator

from functions.staff.models import Asked, Instant, LocalDate, Nothing, Told
from functions.staff.replies import RefusalError, Reply
from functions.staff.routing import Route, Visit
from functions.staff.usable import settings_as_stored
from shared.core.backfill import COUNTS, Backfill
from shared.core.task import POLL, Task
from shared.core.window import Window
from shared.edge.backfills import begin_backfill, read_backfill
from shared.edge.staff.membership import Role
from shared.edge.telemetry import Event, Severity, log
from shared.errors import BackfillUnderWayError, InvalidSettingsError, QueueError


class BackfillAsked(Asked):
    """Which days, local and inclusive."""

    start_date: LocalDate | None = Field(None, description="By default 30 days back.")
    end_date: LocalDate | None = Field(None, description="By default 365 days ahead.")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.start_date and self.end_date:
            Window(self.start_date, self.end_date)
        return self


class BackfillTold(Told):
    """How far a backfill is."""

    status: str = Field(description="`NONE`, `RUNNING`, `COMPLETED` or `FAILED`.")
    start_date: str | None = None
    end_date: str | None = None
    days_done: int = 0
    days_total: int = 0
    fetched: int = Field(0, description="Rows of OpenTable's; the next five add up to it.")
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    started_at: Instant | None = None
    updated_at: Instant | None = None
    finished_at: Instant | None = None
    seconds_left: int | None = Field(
        None, description="Of work, at the pace so far; null while unknown, and at rest."
    )
    error: str | None = Field(None, description="What last stood in its way, and what to do.")


async def start(visit: Visit[Nothing, BackfillAsked]) -> Reply:
    """Start a backfill, or take a failed one up again, and answer as `progress`."""
    if not (await settings_as_stored(visit)).enabled:
        text = "The integration is switched off; switch it on, then start the backfill."
        raise RefusalError(409, "INTEGRATION_DISABLED", text)
    asked = visit.body
    try:
        backfill = await begin_backfill(
            visit.services, visit.restaurant_id, asked.start_date, asked.end_date
        )
    except BackfillUnderWayError as refusal:
        raise RefusalError(409, "BACKFILL_UNDER_WAY", str(refusal)) from None
    except InvalidSettingsError as problem:
        raise RefusalError(409, "SETTINGS_UNUSABLE", str(problem)) from None
    except ValueError as problem:
        raise RefusalError(400, "INVALID_REQUEST", str(problem)) from None
    log(
        Severity.INFO,
        Event.BACKFILL_STARTED,
        restaurantId=visit.restaurant_id,
        by=visit.person.uid,
        error=await _enqueue(visit, backfill),
    )
    return Reply(_told(backfill))


async def _enqueue(visit: Visit[Any, Any], backfill: Backfill) -> str | None:
    """Have it carried on at once where there is a queue; return why not, as the next poll does."""
    queue = visit.services.queue
    if queue is None or not backfill.is_running:
        return None
    body = {"restaurantId": visit.restaurant_id, "backfill": True}
    try:
        await queue.enqueue(Task(POLL, body, backfill.updated_at.isoformat()))
    except QueueError as error:
        return str(error)
    return None


async def progress(visit: Visit[Any, Any]) -> Reply:
    """Answer with how far the newest backfill is."""
    return Reply(_told(await read_backfill(visit.services, visit.restaurant_id)))


def _told(backfill: Backfill | None) -> BackfillTold:
    if backfill is None:
        return BackfillTold(status="NONE")
    left = backfill.seconds_left
    return BackfillTold(
        status=backfill.status.value,
        start_date=backfill.window.start.isoformat(),
        end_date=backfill.window.end.isoformat(),
        days_done=backfill.days_done,
        days_total=backfill.days_total,
        started_at=backfill.started_at,
        updated_at=backfill.updated_at,
        finished_at=backfill.finished_at,
        seconds_left=None if left is None else round(left),
        error=backfill.error,
        **{name: backfill.counts[name] for name in COUNTS},
    )


ROUTES = (
    Route(
        "POST",
        "integration/backfill",
        Role.MANAGER,
        "Start a backfill of some days",
        start,
        BackfillTold,
        Nothing,
        BackfillAsked,
    ),
    Route(
        "GET",
        "integration/backfill",
        Role.MANAGER,
        "How far the backfill is",
        progress,
        BackfillTold,
        Nothing,
        Nothing,
    ),
)
