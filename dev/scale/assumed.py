"""What the figures rest on: a restaurant's day, what the code takes for each step, list prices.

What the code takes is measured (`tests/dev/scale/test_measured.py` holds it against the code);
the day is an assumption, and the durations allow 200 ms for each call of OpenTable's API.
"""

from dev.sandbox.patterns import lead_share

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
BOOKINGS = 60
EVENTS = 6
DAYS = 30
POLLS = 96
RECONCILIATIONS = 24

# The window of an hourly reconciliation: yesterday, today, and who has booked ahead by now,
# by the sandbox's lead times.
WINDOW = round(BOOKINGS * (2 + sum(1 - lead_share(24 * ahead) for ahead in range(1, 31))))

# Documents read and written, as measured.
CREATED = (4, 2)
UPDATED = (2, 2)
GUEST_FETCHED = (6, 3)
QUIET_POLL = (2, 2)
ROW_POLLED_AGAIN = 1
GUEST_POLLED_AGAIN = 10
QUIET_RECONCILIATION = (36, 3)
ROW_COMPARED = 1

# Bytes of a document and its name, as measured.
RESERVATION_BYTES = 2_700
ENTRY_BYTES = 2_200
KEPT_DAYS = 400

# Seconds.
WEBHOOK_SECONDS = 0.1
POLL_SECONDS = 1.0
RECONCILIATION_SECONDS = 2.0

# As the settings have it, and cloudbuild.yaml's --concurrency of both scheduled functions.
FAN_OUT_ABOVE = 200
RESTAURANTS_AT_ONCE = 16
CONCURRENCY = 4
BUDGET_SECONDS = 480

# What OpenTable documents for another of its APIs, and per partner; for Sync it documents none.
API_CALLS_A_SECOND = 10
