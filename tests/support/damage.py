"""Values that only a person can have written to a stored document."""

from datetime import UTC, datetime
from typing import Any

LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
ODD_VALUES: list[Any] = [
    *(5, "x", True, [], [{"a": [1]}], {"a": 1}),
    *(datetime(1, 1, 1, tzinfo=UTC), LAST_INSTANT),
]
