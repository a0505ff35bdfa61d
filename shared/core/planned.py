"""What a planned correction went by, so that it is left alone once either side has moved."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from msgspec import Struct

from shared.core.change import Speaker, Version
from shared.core.statements import Statements

LEDGER_MOVED = "The ledger has heard something else since the plan was made."
OPEN_TABLE_MOVED = "OpenTable has said something newer since the plan was made."
GONE = "OpenTable has no reservation of this id any more; the next reconciliation flags it."


class Basis(Struct, frozen=True):
    """What a plan saw of one reservation.

    Attributes:
        open_table_id: The id by which OpenTable is asked for it.
        held: The versions that the ledger held (see `held_versions`).
        shown: The version that OpenTable showed, None where its answer lacked the row.
    """

    open_table_id: str
    held: str
    shown: str | None

    def stored(self) -> dict[str, Any]:
        """Return it as a report keeps it."""
        return {"openTableId": self.open_table_id, "held": self.held, "shown": self.shown}

    def obstacle(self, shown: Version | None) -> str | None:
        """Return why a planned correction must be skipped by what OpenTable shows now.

        Nothing speaks against a row that the plan had not seen: that it moved out of the window
        is what asking by its id is to find out.

        Args:
            shown: The version of OpenTable's row, None where it has no such row.
        """
        if self.shown is None:
            return None
        if shown is None:
            return GONE
        return None if version_text(shown) == self.shown else OPEN_TABLE_MOVED


class Planned(Struct, frozen=True):
    """One item of a plan.

    Attributes:
        external_key: The reservation's.
        basis: What the plan saw.
    """

    external_key: str
    basis: Basis


def planned_from(entry: Mapping[str, Any]) -> Planned:
    """Read an item back from an entry of a held report."""
    seen = entry["basis"]
    return Planned(entry["externalId"], Basis(seen["openTableId"], seen["held"], seen["shown"]))


def held_versions(statements: Statements) -> str:
    """Return the versions that are held of a reservation, a speaker each; empty for none."""
    heard = ((speaker, statements.register(speaker).version) for speaker in Speaker)
    return "; ".join(f"{speaker} {version_text(version)}" for speaker, version in heard if version)


def version_text(version: Version) -> str:
    """Return a version as text; equal texts are equal versions of one speaker."""
    return f"{version.id or version.sequence_id} {version.at.astimezone(UTC).isoformat()}"
