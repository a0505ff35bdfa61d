"""Assemble the simulator: store, API, webhook senders, service simulation and their threads."""

import base64
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from threading import Event, Thread
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
from sandbox.webhook_senders import DirectSender, RelaySender, encode_signing_secret

_TIMEOUT_SECONDS = 10
_KEY_BYTES = 32
_DISPATCH_INTERVAL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Configure the simulator.

    Args:
        zones: IANA zone by rid.
        base_url: The API's own address.
        reservations: Number of reservations per restaurant at the start.
        speed: Simulated seconds per second; 0 disables the service simulation.
        tier: Product tier of the API credential and of the webhook.
        webhook_url: Empty for no webhooks.
        authorization: The direct sender's header; empty for no direct sender.
        signing_secret: The relay's ``whsec_…``; empty for no relay.
        relay_share: Share of reservations (0 to 1) reported by the relay too.
        start_time: Local time of the first simulated moment.
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
        """Run service simulations and webhook dispatcher in threads until the block ends."""
        self._stop.clear()
        for target in (self._run_dispatcher, *(loop.run for loop in self.loops)):
            self._start_thread(target)
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(_TIMEOUT_SECONDS)
            self._threads.clear()

    def open_restaurant(self, rid: int, zone: str, reservations: int) -> None:
        """Add a restaurant with its own service simulation; do nothing if it exists.

        Its webhooks are not sent until `set_webhook_credentials` sets a credential.

        Raises:
            ValueError: The restaurant exists with another zone, or the zone is unknown.
        """
        store = self.api.store
        existing = {restaurant.rid: restaurant for restaurant in store.list_restaurants()}
        if rid in existing:
            if existing[rid].zone.key != zone:
                raise ValueError(f"{rid} is open already, in the zone {existing[rid].zone.key}.")
            return
        try:
            ZoneInfo(zone)
        except (ValueError, ZoneInfoNotFoundError):
            raise ValueError(f"There is no time zone {zone}.") from None
        # Before its first reservation, whose webhook would have the default credential.
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
        """Replace the credentials of a restaurant's webhooks.

        Args:
            authorization: The full header of the direct sender; None keeps it, "" sends none.
            signing_secret: The relay's ``whsec_…``; None keeps it, "" sends none.
        """
        if self.direct_sender is not None and authorization is not None:
            self.direct_sender.authorizations[rid] = authorization
        if self.relay is not None and signing_secret is not None:
            self.relay.secrets[rid] = signing_secret

    def spoil_webhook_credentials(self, rid: int) -> None:
        """Replace each credential in use by a wrong one of the same scheme.

        Raises:
            ValueError: The restaurant sends no webhooks.
        """
        in_use = self.describe_webhook_credentials(rid)
        if not in_use:
            raise ValueError(f"{rid} sends no webhooks: give it a credential first.")
        for scheme in in_use:
            if scheme == "standard-webhooks":
                wrong = encode_signing_secret(secrets.token_bytes(_KEY_BYTES))
                self.set_webhook_credentials(rid, None, wrong)
            else:
                wrong = base64.b64encode(b"wrong:" + secrets.token_bytes(_KEY_BYTES)).decode()
                self.set_webhook_credentials(rid, f"{scheme.capitalize()} {wrong}", None)

    def describe_webhook_credentials(self, rid: int) -> list[str]:
        """Return the schemes of the restaurant's webhooks: bearer, basic, standard-webhooks."""
        schemes = []
        if self.direct_sender is not None:
            direct = self.direct_sender
            header = direct.authorizations.get(rid, direct.authorization)
            schemes += [header.partition(" ")[0].lower()] if header else []
        if self.relay is not None and self.relay.secrets.get(rid, self.relay.secret):
            schemes.append("standard-webhooks")
        return schemes

    def _start_thread(self, target: Callable[[Event], None]) -> None:
        thread = Thread(target=target, args=(self._stop,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run_dispatcher(self, stop: Event) -> None:
        while not stop.wait(_DISPATCH_INTERVAL_SECONDS):
            self.dispatcher.send_due()


def build_simulator(config: SimulatorConfig) -> Simulator:
    """Assemble a simulator; nothing runs yet."""
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
    return simulator


def _open_restaurant(
    store: SandboxStore, rid: int, zone: str, reservations: int, seed: int
) -> None:
    store.add_restaurant(SandboxRestaurant(rid, f"Demo Restaurant {rid}", ZoneInfo(zone)))
    populate_store(store, rid, reservations, seed)


def post_webhook(url: str, headers: dict[str, str], body: bytes) -> int:
    """Send a POST request; return the status, or 0 without a response within 10 seconds."""
    try:
        response = requests.post(
            url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False
        )
    except requests.RequestException:
        return 0
    return response.status_code
