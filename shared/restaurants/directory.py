"""Restaurants by id: their settings and credentials, cached in bounded memory.

Lookups of unknown ids share a small budget per minute, so that a flood of invented restaurants
costs little. Ids that were found before are exempt.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cachetools import LRUCache, TTLCache
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference

from shared.concurrency import SingleFlightTTLCache
from shared.domain.normalization.identifiers import is_restaurant_id, is_rid
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.domain.webhook_auth.credentials import Credentials
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import translate_firestore_errors
from shared.firestore.raw_client import FirestoreClient
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.secrets import CredentialCache

SETTINGS_CACHE_SECONDS = 60.0
MAX_UNKNOWN_LOOKUPS_PER_MINUTE = 120
_MAX_CACHED_RESTAURANTS = 20_000
_READ_TIMEOUT_SECONDS = 3.0  # shorter than elsewhere: a webhook has 8 seconds in total
V = TypeVar("V")


class RestaurantDirectory:
    """Finds restaurants by Lineup's id or OpenTable's rid.

    Methods that read raise ServiceUnavailableError when Firestore or Secret Manager does not
    answer, or when the budget of unknown ids is used up.
    """

    def __init__(
        self,
        client: FirestoreClient,
        credential_cache: CredentialCache,
        partner_secret: str | None,
        timer: Callable[[], float],
    ) -> None:
        """`partner_secret` is the id of the secret that completes every restaurant's own.

        `timer` is a monotonic clock in seconds.
        """
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
        """Return the settings of the restaurant with Lineup's id, None if it has none."""
        if not is_restaurant_id(restaurant_id):
            return None
        return await self._look_up_within_budget(
            f"id:{restaurant_id}", self._settings, restaurant_id
        )

    async def find_by_rid(self, rid: str) -> IntegrationSettings | None:
        """Return the settings of the restaurant that claimed OpenTable's rid, None if unclaimed."""
        if not is_rid(rid):
            return None
        restaurant_id = await self._look_up_within_budget(f"rid:{rid}", self._rid_claims, rid)
        settings = restaurant_id and await self.find_by_restaurant_id(restaurant_id)
        if not settings:
            return None
        if settings.rid != rid:
            # Never guess: a wrong match would write into another restaurant's ledger.
            log_event(
                Severity.ERROR,
                LogEvent.RID_CLAIM_MISMATCH,
                rid=rid,
                restaurantId=settings.restaurant_id,
            )
            return None
        # An envelope's id is looked up as Lineup's first, so a known rid is exempt there too.
        self._remember_id(f"id:{rid}")
        return settings

    async def load_credentials(self, settings: IntegrationSettings) -> Credentials:
        """Return a restaurant's credentials, completed by the partner's.

        Raises InvalidSettingsError when a secret is missing or malformed.
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
        """Read the secrets again at the next use, unless they were just read (a rotation)."""
        # A list, not a generator: `any` must not skip the second secret.
        invalidated = [
            self._credential_cache.try_invalidate(id_) for id_ in self.secret_ids(settings)
        ]
        return any(invalidated)

    def invalidate(self, settings: IntegrationSettings) -> None:
        """Read a restaurant's settings and secrets again at the next use: they just changed."""
        self._settings.invalidate(settings.restaurant_id)
        for secret_id in self.secret_ids(settings):
            self._credential_cache.invalidate(secret_id)

    def secret_ids(self, settings: IntegrationSettings) -> list[str]:
        """Return the ids of a restaurant's secrets, its own before the partner's."""
        return [id_ for id_ in (settings.secret_id, self._partner_secret) if id_]

    async def _look_up_within_budget(
        self, budget_key: str, cache: SingleFlightTTLCache[str, V | None], key: str
    ) -> V | None:
        if key in cache or budget_key in self._known_ids:
            return await cache.get(key)
        if len(self._unknown_ids) >= MAX_UNKNOWN_LOOKUPS_PER_MINUTE:
            raise ServiceUnavailableError("Too many lookups of unknown restaurants; retry.")
        self._unknown_ids[budget_key] = True
        value = await cache.get(key)
        if value is not None:
            self._remember_id(budget_key)
        return value

    def _remember_id(self, budget_key: str) -> None:
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
        with translate_firestore_errors():
            try:
                documents = await self._client.rpc.batch_get([reference], _READ_TIMEOUT_SECONDS)
            except google.InvalidArgument:
                return None  # Firestore reserves ids such as __x__: no document has one.
        return documents[reference.path].fields
