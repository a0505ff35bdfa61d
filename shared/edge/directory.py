"""Which restaurant is meant, and its settings and credentials; cached, in bounded memory.

Unknown ids share a small budget of look-ups a minute, so that a flood of made-up restaurants
costs little; ids that were known before are looked up all the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cachetools import LRUCache, TTLCache
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.core.credentials import Credentials
from shared.core.keys import is_restaurant_id, is_rid
from shared.core.settings import Settings, settings_from
from shared.edge import paths
from shared.edge.cached import Cached
from shared.edge.secrets import Secrets
from shared.edge.telemetry import Event, Severity, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError

CACHE_SECONDS = 60.0
UNKNOWN_LOOK_UPS_A_MINUTE = 120
_MOST_CACHED = 20_000
_READ_SECONDS = 3.0


V = TypeVar("V")


class Directory:
    """Finds restaurants by Lineup's id or OpenTable's number.

    Args:
        client: The process's Firestore client.
        secrets: Where credentials are read.
        partner_secret: The id of the secret that completes every restaurant's own.
        timer: A clock in seconds that never goes back.
    """

    def __init__(
        self,
        client: AsyncClient,
        secrets: Secrets,
        partner_secret: str | None,
        timer: Callable[[], float],
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._partner_secret = partner_secret
        self._settings = Cached(
            self._read_settings, size=_MOST_CACHED, seconds=CACHE_SECONDS, timer=timer
        )
        self._routes = Cached(
            self._read_route, size=_MOST_CACHED, seconds=CACHE_SECONDS, timer=timer
        )
        self._known: LRUCache[str, bool] = LRUCache(_MOST_CACHED)
        self._unknown: TTLCache[str, bool] = TTLCache(UNKNOWN_LOOK_UPS_A_MINUTE, 60.0, timer)

    async def by_restaurant_id(self, restaurant_id: str) -> Settings | None:
        """Return a restaurant's settings by Lineup's id, None where it has none.

        Raises:
            LedgerUnavailableError: When it cannot be looked up now.
        """
        if not is_restaurant_id(restaurant_id):
            return None
        return await self._guarded(f"id:{restaurant_id}", self._settings, restaurant_id)

    async def by_rid(self, rid: str) -> Settings | None:
        """Return a restaurant's settings by OpenTable's number, None where nobody claims it.

        Raises:
            LedgerUnavailableError: When it cannot be looked up now.
        """
        if not is_rid(rid):
            return None
        restaurant_id = await self._guarded(f"rid:{rid}", self._routes, rid)
        settings = restaurant_id and await self.by_restaurant_id(restaurant_id)
        if not settings:
            return None
        if settings.rid != rid:
            log(
                Severity.ERROR,
                Event.ROUTE_DISAGREES,
                rid=rid,
                restaurantId=settings.restaurant_id,
            )
            return None
        self._recognise(f"id:{rid}")
        return settings

    async def credentials(self, settings: Settings) -> Credentials:
        """Return a restaurant's credentials, completed by the partner's.

        Raises:
            InvalidSettingsError: When a secret is missing or unreadable.
            LedgerUnavailableError: When one cannot be read now.
        """
        found = [await self._secrets.get(secret_id) for secret_id in self.secret_ids(settings)]
        if not found:
            raise InvalidSettingsError(
                "The restaurant names no secret and OPENTABLE_PARTNER_SECRET is not set: "
                "store its credentials and set one of them."
            )
        own, partner = found[0], found[-1]
        return own.completed_by(partner)

    def may_reread_credentials(self, settings: Settings) -> bool:
        """Have the secrets read anew where that was not just done (a rotation)."""
        may = [self._secrets.may_reread(id_) for id_ in self.secret_ids(settings)]
        return any(may)

    def forget(self, settings: Settings) -> None:
        """Look a restaurant's settings and secrets up anew, as they were just written."""
        self._settings.forget(settings.restaurant_id)
        for secret_id in self.secret_ids(settings):
            self._secrets.forget(secret_id)

    def secret_ids(self, settings: Settings) -> list[str]:
        """Return the ids of the secrets that serve a restaurant, its own first."""
        return [id_ for id_ in (settings.secret, self._partner_secret) if id_]

    async def _guarded(self, mark: str, cache: Cached[str, V | None], key: str) -> V | None:
        """Look up within the budget of unknown ids; known ones are always looked up."""
        if key in cache or mark in self._known:
            return await cache.get(key)
        if len(self._unknown) >= UNKNOWN_LOOK_UPS_A_MINUTE:
            raise LedgerUnavailableError("too many unknown restaurants are asked for")
        self._unknown[mark] = True
        found = await cache.get(key)
        if found is not None:
            self._recognise(mark)
        return found

    def _recognise(self, mark: str) -> None:
        """Look an id up freely from now on.

        A number in use counts under both ids: an envelope's is first taken for Lineup's.
        """
        self._known[mark] = True
        self._unknown.pop(mark, None)

    async def _read_settings(self, restaurant_id: str) -> Settings | None:
        document = await self._read(paths.integration(self._client, restaurant_id))
        return None if document is None else settings_from(restaurant_id, document)

    async def _read_route(self, rid: str) -> str | None:
        document = await self._read(paths.route(self._client, rid))
        restaurant_id = (document or {}).get("restaurantId")
        return restaurant_id if isinstance(restaurant_id, str) else None

    async def _read(self, reference: AsyncDocumentReference) -> Mapping[str, Any] | None:
        try:
            snapshot = await reference.get(retry=None, timeout=_READ_SECONDS)
        except google.InvalidArgument:
            return None  # Firestore reserves ids such as __x__, so nothing is kept under them.
        except google.GoogleAPIError as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        return snapshot.to_dict() if snapshot.exists else None
