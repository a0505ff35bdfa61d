"""Each figure with its arithmetic, which is both what is printed and what is computed."""

from collections.abc import Mapping
from dataclasses import dataclass

from dev.scale import assumed as a

RESTAURANT_COUNTS = (10, 1_000, 100_000)


@dataclass(frozen=True, slots=True)
class CapacityFigure:
    """One row of the table.

    Attributes:
        name: By which later rows call it.
        label: What it is.
        formula: Of numbers, ``N``, ``queued`` and the names of earlier rows.
        unit: Printed before the number, such as ``$``.
        decimals: Decimal places.
    """

    name: str
    label: str
    formula: str
    unit: str = ""
    decimals: int = 0


_BOOKING_READS = (
    f"{a.CREATED_READS_WRITES[0]} + {a.GUEST_FETCH_READS_WRITES[0]}"
    f" + {a.EVENTS_PER_BOOKING - 1} * {a.UPDATED_READS_WRITES[0]} + {a.EVENTS_PER_BOOKING} * 2"
    f" + 2 * ({a.EVENTS_PER_BOOKING} * {a.UNCHANGED_ROW_READS} + {a.UNCHANGED_GUEST_READS})"
)
_BOOKING_WRITES = (
    f"{a.CREATED_READS_WRITES[1]} + {a.GUEST_FETCH_READS_WRITES[1]}"
    f" + {a.EVENTS_PER_BOOKING - 1} * {a.UPDATED_READS_WRITES[1]}"
)
_BOOKING_BYTES = f"({a.RESERVATION_BYTES} + {a.EVENTS_PER_BOOKING + 1} * {a.ENTRY_BYTES})"

CAPACITY_FIGURES = (
    CapacityFigure("bookings", "bookings", f"N * {a.BOOKINGS_PER_DAY} * {a.DAYS_PER_MONTH}"),
    CapacityFigure("webhooks", "webhooks", f"bookings * {a.EVENTS_PER_BOOKING}"),
    CapacityFigure("polls", "polls of a restaurant", f"N * {a.POLLS_PER_DAY} * {a.DAYS_PER_MONTH}"),
    CapacityFigure(
        "runs",
        "reconciliations of a restaurant",
        f"N * {a.RECONCILIATIONS_PER_DAY} * {a.DAYS_PER_MONTH}",
    ),
    CapacityFigure(
        "tasks", f"tasks (above {a.FAN_OUT_ABOVE} restaurants)", "queued * (polls + runs)"
    ),
    CapacityFigure(
        "invocations",
        "function invocations",
        f"webhooks + ({a.POLLS_PER_DAY} + {a.RECONCILIATIONS_PER_DAY}) * {a.DAYS_PER_MONTH}"
        " + tasks",
    ),
    CapacityFigure("operations", "Cloud Tasks operations", "tasks * 2"),
    CapacityFigure("calls", "OpenTable API calls", "polls * 2 + runs * 1 + bookings * 1"),
    CapacityFigure(
        "rate", "of these a second", f"calls / ({a.DAYS_PER_MONTH} * 86400)", decimals=2
    ),
    CapacityFigure(
        "share",
        f"in % of {a.API_CALLS_PER_SECOND} a second",
        f"rate * 100 / {a.API_CALLS_PER_SECOND}",
    ),
    CapacityFigure(
        "reads",
        "Firestore reads",
        f"bookings * ({_BOOKING_READS}) + polls * {a.EMPTY_POLL_READS_WRITES[0]}"
        f" + runs * ({a.EMPTY_RECONCILIATION_READS_WRITES[0]}"
        f" + {a.WINDOW_RESERVATIONS} * {a.COMPARED_ROW_READS})"
        f" + N * ({a.POLLS_PER_DAY} + {a.RECONCILIATIONS_PER_DAY}) * {a.DAYS_PER_MONTH}",
    ),
    CapacityFigure(
        "writes",
        "Firestore writes",
        f"bookings * ({_BOOKING_WRITES}) + polls * {a.EMPTY_POLL_READS_WRITES[1]}"
        f" + runs * {a.EMPTY_RECONCILIATION_READS_WRITES[1]}",
    ),
    CapacityFigure(
        "deletes", "Firestore deletes (TTL)", f"bookings * ({a.EVENTS_PER_BOOKING} + 1)"
    ),
    CapacityFigure(
        "stored",
        f"GiB stored after {a.RETENTION_DAYS} days",
        f"N * {a.BOOKINGS_PER_DAY} * {a.RETENTION_DAYS} * {_BOOKING_BYTES} / 1073741824",
        decimals=1,
    ),
    CapacityFigure(
        "seconds",
        "instance seconds",
        f"webhooks * {a.WEBHOOK_SECONDS} + (polls * {a.POLL_SECONDS:g}"
        f" + runs * {a.RECONCILIATION_SECONDS:g}) / {a.FUNCTION_CONCURRENCY}",
    ),
    CapacityFigure(
        "firestore",
        "Firestore operations",
        f"reads * {a.READ_DOLLARS * 1e5:g} / 100000 + writes * {a.WRITE_DOLLARS * 1e5:g} / 100000"
        f" + deletes * {a.DELETE_DOLLARS * 1e5:g} / 100000",
        "$",
        2,
    ),
    CapacityFigure("storage", "Firestore storage", f"stored * {a.GIB_DOLLARS}", "$", 2),
    CapacityFigure(
        "functions",
        "functions",
        f"invocations * {a.REQUEST_DOLLARS * 1e6:g} / 1000000"
        f" + seconds * {a.INSTANCE_SECOND_DOLLARS} + {a.IDLE_INSTANCE_DOLLARS}",
        "$",
        2,
    ),
    CapacityFigure(
        "queue", "Cloud Tasks", f"operations * {a.TASK_DOLLARS * 1e6:g} / 1000000", "$", 2
    ),
    CapacityFigure("total", "a month", "firestore + storage + functions + queue", "$", 2),
    CapacityFigure("each", "a month and restaurant", "total / N", "$", 2),
)


def compute_figures(restaurants: int) -> dict[str, float]:
    """Return every figure of a number of restaurants, by name, in the table's order."""
    results: dict[str, float] = {"N": restaurants, "queued": restaurants > a.FAN_OUT_ABOVE}
    for figure in CAPACITY_FIGURES:
        results[figure.name] = evaluate_formula(figure.formula, results)
    return {figure.name: results[figure.name] for figure in CAPACITY_FIGURES}


def evaluate_formula(formula: str, results: Mapping[str, float]) -> float:
    """Return what a row's arithmetic comes to."""
    return float(eval(formula, {"__builtins__": {}}, dict(results)))  # noqa: S307 -- our own text


def compute_max_restaurants_by_api() -> float:
    """Return how many restaurants `API_CALLS_A_SECOND` allow at this pace."""
    return a.API_CALLS_PER_SECOND / compute_figures(1)["rate"]
