"""Compute `docs/scale.md`: assumptions, formulas and tables of capacity and cost.

The cost of each step is measured; `tests/dev/docs/test_measured_costs.py` checks it against the
code. A restaurant's day is an assumption. Durations allow 200 ms for each OpenTable call. Each
figure
prints the formula it is computed from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.docs.queue_simulation import (
    QueueLimits,
    sample_durations,
    simulate_backlog,
    simulate_drain,
)
from sandbox.background_bookings import compute_lead_share

# A month at list prices, in US dollars; free quotas left out. See the page for their sources.
READ_DOLLARS = 0.03e-5
WRITE_DOLLARS = 0.09e-5
DELETE_DOLLARS = 0.01e-5
GIB_DOLLARS = 0.18
REQUEST_DOLLARS = 0.40e-6
INSTANCE_SECOND_DOLLARS = 0.000024 + 0.5 * 0.0000025  # one vCPU, 512 MiB
IDLE_INSTANCE_DOLLARS = 9.70
TASK_DOLLARS = 0.40e-6

# A restaurant's day.
BOOKINGS_PER_DAY = 60
EVENTS_PER_BOOKING = 6
DAYS_PER_MONTH = 30
POLLS_PER_DAY = 96
RECONCILIATIONS_PER_DAY = 24

# The window of an hourly reconciliation: yesterday, today and future bookings, by the sandbox's
# lead times.
WINDOW_RESERVATIONS = round(
    BOOKINGS_PER_DAY * (2 + sum(1 - compute_lead_share(24 * ahead) for ahead in range(1, 31)))
)

# Documents read and written, as measured.
CREATED_READS_WRITES = (4, 2)
UPDATED_READS_WRITES = (2, 2)
GUEST_FETCH_READS_WRITES = (6, 3)
EMPTY_POLL_READS_WRITES = (2, 2)
UNCHANGED_ROW_READS = 1
UNCHANGED_GUEST_READS = 10
EMPTY_RECONCILIATION_READS_WRITES = (36, 3)
COMPARED_ROW_READS = 1

# Bytes of a document and its name, as measured.
RESERVATION_BYTES = 2_700
ENTRY_BYTES = 2_200
RETENTION_DAYS = 400

# Seconds.
WEBHOOK_SECONDS = 0.1
POLL_SECONDS = 1.0
RECONCILIATION_SECONDS = 2.0

# As the settings have it, and --concurrency of both scheduled services in deploy/.
FAN_OUT_ABOVE = 200
RESTAURANTS_AT_ONCE = 16
FUNCTION_CONCURRENCY = 4
RUN_BUDGET_SECONDS = 480

# OpenTable documents this for another API, per partner; it documents no limit for Sync.
API_CALLS_PER_SECOND = 10
RESTAURANT_COUNTS = (10, 1_000, 100_000)


@dataclass(frozen=True, slots=True)
class CapacityFigure:
    """One table row.

    `formula` consists of numbers, ``N``, ``queued`` and the names of earlier rows. `unit` is
    printed
    before the number.
    """

    name: str
    label: str
    formula: str
    unit: str = ""
    decimals: int = 0


_BOOKING_READS = (
    f"{CREATED_READS_WRITES[0]} + {GUEST_FETCH_READS_WRITES[0]}"
    f" + {EVENTS_PER_BOOKING - 1} * {UPDATED_READS_WRITES[0]} + {EVENTS_PER_BOOKING} * 2"
    f" + 2 * ({EVENTS_PER_BOOKING} * {UNCHANGED_ROW_READS} + {UNCHANGED_GUEST_READS})"
)

_BOOKING_WRITES = (
    f"{CREATED_READS_WRITES[1]} + {GUEST_FETCH_READS_WRITES[1]}"
    f" + {EVENTS_PER_BOOKING - 1} * {UPDATED_READS_WRITES[1]}"
)

_BOOKING_BYTES = f"({RESERVATION_BYTES} + {EVENTS_PER_BOOKING + 1} * {ENTRY_BYTES})"

CAPACITY_FIGURES = (
    CapacityFigure("bookings", "bookings", f"N * {BOOKINGS_PER_DAY} * {DAYS_PER_MONTH}"),
    CapacityFigure("webhooks", "webhooks", f"bookings * {EVENTS_PER_BOOKING}"),
    CapacityFigure("polls", "polls of restaurants", f"N * {POLLS_PER_DAY} * {DAYS_PER_MONTH}"),
    CapacityFigure(
        "runs",
        "reconciliations of restaurants",
        f"N * {RECONCILIATIONS_PER_DAY} * {DAYS_PER_MONTH}",
    ),
    CapacityFigure(
        "tasks", f"tasks (above {FAN_OUT_ABOVE} restaurants)", "queued * (polls + runs)"
    ),
    CapacityFigure(
        "invocations",
        "function invocations",
        f"webhooks + ({POLLS_PER_DAY} + {RECONCILIATIONS_PER_DAY}) * {DAYS_PER_MONTH} + tasks",
    ),
    CapacityFigure("operations", "Cloud Tasks operations", "tasks * 2"),
    CapacityFigure("calls", "OpenTable API calls", "polls * 2 + runs * 1 + bookings * 1"),
    CapacityFigure(
        "rate", "OpenTable API calls per second", f"calls / ({DAYS_PER_MONTH} * 86400)", decimals=2
    ),
    CapacityFigure(
        "share",
        f"share of {API_CALLS_PER_SECOND} per second, in %",
        f"rate * 100 / {API_CALLS_PER_SECOND}",
    ),
    CapacityFigure(
        "reads",
        "Firestore reads",
        f"bookings * ({_BOOKING_READS}) + polls * {EMPTY_POLL_READS_WRITES[0]}"
        f" + runs * ({EMPTY_RECONCILIATION_READS_WRITES[0]}"
        f" + {WINDOW_RESERVATIONS} * {COMPARED_ROW_READS})"
        f" + N * ({POLLS_PER_DAY} + {RECONCILIATIONS_PER_DAY}) * {DAYS_PER_MONTH}",
    ),
    CapacityFigure(
        "writes",
        "Firestore writes",
        f"bookings * ({_BOOKING_WRITES}) + polls * {EMPTY_POLL_READS_WRITES[1]}"
        f" + runs * {EMPTY_RECONCILIATION_READS_WRITES[1]}",
    ),
    CapacityFigure("deletes", "Firestore deletes (TTL)", f"bookings * ({EVENTS_PER_BOOKING} + 1)"),
    CapacityFigure(
        "stored",
        f"GiB stored after {RETENTION_DAYS} days",
        f"N * {BOOKINGS_PER_DAY} * {RETENTION_DAYS} * {_BOOKING_BYTES} / 1073741824",
        decimals=1,
    ),
    CapacityFigure(
        "seconds",
        "instance seconds",
        f"webhooks * {WEBHOOK_SECONDS} + (polls * {POLL_SECONDS:g}"
        f" + runs * {RECONCILIATION_SECONDS:g}) / {FUNCTION_CONCURRENCY}",
    ),
    CapacityFigure(
        "firestore",
        "Firestore operations",
        f"reads * {READ_DOLLARS * 1e5:g} / 100000 + writes * {WRITE_DOLLARS * 1e5:g} / 100000"
        f" + deletes * {DELETE_DOLLARS * 1e5:g} / 100000",
        "$",
        2,
    ),
    CapacityFigure("storage", "Firestore storage", f"stored * {GIB_DOLLARS}", "$", 2),
    CapacityFigure(
        "functions",
        "functions",
        f"invocations * {REQUEST_DOLLARS * 1e6:g} / 1000000"
        f" + seconds * {INSTANCE_SECOND_DOLLARS} + {IDLE_INSTANCE_DOLLARS}",
        "$",
        2,
    ),
    CapacityFigure(
        "queue", "Cloud Tasks", f"operations * {TASK_DOLLARS * 1e6:g} / 1000000", "$", 2
    ),
    CapacityFigure("total", "total per month", "firestore + storage + functions + queue", "$", 2),
    CapacityFigure("each", "total per restaurant", "total / N", "$", 2),
)


def compute_figures(restaurants: int) -> dict[str, float]:
    """Return every figure of a number of restaurants, by name, in the table's order."""
    results: dict[str, float] = {"N": restaurants, "queued": restaurants > FAN_OUT_ABOVE}
    for figure in CAPACITY_FIGURES:
        results[figure.name] = evaluate_formula(figure.formula, results)
    return {figure.name: results[figure.name] for figure in CAPACITY_FIGURES}


def evaluate_formula(formula: str, results: Mapping[str, float]) -> float:
    """Evaluate a row's formula."""
    return float(eval(formula, {"__builtins__": {}}, dict(results)))  # noqa: S307 -- our own text


def compute_max_restaurants_by_api() -> float:
    """Return how many restaurants `API_CALLS_A_SECOND` allow at this pace."""
    return API_CALLS_PER_SECOND / compute_figures(1)["rate"]


SCALE_PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
SCALE_TABLE_BEGIN = "<!-- The {} are written by `python -m dev scale`. -->"
SCALE_TABLE_END = "<!-- End of the {}. -->"
_TIMES, _DIVIDED_BY = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
_POLL_INTERVAL_SECONDS = 86_400 / POLLS_PER_DAY
_TICK_COUNT = 9  # two hours
_SMALL_QUEUE = QueueLimits(4, 16)
_LARGE_QUEUE = QueueLimits(125, 160)
_SINGLE_INVOCATION = QueueLimits(float("inf"), RESTAURANTS_AT_ONCE)

_QUEUE_SCENARIOS = (
    ("one invocation", 10, _SINGLE_INVOCATION),
    ("one invocation", 200, _SINGLE_INVOCATION),
    ("one invocation", 1_000, _SINGLE_INVOCATION),
    ("queue, 4 per second, 16 concurrent", 1_000, _SMALL_QUEUE),
    ("queue, 4 per second, 16 concurrent", 3_500, _SMALL_QUEUE),
    ("queue, 4 per second, 16 concurrent", 100_000, _SMALL_QUEUE),
    ("queue, 125 per second, 160 concurrent", 100_000, _LARGE_QUEUE),
)


def replace_scale_tables(page: str) -> str:
    """Return a page with the current tables.

    Raises:
        ValueError: A mark is missing.
    """
    for name, rows in (("figures", _build_figure_rows()), ("runs", _build_queue_rows())):
        begin, end = SCALE_TABLE_BEGIN.format(name), SCALE_TABLE_END.format(name)
        before, after = page[: page.index(begin)], page[page.index(end) :]
        page = "\n".join([before + begin, "", *rows, "", after])
    return page


def write_scale_tables(page: Path = SCALE_PAGE) -> None:
    """Bring a page's tables up to date."""
    page.write_text(replace_scale_tables(page.read_text()))


def _build_figure_rows() -> Iterator[str]:
    columns = {size: compute_figures(size) for size in RESTAURANT_COUNTS}
    yield f"| per month | formula | {' | '.join(f'N = {size:,}' for size in RESTAURANT_COUNTS)} |"
    yield f"|---|---|{'--:|' * len(RESTAURANT_COUNTS)}"
    for figure in CAPACITY_FIGURES:
        cells = (
            f"{figure.unit}{columns[size][figure.name]:,.{figure.decimals}f}"
            for size in RESTAURANT_COUNTS
        )
        label = figure.label if figure.name == figure.label else f"{figure.label}: *{figure.name}*"
        arithmetic = figure.formula.replace("*", _TIMES).replace("/", _DIVIDED_BY)
        yield f"| {label} | {arithmetic} | {' | '.join(cells)} |"


def _build_queue_rows() -> Iterator[str]:
    seconds = sample_durations(POLL_SECONDS)
    yield "| restaurants | execution | duration | share of the interval | backlog after two hours |"
    yield "|--:|---|--:|--:|--:|"
    for description, restaurants, limits in _QUEUE_SCENARIOS:
        drain_seconds = simulate_drain(restaurants, limits, seconds)
        backlog_seconds = simulate_backlog(
            _TICK_COUNT, _POLL_INTERVAL_SECONDS, restaurants, limits, seconds
        )
        share, backlog = (
            f"{drain_seconds / _POLL_INTERVAL_SECONDS:.0%}",
            f"{backlog_seconds / 3600:,.1f} h" if backlog_seconds else "none",
        )
        yield f"| {restaurants:,} | {description} | {drain_seconds:,.0f} s | {share} | {backlog} |"


def compute_max_restaurants_per_invocation() -> int:
    """Return how many quiet restaurants one invocation polls within its budget, in hundreds."""
    seconds, count = sample_durations(POLL_SECONDS), 0
    while simulate_drain(count + 100, _SINGLE_INVOCATION, seconds) <= RUN_BUDGET_SECONDS:
        count += 100
    return count
