"""Which of a restaurant's webhook keys its senders use: whether a rotation is over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cli.desk import OperatorClient
from shared.domain.normalization.fields import format_utc
from shared.polling.webhook_health import WebhookCredentialUse, read_webhook_credential_uses
from shared.restaurants.secrets import SECRETS_CACHE_SECONDS
from shared.restaurants.settings import read_integration_document

_MAX_WEBHOOKS = 200
# Until then an instance may still have the old list, whose first key is not the new one.
_CACHE_LIFETIME = timedelta(seconds=SECRETS_CACHE_SECONDS)


@dataclass(frozen=True, slots=True)
class CredentialUsage:
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
        if self.entered_at is None or self.at >= self.entered_at + _CACHE_LIFETIME:
            return self.position == 0
        return False if self.at >= self.entered_at and self.position else None

    def to_json(self) -> dict[str, Any]:
        """Return it as a program is told."""
        return {
            "scheme": self.scheme,
            "credentialIndex": self.position,
            "at": format_utc(self.at),
            "isNewest": self.is_newest,
        }


async def read_credential_usage(api: OperatorClient) -> list[CredentialUsage]:
    """Return the newest use of each scheme, by the restaurant's newest webhooks.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    client = api.app_context.firestore
    document = await read_integration_document(client, api.restaurant_id) or {}
    entered_at = document.get("credentialsChangedAt")
    proofs = await read_webhook_credential_uses(client, api.restaurant_id, _MAX_WEBHOOKS)
    return select_newest_usage(proofs, entered_at if isinstance(entered_at, datetime) else None)


def select_newest_usage(
    proofs: Sequence[WebhookCredentialUse], entered_at: datetime | None
) -> list[CredentialUsage]:
    """Return the newest use of each scheme.

    Args:
        proofs: Of the newest webhooks, newest first.
        entered_at: When credentials were last entered.
    """
    newest: dict[str, CredentialUsage] = {}
    for proof in proofs:
        use = CredentialUsage(proof.scheme, proof.position, proof.at, entered_at)
        newest.setdefault(proof.scheme, use)
    return list(newest.values())


def format_usage(uses: Sequence[CredentialUsage]) -> Iterator[str]:
    """Yield a line for each scheme in use."""
    for use in uses:
        yield f"{use.scheme:<18} last proved at {format_utc(use.at)} with {_describe_key(use)}"


def _describe_key(use: CredentialUsage) -> str:
    if use.is_newest is not None or use.entered_at is None:
        return "the newest key" if use.is_newest else "an older key"
    if use.at < use.entered_at:
        return "a key of before the newest was entered"
    certain_after = format_utc(use.entered_at + _CACHE_LIFETIME)
    return f"the newest key, it seems; webhooks after {certain_after} make it certain"
