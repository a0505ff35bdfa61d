"""The systems in which reservations are made."""

from enum import StrEnum

from shared.core.keys import build_reservation_document_id


class ReservationSystem(StrEnum):
    """Where a reservation was made, and so who owns its document."""

    OPENTABLE = "OPENTABLE"
    LINEUP = "LINEUP"

    def build_document_id(self, key: str) -> str:
        """Return the document of a key: Lineup's own reservations are keyed by document id."""
        return build_reservation_document_id(key) if self is ReservationSystem.OPENTABLE else key
