"""Which restaurant is meant, and its settings and credentials; cached, in bounded memory.

Unknown ids share a small budget of look-ups a minute, so that a flood of made-up restaurants
costs little; ids that were known before are looked up all the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cachetools import LRUCache, TTLCache
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.concurrency import SingleFlightTTLCache
from shared.domain.normalization.identifiers import is_restaurant_id, is_rid
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.domain.webhook_auth.credentials import Credentials
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.firestore import paths
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.secrets import CredentialCache

SETTINGS_CACHE_SECONDS = 60.0
MAX_UNKNOWN_LOOKUPS_PER_MINUTE = 120
_MAX_CACHED_RESTAURANTS = 20_000
_READ_TIMEOUT_SECONDS = 3.0
V = TypeVar("V")


class RestaurantDirectory:
    """Finds restaurants by Lineup's id or OpenTable's number.

    Args:
        client: The process's Firestore client.
        credential_cache: Where credentials are read.
        partner_secret: The id of the secret that completes every restaurant's own.
        timer: A clock in seconds that never goes back.
    """

    def __init__(
        self,
        client: AsyncClient,
        credential_cache: CredentialCache,
        partner_secret: str | None,
        timer: Callable[[], float],
    ) -> None:
        self._client = client
        self._credential_cache = credential_cache
        self._partner_secret = partner_secret
        self._settings = SingleFlightTTLCache(
            self._read_settings,
            max_size=_MAX_CACHED_RESTAURANTS,
            ttl_seconds=SETTINGS_CACHE_SECONDS,
            timer=timer,
        )
        self._rid_claims = SingleFlightTTLCache(
            self._read_rid_claim,
            max_size=_MAX_CACHED_RESTAURANTS,
            ttl_seconds=SETTINGS_CACHE_SECONDS,
            timer=timer,
        )
        self._known_ids: LRUCache[str, bool] = LRUCache(_MAX_CACHED_RESTAURANTS)
        self._unknown_ids: TTLCache[str, bool] = TTLCache(
            MAX_UNKNOWN_LOOKUPS_PER_MINUTE, 60.0, timer
        )

    async def find_by_restaurant_id(self, restaurant_id: str) -> IntegrationSettings | None:
        """Return a restaurant's settings by Lineup's id, None where it has none.

        Raises:
            LedgerUnavailableError: When it cannot be looked up now.
        """
        if not is_restaurant_id(restaurant_id):
            return None
        return await self._look_up_within_budget(
            f"id:{restaurant_id}", self._settings, restaurant_id
        )

    async def find_by_rid(self, rid: str) -> IntegrationSettings | None:
        """Return a restaurant's settings by OpenTable's number, None where nobody claims it.

        Raises:
            LedgerUnavailableError: When it cannot be looked up now.
        """
        if not is_rid(rid):
            return None
        restaurant_id = await self._look_up_within_budget(f"rid:{rid}", self._rid_claims, rid)
        settings = restaurant_id and await self.find_by_restaurant_id(restaurant_id)
        if not settings:
            return None
        if settings.rid != rid:
            log_event(
                Severity.ERROR,
                LogEvent.RID_CLAIM_MISMATCH,
                rid=rid,
                restaurantId=settings.restaurant_id,
            )
            return None
        self._remember_id(f"id:{rid}")
        return settings

    async def load_credentials(self, settings: IntegrationSettings) -> Credentials:
        """Return a restaurant's credentials, completed by the partner's.

        Raises:
            InvalidSettingsError: When a secret is missing or unreadable.
            LedgerUnavailableError: When one cannot be read now.
        """
        payloads = [
            await self._credential_cache.get(secret_id) for secret_id in self.secret_ids(settings)
        ]
        if not payloads:
            raise InvalidSettingsError(
                "The restaurant names no secret and OPENTABLE_PARTNER_SECRET is not set: "
                "store its credentials and set one of them."
            )
        restaurant_credentials, partner_credentials = payloads[0], payloads[-1]
        return restaurant_credentials.with_partner_defaults(partner_credentials)

    def try_invalidate_credentials(self, settings: IntegrationSettings) -> bool:
        """Have the secrets read anew where that was not just done (a rotation)."""
        invalidated = [
            self._credential_cache.try_invalidate(id_) for id_ in self.secret_ids(settings)
        ]
        return any(invalidated)

    def invalidate(self, settings: IntegrationSettings) -> None:
        """Look a restaurant's settings and secrets up anew, as they were just written."""
        self._settings.invalidate(settings.restaurant_id)
        for secret_id in self.secret_ids(settings):
            self._credential_cache.invalidate(secret_id)

    def secret_ids(self, settings: IntegrationSettings) -> list[str]:
        """Return the ids of the secrets that serve a restaurant, its own first."""
        return [id_ for id_ in (settings.secret_id, self._partner_secret) if id_]

    async def _look_up_within_budget(
        self, budget_key: str, cache: SingleFlightTTLCache[str, V | None], key: str
    ) -> V | None:
        """Look up within the budget of unknown ids; known ones are always looked up."""
        if key in cache or budget_key in self._known_ids:
            return await cache.get(key)
        if len(self._unknown_ids) >= MAX_UNKNOWN_LOOKUPS_PER_MINUTE:
            raise ServiceUnavailableError("too many unknown restaurants are asked for")
        self._unknown_ids[budget_key] = True
        value = await cache.get(key)
        if value is not None:
            self._remember_id(budget_key)
        return value

    def _remember_id(self, budget_key: str) -> None:
        """Look an id up freely from now on.

        A number in use counts under both ids: an envelope's is first taken for Lineup's.
        """
        self._known_ids[budget_key] = True
        self._unknown_ids.pop(budget_key, None)

    async def _read_settings(self, restaurant_id: str) -> IntegrationSettings | None:
        document = await self._read_fields(paths.integration_document(self._client, restaurant_id))
        return None if document is None else parse_settings(restaurant_id, document)

    async def _read_rid_claim(self, rid: str) -> str | None:
        document = await self._read_fields(paths.rid_claim_document(self._client, rid))
        restaurant_id = (document or {}).get("restaurantId")
        return restaurant_id if isinstance(restaurant_id, str) else None

    async def _read_fields(self, reference: AsyncDocumentReference) -> Mapping[str, Any] | None:
        try:
            snapshot = await reference.get(retry=None, timeout=_READ_TIMEOUT_SECONDS)
        except google.InvalidArgument:
            return None  # Firestore reserves ids such as __x__, so nothing is kept under them.
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None
        return snapshot.to_dict() if snapshot.exists else None
