"""The systems in which reservations are made."""

from enum import StrEnum

from shared.core.keys import reservation_document_id


class System(StrEnum):
    """Where a reservation was made, and so who owns its document."""

    OPENTABLE = "OPENTABLE"
    LINEUP = "LINEUP"

    def document_id(self, key: str) -> str:
        """Return the document of a key: Lineup's own reservations are keyed by document id."""
        return reservation_document_id(key) if self is System.OPENTABLE else key
