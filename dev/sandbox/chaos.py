"""What can go wrong on a webhook's way: switches, all off by default."""

import random
from collections import deque
from dataclasses import dataclass, field

from dev.sandbox.parcels import Delivery

_MAX_REPLAYABLE_DELIVERIES = 1000


@dataclass(slots=True)
class WebhookFaults:
    """The switches. Shares are 0 to 1, times are seconds.

    Args:
        duplicate: Share sent twice.
        drop: Share lost without a trace.
        reorder: Share held back by up to ``reorder_within``, so that later ones overtake.
        reorder_within: How far apart two events may change places.
        delay: How late everything is.
        replay: Share of events that bring an old body along.
        silent: Nothing is sent, and what happens meanwhile is never sent.
        holding: Nothing is sent, and what happens meanwhile is sent in one burst afterwards.
    """

    duplicate: float = 0.0
    drop: float = 0.0
    reorder: float = 0.0
    reorder_within: float = 5.0
    delay: float = 0.0
    replay: float = 0.0
    silent: bool = False
    holding: bool = False
    _sent_deliveries: deque[Delivery] = field(
        default_factory=lambda: deque(maxlen=_MAX_REPLAYABLE_DELIVERIES)
    )

    def plan_deliveries(
        self, delivery: Delivery, rng: random.Random
    ) -> list[tuple[Delivery, float]]:
        """Return what is really sent for ``delivery``, each with its delay in seconds."""
        if self.silent or rng.random() < self.drop:
            return []
        deliveries = [delivery] * (2 if rng.random() < self.duplicate else 1)
        if self._sent_deliveries and rng.random() < self.replay:
            deliveries.append(rng.choice(self._sent_deliveries))
        self._sent_deliveries.append(delivery)
        return [(planned, self.delay + self._draw_reorder_delay(rng)) for planned in deliveries]

    def _draw_reorder_delay(self, rng: random.Random) -> float:
        return rng.uniform(0, self.reorder_within) if rng.random() < self.reorder else 0.0
