"""What one reconciliation works with."""

from dataclasses import dataclass
from datetime import datetime

from shared.core.report import Report
from shared.core.settings import Settings
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.reading import Access
from shared.edge.services import Services


@dataclass(frozen=True, slots=True)
class Run:
    """What one reconciliation works with.

    Attributes:
        services: The process's services.
        settings: The restaurant's, usable.
        access: Its API credential.
        report: What is written down.
        deadline: Bounds everything.
        cursor: The poll's cursor, None where it never ran to its end.
        dry: Whether nothing but the report may be written.
    """

    services: Services
    settings: Settings
    access: Access
    report: Report
    deadline: Deadline
    cursor: datetime | None
    dry: bool
