"""Compute the capacity and cost of `docs/scale.md` from assumptions and measured costs.

The cost of each step is measured; `tests/dev/docs/test_measured_costs.py` checks it against the
code. A restaurant's day is an assumption. Durations allow 200 ms for each OpenTable call. Each
figure has the formula it is computed from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.background_bookings import compute_lead_share

# A month at list prices, in US dollars; free quotas left out. See the page for their sources.
READ_DOLLARS = 0.03e-5
WRITE_DOLLARS = 0.09e-5
DELETE_DOLLARS = 0.01e-5
GIB_DOLLARS = 0.18
BACKUP_GIB_DOLLARS = 0.03
LOG_GIB_DOLLARS = 0.50
REQUEST_DOLLARS = 0.40e-6
WEBHOOK_SECOND_DOLLARS = 0.000024 + 0.5 * 0.0000025  # one vCPU, 512 MiB
RUN_SECOND_DOLLARS = 0.000024 + 0.0000025  # one vCPU, 1 GiB
IDLE_INSTANCE_DOLLARS = 9.70
TASK_DOLLARS = 0.40e-6

# A restaurant's day.
BOOKINGS_PER_DAY = 60
EVENTS_PER_BOOKING = 6
DAYS_PER_MONTH = 30
POLLS_PER_DAY = 96
QUIET_POLLS_PER_DAY = 48
RECONCILIATIONS_PER_DAY = 24
HOURLY_PER_DAY, NIGHTLY_PER_DAY = 23, 1
# The days of each kind of reconciliation, as the settings have them.
NEAR_DAYS_AHEAD, FULL_DAYS_AHEAD = 2, 30


def _count_window_reservations(days_ahead: int) -> int:
    """Count the reservations from yesterday on, by the sandbox's lead times."""
    shares = (1 - compute_lead_share(24 * ahead) for ahead in range(1, days_ahead + 1))
    return round(BOOKINGS_PER_DAY * (2 + sum(shares)))


NEAR_RESERVATIONS = _count_window_reservations(NEAR_DAYS_AHEAD)
WINDOW_RESERVATIONS = _count_window_reservations(FULL_DAYS_AHEAD)

# Documents read and written, as measured.
CREATED_READS_WRITES = (4, 2)
UPDATED_READS_WRITES = (2, 2)
GUEST_FETCH_READS_WRITES = (6, 3)
UNCHANGED_ROW_READS = 1
UNCHANGED_GUEST_READS = 10
COMPARED_ROW_READS = 1
# A call of the scheduler reads the settings of each restaurant once, a task reads them again. The
# figures below are without these reads.
LISTED_READS = 1
QUIET_POLL_READS_WRITES = (0, 1)
CHANGED_POLL_READS_WRITES = (0, 2)
HOURLY_READS_WRITES = (4, 2)
NIGHTLY_READS_WRITES = (36, 3)
# With changes: the lease, and the analytics of the changed days.
CHANGED_HOURLY_WRITES = 3 + 2 + NEAR_DAYS_AHEAD
CHANGED_NIGHTLY_WRITES = 3 + 2 + FULL_DAYS_AHEAD

# Calls of OpenTable's API and log lines of a run, as measured.
CALLS_PER_POLL, CALLS_PER_RECONCILIATION = 2, 1
LOG_LINES_PER_POLL, LOG_LINES_PER_RECONCILIATION = 1, 2

# Bytes of a document and its name, as measured; of its index entries; and of a log line.
RESERVATION_BYTES = 2_700
RESERVATION_INDEX_BYTES = 8_000
ENTRY_BYTES = 2_200
ENTRY_INDEX_BYTES = 400
REPORT_BYTES = 1_000
LOG_LINE_BYTES = 900  # with the resource and labels that Cloud Logging adds
RETENTION_DAYS = 400
REPORT_RETENTION_DAYS = 400
BACKUP_COPIES = 21  # seven daily and fourteen weekly ones

# Seconds.
WEBHOOK_SECONDS = 0.1
POLL_SECONDS = 0.48
RECONCILIATION_SECONDS = 0.3

# As the settings have it; a task processes as many restaurants as an invocation has at once.
FAN_OUT_ABOVE = 1_000
RESTAURANTS_AT_ONCE = 32
RESTAURANTS_PER_TASK = 32
RUN_BUDGET_SECONDS = 480

# OpenTable documents this for another API, per partner; it documents no limit for Sync.
API_CALLS_PER_SECOND = 10
RESTAURANT_COUNTS = (10, 1_000, 100_000)
# The cost of a quiet restaurant before polls and reconciliations were made cheaper.
EARLIER_IDLE_DOLLARS, EARLIER_BOOKED_IDLE_DOLLARS = 0.045, 0.134
MAX_IDLE_DOLLARS = 0.006


@dataclass(frozen=True, slots=True)
class CapacityFigure:
    """One table row.

    `formula` consists of numbers, ``N``, ``queued`` and the names of earlier rows. `unit` is
    printed before the number.
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

_READS_DOLLARS = f"{READ_DOLLARS * 1e5:g} / 100000"
_WRITES_DOLLARS = f"{WRITE_DOLLARS * 1e5:g} / 100000"
_DELETES_DOLLARS = f"{DELETE_DOLLARS * 1e5:g} / 100000"
_RUNS_A_MONTH = f"{RECONCILIATIONS_PER_DAY} * {DAYS_PER_MONTH}"

CAPACITY_FIGURES = (
    CapacityFigure("bookings", "bookings", f"N * {BOOKINGS_PER_DAY} * {DAYS_PER_MONTH}"),
    CapacityFigure("webhooks", "webhooks", f"bookings * {EVENTS_PER_BOOKING}"),
    CapacityFigure("polls", "polls of restaurants", f"N * {POLLS_PER_DAY} * {DAYS_PER_MONTH}"),
    CapacityFigure(
        "hourly",
        "hourly reconciliations of restaurants",
        f"N * {HOURLY_PER_DAY} * {DAYS_PER_MONTH}",
    ),
    CapacityFigure(
        "nightly",
        "nightly reconciliations of restaurants",
        f"N * {NIGHTLY_PER_DAY} * {DAYS_PER_MONTH}",
    ),
    CapacityFigure(
        "tasks",
        f"tasks (above {FAN_OUT_ABOVE:,} restaurants)",
        f"queued * (polls + hourly + nightly) / {RESTAURANTS_PER_TASK}",
    ),
    CapacityFigure(
        "invocations",
        "function invocations",
        f"webhooks + ({POLLS_PER_DAY} + {RECONCILIATIONS_PER_DAY}) * {DAYS_PER_MONTH} + tasks",
    ),
    CapacityFigure("operations", "Cloud Tasks operations", "tasks * 2"),
    CapacityFigure(
        "calls",
        "OpenTable API calls",
        f"polls * {CALLS_PER_POLL} + hourly * {CALLS_PER_RECONCILIATION}"
        f" + nightly * {CALLS_PER_RECONCILIATION} + bookings * 1",
    ),
    CapacityFigure(
        "rate", "OpenTable API calls per second", f"calls / ({DAYS_PER_MONTH} * 86400)", decimals=2
    ),
    CapacityFigure(
        "share",
        f"share of {API_CALLS_PER_SECOND} per second, in %",
        f"rate * 100 / {API_CALLS_PER_SECOND}",
    ),
    CapacityFigure(
        "listed",
        "settings read by the scheduler's calls and by tasks",
        f"N * ({POLLS_PER_DAY} + {RECONCILIATIONS_PER_DAY}) * {DAYS_PER_MONTH} * {LISTED_READS}"
        " + queued * (polls + hourly + nightly)",
    ),
    CapacityFigure(
        "compared",
        "reservations read by reconciliations",
        f"hourly * {NEAR_RESERVATIONS} * {COMPARED_ROW_READS}"
        f" + nightly * {WINDOW_RESERVATIONS} * {COMPARED_ROW_READS}",
    ),
    CapacityFigure(
        "reads",
        "Firestore reads",
        f"bookings * ({_BOOKING_READS}) + listed + polls * {CHANGED_POLL_READS_WRITES[0]}"
        f" + hourly * {HOURLY_READS_WRITES[0]} + nightly * {NIGHTLY_READS_WRITES[0]} + compared",
    ),
    CapacityFigure(
        "writes",
        "Firestore writes",
        f"bookings * ({_BOOKING_WRITES}) + polls * {CHANGED_POLL_READS_WRITES[1]}"
        f" + hourly * {CHANGED_HOURLY_WRITES} + nightly * {CHANGED_NIGHTLY_WRITES}",
    ),
    CapacityFigure(
        "deletes",
        "Firestore deletes (TTL)",
        f"bookings * ({EVENTS_PER_BOOKING} + 1) + hourly + nightly",
    ),
    CapacityFigure(
        "stored",
        f"GiB of documents after {RETENTION_DAYS} days",
        f"N * ({BOOKINGS_PER_DAY} * {RETENTION_DAYS} * {_BOOKING_BYTES}"
        f" + {RECONCILIATIONS_PER_DAY} * {REPORT_RETENTION_DAYS} * {REPORT_BYTES}) / 1073741824",
        decimals=1,
    ),
    CapacityFigure(
        "indexed",
        "GiB of their index entries",
        f"N * {BOOKINGS_PER_DAY} * {RETENTION_DAYS}"
        f" * ({RESERVATION_INDEX_BYTES} + {EVENTS_PER_BOOKING + 1} * {ENTRY_INDEX_BYTES})"
        " / 1073741824",
        decimals=1,
    ),
    CapacityFigure(
        "logged",
        "GiB of log lines",
        f"(webhooks + polls + {LOG_LINES_PER_RECONCILIATION} * (hourly + nightly) + invocations)"
        f" * {LOG_LINE_BYTES}"
        " / 1073741824",
        decimals=1,
    ),
    CapacityFigure(
        "seconds",
        "instance seconds of polls and reconciliations",
        f"(polls * {POLL_SECONDS:g} + (hourly + nightly) * {RECONCILIATION_SECONDS:g})"
        f" / {RESTAURANTS_AT_ONCE}",
    ),
    CapacityFigure(
        "firestore",
        "Firestore operations",
        f"reads * {_READS_DOLLARS} + writes * {_WRITES_DOLLARS} + deletes * {_DELETES_DOLLARS}",
        "$",
        2,
    ),
    CapacityFigure("storage", "Firestore storage", f"(stored + indexed) * {GIB_DOLLARS}", "$", 2),
    CapacityFigure(
        "pitr", "point-in-time recovery, at most", f"(stored + indexed) * {GIB_DOLLARS}", "$", 2
    ),
    CapacityFigure(
        "backups",
        f"{BACKUP_COPIES} backups",
        f"(stored + indexed) * {BACKUP_COPIES} * {BACKUP_GIB_DOLLARS}",
        "$",
        2,
    ),
    CapacityFigure(
        "functions",
        "functions",
        f"invocations * {REQUEST_DOLLARS * 1e6:g} / 1000000"
        f" + webhooks * {WEBHOOK_SECONDS} * {WEBHOOK_SECOND_DOLLARS}"
        f" + seconds * {RUN_SECOND_DOLLARS} + {IDLE_INSTANCE_DOLLARS}",
        "$",
        2,
    ),
    CapacityFigure(
        "queue", "Cloud Tasks", f"operations * {TASK_DOLLARS * 1e6:g} / 1000000", "$", 2
    ),
    CapacityFigure("logs", "logs", f"logged * {LOG_GIB_DOLLARS}", "$", 2),
    CapacityFigure(
        "total",
        "total per month",
        "firestore + storage + pitr + backups + functions + queue + logs",
        "$",
        2,
    ),
    CapacityFigure("each", "total per restaurant", "total / N", "$", 2),
)

# One restaurant without a change. `queued` is 1 if it is processed by a task, `booked` if its days
# are full.
IDLE_FIGURES = (
    CapacityFigure("polls", "polls", f"{QUIET_POLLS_PER_DAY} * {DAYS_PER_MONTH}"),
    CapacityFigure("runs", "reconciliations", _RUNS_A_MONTH),
    CapacityFigure(
        "reads",
        "Firestore reads",
        f"({POLLS_PER_DAY} + {RECONCILIATIONS_PER_DAY}) * {DAYS_PER_MONTH} * {LISTED_READS}"
        f" + queued * (polls + runs) + polls * {QUIET_POLL_READS_WRITES[0]}"
        f" + {DAYS_PER_MONTH} * ({HOURLY_PER_DAY} * {HOURLY_READS_WRITES[0]}"
        f" + {NIGHTLY_PER_DAY} * {NIGHTLY_READS_WRITES[0]})"
        f" + booked * {DAYS_PER_MONTH} * ({HOURLY_PER_DAY} * {NEAR_RESERVATIONS}"
        f" + {NIGHTLY_PER_DAY} * {WINDOW_RESERVATIONS})",
    ),
    CapacityFigure(
        "writes",
        "Firestore writes",
        f"polls * {QUIET_POLL_READS_WRITES[1]}"
        f" + {DAYS_PER_MONTH} * ({HOURLY_PER_DAY} * {HOURLY_READS_WRITES[1]}"
        f" + {NIGHTLY_PER_DAY} * {NIGHTLY_READS_WRITES[1]})",
    ),
    CapacityFigure("deletes", "Firestore deletes (TTL)", "runs"),
    CapacityFigure(
        "seconds",
        "instance seconds",
        f"(polls * {POLL_SECONDS:g} + runs * {RECONCILIATION_SECONDS:g}) / {RESTAURANTS_AT_ONCE}",
        decimals=1,
    ),
    CapacityFigure(
        "tasks", "tasks", f"queued * (polls + runs) / {RESTAURANTS_PER_TASK}", decimals=1
    ),
    CapacityFigure(
        "idle",
        "cost of a month",
        f"reads * {_READS_DOLLARS} + writes * {_WRITES_DOLLARS} + deletes * {_DELETES_DOLLARS}"
        f" + seconds * {RUN_SECOND_DOLLARS}"
        f" + tasks * (2 * {TASK_DOLLARS * 1e6:g} + {REQUEST_DOLLARS * 1e6:g}) / 1000000",
        "$",
        4,
    ),
)


def compute_idle_dollars(*, booked: bool = False) -> float:
    """Return the monthly cost of a quiet restaurant without tasks; `booked` means full days."""
    return evaluate_figures(IDLE_FIGURES, {"queued": False, "booked": booked})["idle"]


def compute_figures(restaurants: int) -> dict[str, float]:
    """Return every figure of a number of restaurants, by name, in the table's order."""
    start = {"N": restaurants, "queued": restaurants > FAN_OUT_ABOVE}
    return evaluate_figures(CAPACITY_FIGURES, start)


def evaluate_figures(
    figures: Sequence[CapacityFigure], start: Mapping[str, float]
) -> dict[str, float]:
    """Return every figure by name, in order, from the values of the formulas' free names."""
    results = dict(start)
    for figure in figures:
        value = eval(figure.formula, {"__builtins__": {}}, results)  # noqa: S307 -- our own text
        results[figure.name] = float(value)
    return {figure.name: results[figure.name] for figure in figures}


def compute_operations_per_second(restaurants: int) -> float:
    """Return the average reads and writes of Firestore per second."""
    figures = compute_figures(restaurants)
    return (figures["reads"] + figures["writes"]) / (DAYS_PER_MONTH * 86_400)
