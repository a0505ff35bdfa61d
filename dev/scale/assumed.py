"""What the figures rest on: a restaurant's day, what the code takes for each step, list prices.

What the code takes is measured (`tests/dev/scale/test_measured.py` holds it against the code);
the day is an assumption, and the durations allow 200 ms for each call of OpenTable's API.
"""

from dev.sandbox.patterns import compute_lead_share

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

# The window of an hourly reconciliation: yesterday, today, and who has booked ahead by now,
# by the sandbox's lead times.
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

# As the settings have it, and cloudbuild.yaml's --concurrency of both scheduled functions.
FAN_OUT_ABOVE = 200
RESTAURANTS_AT_ONCE = 16
FUNCTION_CONCURRENCY = 4
RUN_BUDGET_SECONDS = 480

# What OpenTable documents for another of its APIs, and per partner; for Sync it documents none.
API_CALLS_PER_SECOND = 10
