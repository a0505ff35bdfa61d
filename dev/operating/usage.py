"""Which of a restaurant's webhook keys its senders use: whether a rotation is over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dev.operating.desk import Desk
from shared.core.times import utc_text
from shared.edge.secrets import CACHE_SECONDS
from shared.edge.staff.integration import read_integration
from shared.edge.staff.proofs import Proof, newest_proofs

_MOST_WEBHOOKS = 200
# Until then an instance may still have the old list, whose first key is not the new one.
_OLD_LISTS = timedelta(seconds=CACHE_SECONDS)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Which key of a scheme the newest webhook was proved with.

    Attributes:
        scheme: The scheme.
        position: Which of the live keys it was, 0 the newest.
        at: When it came, UTC.
        entered_at: When credentials were last entered, UTC; None where that is not known.
    """

    scheme: str
    position: int
    at: datetime
    entered_at: datetime | None

    @property
    def is_newest(self) -> bool | None:
        """Whether that was the key entered last; None where it cannot be told yet."""
        if self.entered_at is None or self.at >= self.entered_at + _OLD_LISTS:
            return self.position == 0
        return False if self.at >= self.entered_at and self.position else None

    def told(self) -> dict[str, Any]:
        """Return it as a program is told."""
        return {
            "scheme": self.scheme,
            "keyPosition": self.position,
            "at": utc_text(self.at),
            "isNewest": self.is_newest,
        }


async def uses_of(desk: Desk) -> list[KeyUse]:
    """Return the newest use of each scheme, by the restaurant's newest webhooks.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    client = desk.services.firestore
    document = await read_integration(client, desk.restaurant_id) or {}
    entered_at = document.get("credentialsEnteredAt")
    proofs = await newest_proofs(client, desk.restaurant_id, _MOST_WEBHOOKS)
    return newest_uses(proofs, entered_at if isinstance(entered_at, datetime) else None)


def newest_uses(proofs: Sequence[Proof], entered_at: datetime | None) -> list[KeyUse]:
    """Return the newest use of each scheme.

    Args:
        proofs: Of the newest webhooks, newest first.
        entered_at: When credentials were last entered.
    """
    newest: dict[str, KeyUse] = {}
    for proof in proofs:
        use = KeyUse(proof.scheme, proof.position, proof.at, entered_at)
        newest.setdefault(proof.scheme, use)
    return list(newest.values())


def uses_in_words(uses: Sequence[KeyUse]) -> Iterator[str]:
    """Yield a line for each scheme in use."""
    for use in uses:
        yield f"{use.scheme:<18} last proved at {utc_text(use.at)} with {_key(use)}"


def _key(use: KeyUse) -> str:
    if use.is_newest is not None or use.entered_at is None:
        return "the newest key" if use.is_newest else "an older key"
    if use.at < use.entered_at:
        return "a key of before the newest was entered"
    certain = utc_text(use.entered_at + _OLD_LISTS)
    return f"the newest key, it seems; webhooks after {certain} make it certain"
