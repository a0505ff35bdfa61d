"""When each of the live credentials was last used, as far as its place in the list tells."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient

from shared.edge.secrets import CACHE_SECONDS
from shared.edge.staff.proofs import Proof, newest_proofs

MOST_WEBHOOKS = 50


def counted_from(integration: Mapping[str, Any]) -> datetime | None:
    """Return since when a position means what it means now; None where it always did.

    New credentials move the older ones down, and a process may know the lists of before for
    as long as it keeps a secret.

    Args:
        integration: The settings document as stored.
    """
    entered = integration.get("credentialsEnteredAt")
    return entered + timedelta(seconds=CACHE_SECONDS) if isinstance(entered, datetime) else None


async def last_uses(client: AsyncClient, restaurant_id: str, since: datetime | None) -> list[Proof]:
    """Return the last use of each credential that the newest `MOST_WEBHOOKS` came with.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        since: Webhooks from before it are left out; see `counted_from`.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    proofs = await newest_proofs(client, restaurant_id, MOST_WEBHOOKS)
    return _one_each(proof for proof in proofs if since is None or proof.at >= since)


def _one_each(newest_first: Iterable[Proof]) -> list[Proof]:
    uses: dict[tuple[str, int], Proof] = {}
    for proof in newest_first:
        uses.setdefault((proof.scheme, proof.position), proof)
    return [uses[key] for key in sorted(uses)]
