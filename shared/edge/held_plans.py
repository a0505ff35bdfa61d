"""The plan of a held report: read back to be carried out, and marked once it was."""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from msgspec import Struct

from shared.core.planned import Planned, planned_from
from shared.core.report import ReportStatus
from shared.core.window import Window
from shared.edge import paths
from shared.edge.reading import read_one, unavailable_on_failure
from shared.edge.report_parts import CONTINUATION, part_name
from shared.errors import ForceRefusedError

MOST_AT_ONCE = 50
_PLANNED = ("created", "updated", "cancelled", "missing")
_WRITE_SECONDS = 5.0


class HeldPlan(Struct, frozen=True):
    """A plan that nobody has carried out yet.

    Attributes:
        reference: Its report's document.
        report: That document.
    """

    reference: AsyncDocumentReference
    report: Mapping[str, Any]

    @property
    def window(self) -> Window:
        """The days that it is about."""
        first, last = self.report["startDate"], self.report["endDate"]
        return Window(date.fromisoformat(first), date.fromisoformat(last))

    async def items(self) -> AsyncIterator[list[Planned]]:
        """Yield its items, `MOST_AT_ONCE` at most at a time, however long it is.

        Raises:
            LedgerUnavailableError: When a part of it cannot be read now.
        """
        for number in range(self.report["parts"]):
            planned = [planned_from(entry) for entry in _entries(await self._part(number))]
            for start in range(0, len(planned), MOST_AT_ONCE):
                yield planned[start : start + MOST_AT_ONCE]

    async def _part(self, number: int) -> Mapping[str, Any]:
        if number == 0:
            return self.report
        continued = self.reference.collection(CONTINUATION).document(part_name(number))
        return (await read_one(continued)).to_dict() or {}

    async def mark_forced(self, report_id: str, now: datetime) -> None:
        """Mark it as carried out.

        Args:
            report_id: The report of the run that did.
            now: The current time, UTC.

        Raises:
            LedgerUnavailableError: When it could not be marked.
        """
        marked = {"forcedTo": report_id, "forcedAt": now}
        with unavailable_on_failure():
            await self.reference.update(marked, retry=None, timeout=_WRITE_SECONDS)


def _entries(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [entry for name in _PLANNED for entry in part.get(name) or ()]


async def open_plan(client: AsyncClient, restaurant_id: str, report_id: str) -> HeldPlan:
    """Return the plan of a held report.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        report_id: The report's.

    Raises:
        ForceRefusedError: When there is no such report, it is not held, or its plan was carried
            out before.
        LedgerUnavailableError: When it cannot be read now.
    """
    reference = paths.reports(client, restaurant_id).document(report_id)
    report = (await read_one(reference)).to_dict()
    if report is None:
        raise ForceRefusedError(
            "NO_SUCH_REPORT", "There is no report of this id: take it from the list of reports."
        )
    if report["status"] != ReportStatus.HELD:
        status = report["status"]
        raise ForceRefusedError(
            "NOT_HELD", f"Only the plan of a HELD report can be carried out; this one is {status}."
        )
    if report.get("forcedTo"):
        raise ForceRefusedError(
            "ALREADY_FORCED", f"This plan was carried out before: see report {report['forcedTo']}."
        )
    return HeldPlan(reference, report)
