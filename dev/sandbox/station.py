"""A whole local OpenTable put together: book, answers, webhooks and evenings, with its threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from threading import Event, Thread
from zoneinfo import ZoneInfo

import requests

from dev.sandbox.answers import Sandbox
from dev.sandbox.book import Book
from dev.sandbox.clock import SkewedClock
from dev.sandbox.courier import Courier
from dev.sandbox.life import Life
from dev.sandbox.populate import populate
from dev.sandbox.records import Restaurant
from dev.sandbox.tiers import Tier
from dev.sandbox.tokens import Partner
from dev.sandbox.webhooks import DirectSender, Relay

_ANSWER_SECONDS = 10
_COURIER_TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to set up.

    Args:
        zones: IANA zone of each rid.
        base_url: The API's own address.
        reservations: How many each book holds at the start.
        speed: Simulated seconds a second; 0 for no evenings.
        seed: Of everything that is drawn.
        tier: The credential's, and the webhook's.
        client_id: The API credential.
        client_secret: Its secret.
        webhook_url: Where events go; empty for no webhooks.
        authorization: The direct sender's header; empty for no direct sender.
        signing_secret: The relay's ``whsec_…``; empty for no relay.
        relay_share: Of the reservations, how many the relay speaks of too.
        opens: Local time at which the first evening is joined.
    """

    zones: dict[int, str]
    base_url: str
    reservations: int = 300
    speed: float = 60.0
    seed: int = 0
    tier: Tier = "gold"
    client_id: str = "demo-client"
    client_secret: str = field(default="demo-secret", repr=False)
    webhook_url: str = ""
    authorization: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    relay_share: float = 0.3
    opens: time = time(16, 30)


@dataclass(slots=True)
class Station:
    """The running parts."""

    clock: SkewedClock
    sandbox: Sandbox
    courier: Courier
    lives: list[Life]
    plan: Plan
    direct: DirectSender | None = None
    relay: Relay | None = None
    _stop: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the evenings and the courier run in threads until the block ends."""
        self._stop.clear()
        for job in (self._deliver, *(life.run for life in self.lives)):
            self._start(job)
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(_ANSWER_SECONDS)
            self._threads.clear()

    def open(self, rid: int, zone: str, reservations: int) -> None:
        """Take another restaurant in, with evenings of its own; one that is open stays as it is.

        Its webhooks go nowhere until `tell` names their credential.

        Args:
            rid: OpenTable's number for it.
            zone: Its IANA zone.
            reservations: How many its book holds at the start.
        """
        book = self.sandbox.book
        if rid in {one.rid for one in book.restaurants()}:
            return
        self.tell(rid, "", "")
        _open(book, rid, zone, reservations, self.plan.seed)
        for partner in self.sandbox.tokens.partners:
            partner.rids.add(rid)
        speed = self.lives[0].speed if self.lives else self.plan.speed
        life = Life(book, rid, speed, self.plan.seed, self.plan.opens)
        self.lives.append(life)
        if self._threads:
            self._start(life.run)

    def tell(self, rid: int, authorization: str | None, signing_secret: str | None) -> None:
        """Have a restaurant's webhooks sent with other credentials from now on.

        Args:
            rid: The restaurant's.
            authorization: The whole header of OpenTable's own; None leaves it, "" sends none.
            signing_secret: The relay's ``whsec_…``; likewise.
        """
        if self.direct is not None and authorization is not None:
            self.direct.authorizations[rid] = authorization
        if self.relay is not None and signing_secret is not None:
            self.relay.secrets[rid] = signing_secret

    def _start(self, job: Callable[[Event], None]) -> None:
        thread = Thread(target=job, args=(self._stop,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _deliver(self, stop: Event) -> None:
        while not stop.wait(_COURIER_TICK_SECONDS):
            self.courier.run_due()


def build(plan: Plan) -> Station:
    """Set up a station by ``plan``; nothing runs yet."""
    clock = SkewedClock()
    book = Book(clock, plan.seed)
    for rid, zone in plan.zones.items():
        _open(book, rid, zone, plan.reservations, plan.seed)
    partner = Partner(plan.client_id, plan.client_secret, plan.tier, set(plan.zones))
    courier = Courier(post, clock, plan.seed)
    lives = [Life(book, rid, plan.speed, plan.seed, plan.opens) for rid in plan.zones]
    sandbox = Sandbox(book, [partner], base_url=plan.base_url)
    station = Station(clock, sandbox, courier, lives, plan)
    _attach_senders(station)
    return station


def _open(book: Book, rid: int, zone: str, reservations: int, seed: int) -> None:
    book.open(Restaurant(rid, f"Demo Restaurant {rid}", ZoneInfo(zone)))
    populate(book, rid, reservations, seed)


def post(url: str, headers: dict[str, str], body: bytes) -> int:
    """Post over real HTTP; 0 where no answer came within 10 seconds."""
    try:
        answer = requests.post(
            url, data=body, headers=headers, timeout=_ANSWER_SECONDS, allow_redirects=False
        )
    except requests.RequestException:
        return 0
    return answer.status_code


def _attach_senders(station: Station) -> None:
    plan, book, courier = station.plan, station.sandbox.book, station.courier
    url = plan.webhook_url
    if url and plan.authorization:
        station.direct = DirectSender(book, courier, url, plan.authorization, plan.tier)
        book.listen(station.direct.heard)
    if url and plan.signing_secret:
        station.relay = Relay(book, courier, url, plan.signing_secret, share=plan.relay_share)
        book.listen(station.relay.heard)
