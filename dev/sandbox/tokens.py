"""Partners and their bearer tokens, as OpenTable's OAuth endpoint gives them out."""

import base64
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dev.sandbox.clock import Clock
from dev.sandbox.errors import Refused
from dev.sandbox.ids import new_uuid
from dev.sandbox.tiers import Tier


@dataclass(slots=True)
class Partner:
    """One API credential: its tier, and the rids that were granted to it.

    ``api_key``, where given, is a bearer token that never expires.
    """

    client_id: str
    client_secret: str = field(repr=False)
    tier: Tier = "gold"
    rids: set[int] = field(default_factory=set)
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    partner: Partner
    expires: datetime


class Tokens:
    """The tokens in force: one current token per partner, shared by all who ask for it."""

    def __init__(self, partners: list[Partner], clock: Clock, seed: int = 0) -> None:
        """Serve ``partners`` by ``clock``; ``seed`` makes the tokens repeatable."""
        self.partners = partners
        self.lifetime = timedelta(seconds=1_989_434)
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - repeatable, and worth nothing outside
        self._current: dict[str, _Token] = {}

    def issue(self, authorization: str) -> dict[str, object]:
        """Return the token reply for a Basic header; ``expires_in`` is what is left (seconds).

        Raises:
            Refused: 401, where the credential is not one of the partners'.
        """
        partner = next((one for one in self.partners if _basic(one) == authorization), None)
        if partner is None:
            raise Refused(401, "legacy", "invalid_client", "Check the client id and secret.")
        token = self._current.get(partner.client_id)
        if token is None or token.expires <= self._clock():
            token = self._new(partner)
        left = int((token.expires - self._clock()).total_seconds())
        words = {"access_token": token.text, "token_type": "Bearer", "scope": "DEFAULT"}
        return words | {"expires_in": left}

    def partner(self, authorization: str, path: str) -> Partner:
        """Return whose bearer token a Sync request carries.

        Raises:
            Refused: 400 without a header, 401 with a bad or expired token.
        """
        if not authorization:
            raise Refused(400, "legacy", message=f"Send a bearer token to {path}.")
        text = authorization.removeprefix("Bearer ")
        for token in self._current.values():
            if token.text == text and token.expires > self._clock():
                return token.partner
        for partner in self.partners:
            if partner.api_key is not None and partner.api_key == text:
                return partner
        raise Refused(401, "spring")

    def revoke(self) -> None:
        """End all current tokens before their time."""
        self._current.clear()

    def _new(self, partner: Partner) -> _Token:
        text = f"v2-{new_uuid(self._random)}"
        token = _Token(text, partner, self._clock() + self.lifetime)
        self._current[partner.client_id] = token
        return token


def _basic(partner: Partner) -> str:
    pair = f"{partner.client_id}:{partner.client_secret}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
