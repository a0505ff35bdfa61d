"""What one reconciliation works with."""

from datetime import datetime

from msgspec import Struct

from shared.core.report import Report
from shared.edge.connection import Connection


class Run(Struct, frozen=True):
    """What one reconciliation works with.

    Attributes:
        connection: To the restaurant's book.
        report: What is written down.
        cursor: The poll's cursor, None where it never ran to its end.
        dry: Whether nothing but the report may be written.
        zone_was_wrong: Whether the last run found the restaurant's zone to be wrong already.
        zone_before: The zone in which the last complete run left the local dates, None where
            there was none.
    """

    connection: Connection
    report: Report
    cursor: datetime | None
    dry: bool
    zone_was_wrong: bool
    zone_before: str | None

    @property
    def is_first(self) -> bool:
        """Whether nothing was level yet: neither a poll nor a reconciliation ever ended well."""
        return self.cursor is None and self.zone_before is None

    @property
    def expects_webhooks(self) -> bool:
        """Whether webhooks were to be expected: before the first poll all is new to everyone."""
        return self.cursor is not None and bool(self.connection.settings.webhook_auth)
