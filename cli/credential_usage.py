"""Which webhook credential is in use, as far as the newest webhooks show it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cli.api import OperatorClient
from shared.domain.normalization.field_values import format_utc
from shared.polling.webhook_health import WebhookCredentialUse, read_webhook_credential_uses
from shared.restaurants.changes import CHANGE_PICKUP_SECONDS
from shared.restaurants.settings import read_integration_document

_MAX_WEBHOOKS = 200
_PICKUP_TIME = timedelta(seconds=CHANGE_PICKUP_SECONDS)


@dataclass(frozen=True, slots=True)
class CredentialUsage:
    """The newest webhook of a scheme, and its credential.

    `position` counts from 0, the newest credential of the list at that time. `entered_at` is the
    time of the last change of credentials by a command or on the page, None without one.
    """

    scheme: str
    position: int
    at: datetime
    entered_at: datetime | None

    @property
    def is_newest(self) -> bool | None:
        """Whether it was the newest credential; None if that is unknown."""
        if self.position:
            # Before a change, another position may have become the newest by a removal.
            return None if self.entered_at and self.at < self.entered_at else False
        # Without a change here, the secret was edited elsewhere, and the list may have changed
        # since. Until an instance has taken up a change, it counts positions in the old list.
        if self.entered_at is None or self.at < self.entered_at + _PICKUP_TIME:
            return None
        return True

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "scheme": self.scheme,
            "credentialIndex": self.position,
            "at": format_utc(self.at),
            "isNewest": self.is_newest,
        }


async def read_credential_usage(api: OperatorClient) -> list[CredentialUsage]:
    """Return the newest use of each scheme, from the restaurant's newest webhooks."""
    client = api.app_context.firestore
    document = await read_integration_document(client, api.restaurant_id) or {}
    entered_at = document.get("credentialsChangedAt")
    uses = await read_webhook_credential_uses(client, api.restaurant_id, _MAX_WEBHOOKS)
    return select_newest_usage(uses, entered_at if isinstance(entered_at, datetime) else None)


def select_newest_usage(
    uses: Iterable[WebhookCredentialUse], entered_at: datetime | None
) -> list[CredentialUsage]:
    """Return the first use of each scheme; `uses` are sorted newest first."""
    newest: dict[str, CredentialUsage] = {}
    for use in uses:
        usage = CredentialUsage(use.scheme, use.position, use.at, entered_at)
        newest.setdefault(use.scheme, usage)
    return list(newest.values())


def format_usage(usages: Iterable[CredentialUsage]) -> Iterator[str]:
    """Yield one line for each scheme."""
    for usage in usages:
        if usage.is_newest is not None:
            credential = "the newest credential" if usage.is_newest else "an older credential"
        elif usage.entered_at is None:
            credential = "the first credential of the list; unknown whether it still is the first"
        elif usage.at < usage.entered_at:
            credential = "a credential from before the last change"
        else:
            known_at = format_utc(usage.entered_at + _PICKUP_TIME)
            credential = f"an unknown credential; webhooks after {known_at} will show it"
        yield f"{usage.scheme} last used at {format_utc(usage.at)} with {credential}"
