"""What a planned correction went by, so that it is left alone once either side has moved."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from msgspec import Struct

from shared.core.change import Actor, Version
from shared.core.statements import ReservationState

LEDGER_CHANGED_REASON = "The ledger has heard something else since the plan was made."
OPENTABLE_CHANGED_REASON = "OpenTable has said something newer since the plan was made."
NOT_AT_OPENTABLE_REASON = (
    "OpenTable has no reservation of this id any more; the next reconciliation flags it."
)


class PlanPrecondition(Struct, frozen=True):
    """What a plan saw of one reservation.

    Attributes:
        open_table_id: The id by which OpenTable is asked for it.
        ledger_versions: The versions that the ledger held (see `format_ledger_versions`).
        opentable_version: The version that OpenTable showed, None where its answer lacked the row.
    """

    open_table_id: str
    ledger_versions: str
    opentable_version: str | None

    def to_map(self) -> dict[str, Any]:
        """Return it as a report keeps it."""
        return {
            "openTableId": self.open_table_id,
            "held": self.ledger_versions,
            "shown": self.opentable_version,
        }

    def skip_reason(self, current_version: Version | None) -> str | None:
        """Return why a planned correction must be skipped by what OpenTable shows now.

        Nothing speaks against a row that the plan had not seen: that it moved out of the window
        is what asking by its id is to find out.

        Args:
            current_version: The version of OpenTable's row, None where it has no such row.
        """
        if self.opentable_version is None:
            return None
        if current_version is None:
            return NOT_AT_OPENTABLE_REASON
        return (
            None
            if format_version(current_version) == self.opentable_version
            else OPENTABLE_CHANGED_REASON
        )


class PlannedCorrection(Struct, frozen=True):
    """One item of a plan.

    Attributes:
        external_key: The reservation's.
        precondition: What the plan saw.
    """

    external_key: str
    precondition: PlanPrecondition


def planned_correction_from_map(entry: Mapping[str, Any]) -> PlannedCorrection:
    """Read an item back from an entry of a held report."""
    stored = entry["basis"]
    return PlannedCorrection(
        entry["externalId"],
        PlanPrecondition(stored["openTableId"], stored["held"], stored["shown"]),
    )


def format_ledger_versions(state: ReservationState) -> str:
    """Return the versions that are held of a reservation, a speaker each; empty for none."""
    versions = ((actor, state.get_registers(actor).version) for actor in Actor)
    return "; ".join(f"{actor} {format_version(version)}" for actor, version in versions if version)


def format_version(version: Version) -> str:
    """Return a version as text; equal texts are equal versions of one speaker."""
    occurred_at = version.occurred_at.astimezone(UTC).isoformat()
    return f"{version.event_id or version.sequence_id} {occurred_at}"
