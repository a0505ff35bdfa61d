"""A whole local OpenTable put together: book, answers, webhooks and evenings, with its threads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from threading import Event, Thread
from zoneinfo import ZoneInfo

import requests

from sandbox.api import OpenTableApi
from sandbox.background_bookings import populate_store
from sandbox.clock import SkewedClock
from sandbox.models import SandboxRestaurant
from sandbox.oauth import Partner
from sandbox.service_simulation import SimulationLoop
from sandbox.store import SandboxStore
from sandbox.sync_rows import ProductTier
from sandbox.webhook_delivery import WebhookDispatcher
from sandbox.webhook_senders import DirectSender, RelaySender

_TIMEOUT_SECONDS = 10
_DISPATCH_INTERVAL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
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
        start_time: Local time at which the first evening is joined.
    """

    zones: dict[int, str]
    base_url: str
    reservations: int = 300
    speed: float = 60.0
    seed: int = 0
    tier: ProductTier = "gold"
    client_id: str = "demo-client"
    client_secret: str = field(default="demo-secret", repr=False)
    webhook_url: str = ""
    authorization: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    relay_share: float = 0.3
    start_time: time = time(16, 30)


@dataclass(slots=True)
class Simulator:
    """The running parts."""

    clock: SkewedClock
    api: OpenTableApi
    dispatcher: WebhookDispatcher
    loops: list[SimulationLoop]
    config: SimulatorConfig
    direct_sender: DirectSender | None = None
    relay: RelaySender | None = None
    _stop: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)

    @contextmanager
    def run_threads(self) -> Iterator[None]:
        """Let the evenings and the courier run in threads until the block ends."""
        self._stop.clear()
        for target in (self._run_dispatcher, *(life.run for life in self.loops)):
            self._start_thread(target)
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(_TIMEOUT_SECONDS)
            self._threads.clear()

    def open_restaurant(self, rid: int, zone: str, reservations: int) -> None:
        """Take another restaurant in, with evenings of its own; one that is open stays as it is.

        Its webhooks go nowhere until `set_webhook_credentials` names their credential.

        Args:
            rid: OpenTable's number for it.
            zone: Its IANA zone.
            reservations: How many its book holds at the start.
        """
        store = self.api.store
        if rid in {restaurant.rid for restaurant in store.list_restaurants()}:
            return
        self.set_webhook_credentials(rid, "", "")
        _open_restaurant(store, rid, zone, reservations, self.config.seed)
        for partner in self.api.tokens.partners:
            partner.rids.add(rid)
        speed = self.loops[0].speed if self.loops else self.config.speed
        loop = SimulationLoop(store, rid, speed, self.config.seed, self.config.start_time)
        self.loops.append(loop)
        if self._threads:
            self._start_thread(loop.run)

    def set_webhook_credentials(
        self, rid: int, authorization: str | None, signing_secret: str | None
    ) -> None:
        """Have a restaurant's webhooks sent with other credentials from now on.

        Args:
            rid: The restaurant's.
            authorization: The whole header of OpenTable's own; None leaves it, "" sends none.
            signing_secret: The relay's ``whsec_…``; likewise.
        """
        if self.direct_sender is not None and authorization is not None:
            self.direct_sender.authorizations[rid] = authorization
        if self.relay is not None and signing_secret is not None:
            self.relay.secrets[rid] = signing_secret

    def _start_thread(self, target: Callable[[Event], None]) -> None:
        thread = Thread(target=target, args=(self._stop,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run_dispatcher(self, stop: Event) -> None:
        while not stop.wait(_DISPATCH_INTERVAL_SECONDS):
            self.dispatcher.send_due()


def build_simulator(config: SimulatorConfig) -> Simulator:
    """Set up a station by ``config``; nothing runs yet."""
    clock = SkewedClock()
    store = SandboxStore(clock, config.seed)
    for rid, zone in config.zones.items():
        _open_restaurant(store, rid, zone, config.reservations, config.seed)
    partner = Partner(config.client_id, config.client_secret, config.tier, set(config.zones))
    dispatcher = WebhookDispatcher(post_webhook, clock, config.seed)
    loops = [
        SimulationLoop(store, rid, config.speed, config.seed, config.start_time)
        for rid in config.zones
    ]
    api = OpenTableApi(store, [partner], base_url=config.base_url)
    simulator = Simulator(clock, api, dispatcher, loops, config)
    _attach_senders(simulator)
    return simulator


def _open_restaurant(
    store: SandboxStore, rid: int, zone: str, reservations: int, seed: int
) -> None:
    store.add_restaurant(SandboxRestaurant(rid, f"Demo Restaurant {rid}", ZoneInfo(zone)))
    populate_store(store, rid, reservations, seed)


def post_webhook(url: str, headers: dict[str, str], body: bytes) -> int:
    """Post over real HTTP; 0 where no answer came within 10 seconds."""
    try:
        response = requests.post(
            url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False
        )
    except requests.RequestException:
        return 0
    return response.status_code


def _attach_senders(simulator: Simulator) -> None:
    config, store, dispatcher = simulator.config, simulator.api.store, simulator.dispatcher
    url = config.webhook_url
    if url and config.authorization:
        simulator.direct_sender = DirectSender(
            store, dispatcher, url, config.authorization, config.tier
        )
        store.add_listener(simulator.direct_sender.send_event)
    if url and config.signing_secret:
        simulator.relay = RelaySender(
            store, dispatcher, url, config.signing_secret, share=config.relay_share
        )
        store.add_listener(simulator.relay.send_event)
