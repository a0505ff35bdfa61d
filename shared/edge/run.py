"""What one reconciliation works with."""

from datetime import datetime

from msgspec import Struct

from shared.core.report import ReconciliationReport
from shared.edge.connection import RestaurantContext


class ReconciliationRun(Struct, frozen=True):
    """What one reconciliation works with.

    Attributes:
        restaurant: To the restaurant's book.
        report: What is written down.
        cursor: The poll's cursor, None where it never ran to its end.
        is_dry_run: Whether nothing but the report may be written.
        was_time_zone_wrong: Whether the last run found the restaurant's zone to be wrong already.
        previous_time_zone: The zone in which the last complete run left the local dates, None where
            there was none.
    """

    restaurant: RestaurantContext
    report: ReconciliationReport
    cursor: datetime | None
    is_dry_run: bool
    was_time_zone_wrong: bool
    previous_time_zone: str | None

    @property
    def is_first(self) -> bool:
        """Whether nothing was level yet: neither a poll nor a reconciliation ever ended well."""
        return self.cursor is None and self.previous_time_zone is None

    @property
    def expects_webhooks(self) -> bool:
        """Whether webhooks were to be expected: before the first poll all is new to everyone."""
        return self.cursor is not None and bool(self.restaurant.settings.webhook_auth)
