"""Each figure with its arithmetic, which is both what is printed and what is computed."""

from collections.abc import Mapping
from dataclasses import dataclass

from dev.scale import assumed as a

SIZES = (10, 1_000, 100_000)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table.

    Attributes:
        name: By which later rows call it.
        label: What it is.
        arithmetic: Of numbers, ``N``, ``queued`` and the names of earlier rows.
        unit: Printed before the number, such as ``$``.
        places: Decimal places.
    """

    name: str
    label: str
    arithmetic: str
    unit: str = ""
    places: int = 0


_BOOKING_READS = (
    f"{a.CREATED[0]} + {a.GUEST_FETCHED[0]} + {a.EVENTS - 1} * {a.UPDATED[0]} + {a.EVENTS} * 2"
    f" + 2 * ({a.EVENTS} * {a.ROW_POLLED_AGAIN} + {a.GUEST_POLLED_AGAIN})"
)
_BOOKING_WRITES = f"{a.CREATED[1]} + {a.GUEST_FETCHED[1]} + {a.EVENTS - 1} * {a.UPDATED[1]}"
_BOOKING_BYTES = f"({a.RESERVATION_BYTES} + {a.EVENTS + 1} * {a.ENTRY_BYTES})"

FIGURES = (
    Figure("bookings", "bookings", f"N * {a.BOOKINGS} * {a.DAYS}"),
    Figure("webhooks", "webhooks", f"bookings * {a.EVENTS}"),
    Figure("polls", "polls of a restaurant", f"N * {a.POLLS} * {a.DAYS}"),
    Figure("runs", "reconciliations of a restaurant", f"N * {a.RECONCILIATIONS} * {a.DAYS}"),
    Figure("tasks", f"tasks (above {a.FAN_OUT_ABOVE} restaurants)", "queued * (polls + runs)"),
    Figure(
        "invocations",
        "function invocations",
        f"webhooks + ({a.POLLS} + {a.RECONCILIATIONS}) * {a.DAYS} + tasks",
    ),
    Figure("operations", "Cloud Tasks operations", "tasks * 2"),
    Figure("calls", "OpenTable API calls", "polls * 2 + runs * 1 + bookings * 1"),
    Figure("rate", "of these a second", f"calls / ({a.DAYS} * 86400)", places=2),
    Figure(
        "share", f"in % of {a.API_CALLS_A_SECOND} a second", f"rate * 100 / {a.API_CALLS_A_SECOND}"
    ),
    Figure(
        "reads",
        "Firestore reads",
        f"bookings * ({_BOOKING_READS}) + polls * {a.QUIET_POLL[0]}"
        f" + runs * ({a.QUIET_RECONCILIATION[0]} + {a.WINDOW} * {a.ROW_COMPARED})"
        f" + N * ({a.POLLS} + {a.RECONCILIATIONS}) * {a.DAYS}",
    ),
    Figure(
        "writes",
        "Firestore writes",
        f"bookings * ({_BOOKING_WRITES}) + polls * {a.QUIET_POLL[1]}"
        f" + runs * {a.QUIET_RECONCILIATION[1]}",
    ),
    Figure("deletes", "Firestore deletes (TTL)", f"bookings * ({a.EVENTS} + 1)"),
    Figure(
        "stored",
        f"GiB stored after {a.KEPT_DAYS} days",
        f"N * {a.BOOKINGS} * {a.KEPT_DAYS} * {_BOOKING_BYTES} / 1073741824",
        places=1,
    ),
    Figure(
        "seconds",
        "instance seconds",
        f"webhooks * {a.WEBHOOK_SECONDS} + (polls * {a.POLL_SECONDS:g}"
        f" + runs * {a.RECONCILIATION_SECONDS:g}) / {a.CONCURRENCY}",
    ),
    Figure(
        "firestore",
        "Firestore operations",
        f"reads * {a.READ_DOLLARS * 1e5:g} / 100000 + writes * {a.WRITE_DOLLARS * 1e5:g} / 100000"
        f" + deletes * {a.DELETE_DOLLARS * 1e5:g} / 100000",
        "$",
        2,
    ),
    Figure("storage", "Firestore storage", f"stored * {a.GIB_DOLLARS}", "$", 2),
    Figure(
        "functions",
        "functions",
        f"invocations * {a.REQUEST_DOLLARS * 1e6:g} / 1000000"
        f" + seconds * {a.INSTANCE_SECOND_DOLLARS} + {a.IDLE_INSTANCE_DOLLARS}",
        "$",
        2,
    ),
    Figure("queue", "Cloud Tasks", f"operations * {a.TASK_DOLLARS * 1e6:g} / 1000000", "$", 2),
    Figure("total", "a month", "firestore + storage + functions + queue", "$", 2),
    Figure("each", "a month and restaurant", "total / N", "$", 2),
)


def values(restaurants: int) -> dict[str, float]:
    """Return every figure of a number of restaurants, by name, in the table's order."""
    known: dict[str, float] = {"N": restaurants, "queued": restaurants > a.FAN_OUT_ABOVE}
    for figure in FIGURES:
        known[figure.name] = computed(figure.arithmetic, known)
    return {figure.name: known[figure.name] for figure in FIGURES}


def computed(arithmetic: str, known: Mapping[str, float]) -> float:
    """Return what a row's arithmetic comes to."""
    return float(eval(arithmetic, {"__builtins__": {}}, dict(known)))  # noqa: S307 -- our own text


def most_by_the_api() -> float:
    """Return how many restaurants `API_CALLS_A_SECOND` allow at this pace."""
    return a.API_CALLS_A_SECOND / values(1)["rate"]
