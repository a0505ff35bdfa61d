"""The two senders of webhooks: OpenTable itself (v3), and a relay that signs envelopes."""

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

from dev.sandbox.answers import OPENTABLE_PRODUCTION_URL
from dev.sandbox.book import SandboxStore
from dev.sandbox.courier import WebhookDispatcher
from dev.sandbox.envelopes import RelayIdentity, build_relay_envelope
from dev.sandbox.parcels import RELAY_RETRY_SCHEDULE, THREE_ATTEMPTS, Delivery, RetrySchedule
from dev.sandbox.records import SandboxReservation
from dev.sandbox.rows import RenderContext, build_webhook_row
from dev.sandbox.signing import build_signed_headers
from dev.sandbox.tiers import ProductTier


@dataclass(slots=True)
class DirectSender:
    """OpenTable's own webhook: the bare v3 object with a credential that the receiver issued.

    Args:
        store: Where the events come from; pass the sender's ``send_event`` to ``book.listen``.
        dispatcher: What delivers them.
        url: The receiver's.
        authorization: The whole header, ``Basic …`` or ``Bearer …``.
        tier: The product tier, which decides the fields.
        retry_schedule: One of the two documented retry schedules.
        zoneless: Write ``scheduled_time_utc`` without its Z.
        unprefixed: Write ids without ``{rid}-``.
        authorizations: A header of its own for some rids; empty for no webhooks.
    """

    store: SandboxStore
    dispatcher: WebhookDispatcher
    url: str
    authorization: str = field(repr=False)
    tier: ProductTier = "gold"
    retry_schedule: RetrySchedule = THREE_ATTEMPTS
    zoneless: bool = False
    unprefixed: bool = False
    authorizations: dict[int, str] = field(default_factory=dict, repr=False)

    def send_event(self, _before: SandboxReservation | None, after: SandboxReservation) -> None:
        """Send one event's reservation."""
        authorization = self.authorizations.get(after.rid, self.authorization)
        if not authorization:
            return
        context = RenderContext(
            self.tier, self.store.get_restaurant(after.rid).zone, OPENTABLE_PRODUCTION_URL
        )
        row = build_webhook_row(after, context, zoneless=self.zoneless, unprefixed=self.unprefixed)
        body = json.dumps(row).encode()
        headers = {"content-type": "application/json", "authorization": authorization}
        self.dispatcher.enqueue(
            Delivery(self.url, body, lambda _now, _body: headers, self.retry_schedule)
        )


@dataclass(slots=True)
class RelaySender:
    """A relay in front of the receiver: signed envelopes, by a clock of its own.

    Args:
        store: Where the events come from; pass the relay's ``send_event`` to ``book.listen``.
        dispatcher: What delivers them.
        url: The receiver's.
        secret: The signing secret, ``whsec_…``.
        restaurant_ids: The receiver's id of each rid; the rid itself where there is none.
        skew: How far the relay's clock runs ahead of OpenTable's.
        retry_schedule: A relay keeps trying longer than OpenTable does.
        share: Of the reservations, how many it speaks of: all of one's events or none.
        secrets: A signing secret of its own for some rids; empty where it does not relay.
    """

    store: SandboxStore
    dispatcher: WebhookDispatcher
    url: str
    secret: str = field(repr=False)
    restaurant_ids: dict[int, str] = field(default_factory=dict)
    skew: timedelta = timedelta(0)
    retry_schedule: RetrySchedule = RELAY_RETRY_SCHEDULE
    share: float = 1.0
    secrets: dict[int, str] = field(default_factory=dict, repr=False)
    _random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - ids

    def send_event(self, before: SandboxReservation | None, after: SandboxReservation) -> None:
        """Send one event's envelope, where it says anything and is the relay's to tell."""
        secret = self.secrets.get(after.rid, self.secret)
        if not secret or crc32(after.key.encode()) / 2**32 >= self.share:
            return
        event_id = f"evt_{self._random.getrandbits(64):016x}"
        identity = RelayIdentity(
            event_id,
            self.store.now() + self.skew,
            self.restaurant_ids.get(after.rid, str(after.rid)),
            self.store.get_restaurant(after.rid).name,
        )
        guest = self.store.get_guest(after.rid, after.guest_key)
        payload = build_relay_envelope(before, after, guest, identity)
        if payload is not None:
            self.dispatcher.enqueue(
                self._build_delivery(event_id, json.dumps(payload).encode(), secret)
            )

    def _build_delivery(self, event_id: str, body: bytes, secret: str) -> Delivery:
        def headers(now: datetime, body: bytes) -> dict[str, str]:
            # Signed at each attempt: a late retry carries a fresh timestamp.
            signed = build_signed_headers(secret, event_id, now + self.skew, body)
            return {"content-type": "application/json", **signed}

        return Delivery(self.url, body, headers, self.retry_schedule)
