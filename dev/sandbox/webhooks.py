"""The two senders of webhooks: OpenTable itself (v3), and a relay that signs envelopes."""

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

from dev.sandbox.answers import PRODUCTION_URL
from dev.sandbox.book import Book
from dev.sandbox.courier import Courier
from dev.sandbox.envelopes import Letterhead, envelope
from dev.sandbox.parcels import RELAY_PATIENCE, THREE_ATTEMPTS, Parcel, Patience
from dev.sandbox.records import Reservation
from dev.sandbox.rows import View, webhook_row
from dev.sandbox.signing import signed_headers
from dev.sandbox.tiers import Tier


@dataclass(slots=True)
class DirectSender:
    """OpenTable's own webhook: the bare v3 object with a credential that the receiver issued.

    Args:
        book: Where the events come from; pass the sender's ``heard`` to ``book.listen``.
        courier: What delivers them.
        url: The receiver's.
        authorization: The whole header, ``Basic …`` or ``Bearer …``.
        tier: The product tier, which decides the fields.
        patience: One of the two documented retry schedules.
        zoneless: Write ``scheduled_time_utc`` without its Z.
        unprefixed: Write ids without ``{rid}-``.
        authorizations: A header of its own for some rids; empty for no webhooks.
    """

    book: Book
    courier: Courier
    url: str
    authorization: str = field(repr=False)
    tier: Tier = "gold"
    patience: Patience = THREE_ATTEMPTS
    zoneless: bool = False
    unprefixed: bool = False
    authorizations: dict[int, str] = field(default_factory=dict, repr=False)

    def heard(self, _before: Reservation | None, after: Reservation) -> None:
        """Send one event's reservation."""
        authorization = self.authorizations.get(after.rid, self.authorization)
        if not authorization:
            return
        view = View(self.tier, self.book.restaurant(after.rid).zone, PRODUCTION_URL)
        row = webhook_row(after, view, zoneless=self.zoneless, unprefixed=self.unprefixed)
        body = json.dumps(row).encode()
        headers = {"content-type": "application/json", "authorization": authorization}
        self.courier.offer(Parcel(self.url, body, lambda _now, _body: headers, self.patience))


@dataclass(slots=True)
class Relay:
    """A relay in front of the receiver: signed envelopes, by a clock of its own.

    Args:
        book: Where the events come from; pass the relay's ``heard`` to ``book.listen``.
        courier: What delivers them.
        url: The receiver's.
        secret: The signing secret, ``whsec_…``.
        restaurant_ids: The receiver's id of each rid; the rid itself where there is none.
        skew: How far the relay's clock runs ahead of OpenTable's.
        patience: A relay keeps trying longer than OpenTable does.
        share: Of the reservations, how many it speaks of: all of one's events or none.
        secrets: A signing secret of its own for some rids; empty where it does not relay.
    """

    book: Book
    courier: Courier
    url: str
    secret: str = field(repr=False)
    restaurant_ids: dict[int, str] = field(default_factory=dict)
    skew: timedelta = timedelta(0)
    patience: Patience = RELAY_PATIENCE
    share: float = 1.0
    secrets: dict[int, str] = field(default_factory=dict, repr=False)
    _random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - ids

    def heard(self, before: Reservation | None, after: Reservation) -> None:
        """Send one event's envelope, where it says anything and is the relay's to tell."""
        secret = self.secrets.get(after.rid, self.secret)
        if not secret or crc32(after.key.encode()) / 2**32 >= self.share:
            return
        event_id = f"evt_{self._random.getrandbits(64):016x}"
        head = Letterhead(
            event_id,
            self.book.now() + self.skew,
            self.restaurant_ids.get(after.rid, str(after.rid)),
            self.book.restaurant(after.rid).name,
        )
        guest = self.book.guest(after.rid, after.guest_key)
        letter = envelope(before, after, guest, head)
        if letter is not None:
            self.courier.offer(self._parcel(event_id, json.dumps(letter).encode(), secret))

    def _parcel(self, event_id: str, body: bytes, secret: str) -> Parcel:
        def headers(now: datetime, body: bytes) -> dict[str, str]:
            # Signed at each attempt: a late retry carries a fresh timestamp.
            signed = signed_headers(secret, event_id, now + self.skew, body)
            return {"content-type": "application/json", **signed}

        return Parcel(self.url, body, headers, self.patience)
