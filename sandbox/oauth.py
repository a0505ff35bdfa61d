"""Issue and check OAuth bearer tokens, and limit request rates as documented for OpenTable CRM."""

import base64
import random
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from sandbox.clock import ClockFunction
from sandbox.http import SandboxHttpError
from sandbox.models import new_uuid
from sandbox.sync_rows import ProductTier

_WINDOW = timedelta(seconds=1)
# A documented sample. Another one has 2,419,181 seconds, so clients must read `expires_in`.
_TOKEN_LIFETIME = timedelta(seconds=1_989_434)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests per second and credential, and the form of ``Retry-After``."""

    # OpenTable documents this number for its CRM API. No limit of the Sync API is documented.
    per_second: int = 10
    # No page mentions the header.
    retry_after: Literal["none", "seconds", "date"] = "seconds"

    def build_headers(self, now: datetime) -> dict[str, str]:
        """Return the Retry-After header of a refusal at ``now`` (in UTC), if any."""
        # Rounded up: a date has whole seconds, and the limit applies for one second from now.
        date = format_datetime(now.replace(microsecond=0) + 2 * _WINDOW, usegmt=True)
        values = {"none": {}, "seconds": {"Retry-After": "1"}, "date": {"Retry-After": date}}
        return values[self.retry_after]


class RateLimiter:
    """Count each credential's calls of the last second."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def try_acquire(self, credential: str, now: datetime, limit: RateLimit) -> bool:
        """Say whether a call is within the limit, and count it if so (``now`` aware)."""
        calls = self._calls[credential]
        while calls and now - calls[0] >= _WINDOW:
            calls.popleft()
        if len(calls) >= limit.per_second:
            return False
        calls.append(now)
        return True


@dataclass(slots=True)
class Partner:
    """An API credential with its product tier and granted rids.

    ``api_key`` is an optional bearer token without expiry.
    """

    client_id: str
    client_secret: str = field(repr=False)
    tier: ProductTier = "gold"
    rids: set[int] = field(default_factory=set)
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    partner: Partner
    expires_at: datetime


class TokenIssuer:
    """Keep one current token per partner, shared by all its clients."""

    def __init__(self, partners: list[Partner], clock: ClockFunction) -> None:
        self.partners = partners
        self.lifetime = _TOKEN_LIFETIME
        self._clock = clock
        self._random = random.Random(0)  # repeatable tokens
        self._current: dict[str, _Token] = {}

    def issue(self, authorization: str) -> dict[str, object]:
        """Return the token response for a Basic header; ``expires_in`` is the remaining seconds.

        Raises:
            SandboxHttpError: 401 for an unknown credential.
        """
        headers = {
            "Basic "
            + base64.b64encode(f"{each.client_id}:{each.client_secret}".encode()).decode(): each
            for each in self.partners
        }
        partner = headers.get(authorization)
        if partner is None:
            raise SandboxHttpError(
                401, "legacy", "invalid_client", "Check the client id and secret."
            )
        # The odd lifetimes of the samples suggest that calls share a token until it expires.
        token = self._current.get(partner.client_id)
        if token is None or token.expires_at <= self._clock():
            # The form of newer samples; older ones are a bare UUID.
            text = f"v2-{new_uuid(self._random)}"
            token = _Token(text, partner, self._clock() + self.lifetime)
            self._current[partner.client_id] = token
        seconds_left = int((token.expires_at - self._clock()).total_seconds())
        response = {"access_token": token.text, "token_type": "Bearer", "scope": "DEFAULT"}
        return response | {"expires_in": seconds_left}

    def authenticate(self, authorization: str, path: str) -> Partner:
        """Return the partner of a Sync request's bearer token.

        Raises:
            SandboxHttpError: 400 without a header, 401 for a wrong or expired token.
        """
        if not authorization:
            # Documented, unlike the usual 401.
            raise SandboxHttpError(400, "legacy", message=f"Send a bearer token to {path}.")
        text = authorization.removeprefix("Bearer ")
        for token in self._current.values():
            if token.text == text and token.expires_at > self._clock():
                return token.partner
        for partner in self.partners:
            if partner.api_key == text:
                return partner
        raise SandboxHttpError(401, "spring")

    def revoke_all(self) -> None:
        """End all current tokens before their time."""
        self._current.clear()
