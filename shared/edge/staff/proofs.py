"""By which proofs a restaurant's webhooks were let in lately: whether a rotation is over."""

from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient
from msgspec import Struct

from shared.edge.pulse import newest_heard


class Proof(Struct, frozen=True):
    """How one webhook that told something new had proved its origin.

    Attributes:
        scheme: The scheme.
        position: Which of the keys live at the time matched, 0 the newest.
        at: When it was received, UTC.
    """

    scheme: str
    position: int
    at: datetime


async def newest_proofs(client: AsyncClient, restaurant_id: str, most: int) -> list[Proof]:
    """Return the proofs of a restaurant's newest webhooks, newest first.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        most: How many journal entries are read.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    found = await newest_heard(client, restaurant_id, ["receivedAt", "proof"], most)
    told = [snapshot.to_dict() or {} for snapshot in found]
    return [_proof(entry) for entry in told if entry.get("proof")]


def _proof(entry: dict[str, Any]) -> Proof:
    proof = entry["proof"]
    return Proof(proof["scheme"], int(proof["keyPosition"] or 0), entry["receivedAt"])
