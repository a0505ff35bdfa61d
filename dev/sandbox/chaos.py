"""What can go wrong on a webhook's way: switches, all off by default."""

import random
from collections import deque
from dataclasses import dataclass, field

from dev.sandbox.parcels import Parcel

_REMEMBERED = 1000


@dataclass(slots=True)
class Chaos:
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
    _past: deque[Parcel] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def fates(self, parcel: Parcel, rng: random.Random) -> list[tuple[Parcel, float]]:
        """Return what is really sent for ``parcel``, each with its delay in seconds."""
        if self.silent or rng.random() < self.drop:
            return []
        sent = [parcel] * (2 if rng.random() < self.duplicate else 1)
        if self._past and rng.random() < self.replay:
            sent.append(rng.choice(self._past))
        self._past.append(parcel)
        return [(one, self.delay + self._held_back(rng)) for one in sent]

    def _held_back(self, rng: random.Random) -> float:
        return rng.uniform(0, self.reorder_within) if rng.random() < self.reorder else 0.0
