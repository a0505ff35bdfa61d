"""The plan of a held report: read back to be carried out, and marked once it was."""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from msgspec import Struct

from shared.core.planned import PlannedCorrection, planned_correction_from_map
from shared.core.report import ReportStatus
from shared.core.window import DateWindow
from shared.edge import paths
from shared.edge.reading import read_document, translate_firestore_errors
from shared.edge.report_parts import CONTINUATION_COLLECTION, format_part_id
from shared.errors import PlanNotExecutableError

MAX_ITEMS_PER_BATCH = 50
_PLANNED_LISTS = ("created", "updated", "cancelled", "missing")
_WRITE_TIMEOUT_SECONDS = 5.0


class HeldPlan(Struct, frozen=True):
    """A plan that nobody has carried out yet.

    Attributes:
        reference: Its report's document.
        report: That document.
    """

    reference: AsyncDocumentReference
    report: Mapping[str, Any]

    @property
    def window(self) -> DateWindow:
        """The days that it is about."""
        first, last = self.report["startDate"], self.report["endDate"]
        return DateWindow(date.fromisoformat(first), date.fromisoformat(last))

    async def read_batches(self) -> AsyncIterator[list[PlannedCorrection]]:
        """Yield its items, `MAX_ITEMS_PER_BATCH` at most at a time, however long it is.

        Raises:
            LedgerUnavailableError: When a part of it cannot be read now.
        """
        for number in range(self.report["parts"]):
            items = [
                planned_correction_from_map(entry)
                for entry in _list_entries(await self._read_part(number))
            ]
            for start in range(0, len(items), MAX_ITEMS_PER_BATCH):
                yield items[start : start + MAX_ITEMS_PER_BATCH]

    async def _read_part(self, number: int) -> Mapping[str, Any]:
        if number == 0:
            return self.report
        part_reference = self.reference.collection(CONTINUATION_COLLECTION).document(
            format_part_id(number)
        )
        return (await read_document(part_reference)).to_dict() or {}

    async def mark_executed(self, report_id: str, now: datetime) -> None:
        """Mark it as carried out.

        Args:
            report_id: The report of the run that did.
            now: The current time, UTC.

        Raises:
            LedgerUnavailableError: When it could not be marked.
        """
        fields = {"executedBy": report_id, "executedAt": now}
        with translate_firestore_errors():
            await self.reference.update(fields, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)


def _list_entries(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [entry for name in _PLANNED_LISTS for entry in part.get(name) or ()]


async def load_held_plan(client: AsyncClient, restaurant_id: str, report_id: str) -> HeldPlan:
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
    reference = paths.reports_collection(client, restaurant_id).document(report_id)
    report = (await read_document(reference)).to_dict()
    if report is None:
        raise PlanNotExecutableError(
            "REPORT_NOT_FOUND", "There is no report of this id: take it from the list of reports."
        )
    if report["status"] != ReportStatus.HELD:
        status = report["status"]
        raise PlanNotExecutableError(
            "NOT_HELD", f"Only the plan of a HELD report can be carried out; this one is {status}."
        )
    if report.get("executedBy"):
        raise PlanNotExecutableError(
            "PLAN_ALREADY_EXECUTED",
            f"This plan was carried out before: see report {report['executedBy']}.",
        )
    return HeldPlan(reference, report)
