"""Find restaurants by id, with their settings and credentials, cached in bounded memory.

A flood of requests for invented restaurants must stay cheap, and genuine events must still pass.
Lookups of unknown ids share a budget per minute. When it is spent, an id is looked up in a list of
all claimed rids instead. Known ids, recently changed ones and senders with the partner's credential
need no budget.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from cachetools import LRUCache, TTLCache
from google.api_core import exceptions as google
from google.cloud.firestore import AsyncDocumentReference

from shared.concurrency import SingleFlightTTLCache
from shared.domain.normalization.identifiers import is_restaurant_id, is_rid
from shared.domain.normalization.webhook_body import WebhookFormat, WebhookRoute
from shared.domain.settings import IntegrationSettings, WebhookAuthScheme, parse_settings
from shared.domain.validation import typed_or_none
from shared.domain.webhook_auth import Authentication, Credentials, authenticate_webhook
from shared.errors import InvalidSettingsError
from shared.firestore import paths
from shared.firestore.codec import build_query
from shared.firestore.documents import QUERY_TIMEOUT_SECONDS, translate_firestore_errors
from shared.firestore.raw_client import FirestoreClient
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.changes import (
    ChangeFeed,
    restaurant_change_key,
    rid_change_key,
    secret_change_key,
)
from shared.restaurants.secrets import CredentialCache

SETTINGS_CACHE_SECONDS = 60.0
MAX_UNKNOWN_LOOKUPS_PER_MINUTE = 120
# Listing all claims costs a read for each, and happens only during a flood.
MAX_LISTED_CLAIMS_PER_SECOND = 100
_MIN_LIST_INTERVAL_SECONDS = 1.0
_LIST_WAIT_SECONDS = 1.0  # then a large group's previous list is used while the new one is read
_MAX_CACHED_RESTAURANTS = 20_000
_READ_TIMEOUT_SECONDS = 3.0  # shorter than elsewhere: a webhook has 8 seconds in total
_ALL_SCHEMES = frozenset(WebhookAuthScheme)
V = TypeVar("V")
CacheKey = tuple[str, str | None]  # an id, and the version of its recent change


class RestaurantDirectory:
    """Finds restaurants by Lineup's id or OpenTable's rid.

    Methods that read raise ServiceUnavailableError when Firestore or Secret Manager does not
    answer.

    Attributes:
        changes: The recent changes of settings and secrets. The caches follow it.
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
        self.changes = ChangeFeed(client, timer)
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
        self._timer = timer
        self._claimed_keys: frozenset[str] | None = None
        self._claims_outdated_at = 0.0
        self._claims_task: asyncio.Task[None] | None = None
        # Keys as in the change feed.
        self._known_keys: LRUCache[str, bool] = LRUCache(_MAX_CACHED_RESTAURANTS)
        self._unknown_keys: TTLCache[str, bool] = TTLCache(
            MAX_UNKNOWN_LOOKUPS_PER_MINUTE, 60.0, timer
        )

    async def find_by_restaurant_id(
        self, restaurant_id: str, *, is_partner: bool = False
    ) -> IntegrationSettings | None:
        """Return the settings of the restaurant with Lineup's id, None if it has none.

        `is_partner`: the sender has the partner's credential, so it needs no budget.
        """
        if not is_restaurant_id(restaurant_id):
            return None
        return await self._look_up(
            restaurant_change_key(restaurant_id),
            self._settings,
            restaurant_id,
            is_partner=is_partner,
        )

    async def find_by_rid(
        self, rid: str, *, is_partner: bool = False
    ) -> IntegrationSettings | None:
        """Return the settings of the restaurant that claimed OpenTable's rid, None if unclaimed.

        See `find_by_restaurant_id`.
        """
        if not is_rid(rid):
            return None
        restaurant_id = await self._look_up(
            rid_change_key(rid), self._rid_claims, rid, is_partner=is_partner
        )
        # The claim exists, so this id is not invented.
        settings = restaurant_id and await self.find_by_restaurant_id(
            restaurant_id, is_partner=True
        )
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
        self._remember_key(restaurant_change_key(rid))
        return settings

    async def find_by_route(
        self, route: WebhookRoute, *, is_partner: bool = False
    ) -> IntegrationSettings | None:
        """Return the settings of the restaurant that a webhook names.

        OpenTable's objects have a rid; a relay may use Lineup's id or the rid. See
        `find_by_restaurant_id`.
        """
        settings = None
        if route.format is WebhookFormat.ENVELOPE:
            settings = await self.find_by_restaurant_id(route.reference, is_partner=is_partner)
        return settings or await self.find_by_rid(route.reference, is_partner=is_partner)

    async def has_partner_credential(
        self, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> bool:
        """Return whether a webhook has a credential of the partner's secret; needs no lookup."""
        if self._partner_secret is None:
            return False
        try:
            credentials = await self._load_secret(self._partner_secret)
        except InvalidSettingsError:
            return False
        result = authenticate_webhook(headers, raw_body, _ALL_SCHEMES, credentials, now)
        return isinstance(result, Authentication)

    def is_known(self, reference: str) -> bool:
        """Return whether a Lineup id or a rid was found before, so that it needs no budget."""
        return any(
            key in self._known_keys
            for key in (restaurant_change_key(reference), rid_change_key(reference))
        )

    async def load_credentials(self, settings: IntegrationSettings) -> Credentials:
        """Return a restaurant's credentials, completed by the partner's.

        Raises:
            InvalidSettingsError: A secret is missing or malformed.
        """
        payloads = [await self._load_secret(id_) for id_ in self._list_secret_ids(settings)]
        if not payloads:
            raise InvalidSettingsError(
                "The restaurant names no secret and OPENTABLE_PARTNER_SECRET is not set: "
                "store its credentials and set one of them."
            )
        restaurant_credentials, partner_credentials = payloads[0], payloads[-1]
        return restaurant_credentials.with_partner_defaults(partner_credentials)

    def try_invalidate_credentials(self, settings: IntegrationSettings) -> bool:
        """Read the secrets again at the next use, unless they were just read.

        A secret may have changed in Secret Manager, where the change feed cannot see it.
        """
        # A list, not a generator: `any` must not skip the second secret.
        invalidated = [
            self._credential_cache.try_invalidate(*self._secret_cache_key(id_))
            for id_ in self._list_secret_ids(settings)
        ]
        return any(invalidated)

    def invalidate(self, settings: IntegrationSettings) -> None:
        """Read a restaurant's settings and secrets again at the next use: they just changed."""
        restaurant_id = settings.restaurant_id
        version = self.changes.get_version(restaurant_change_key(restaurant_id))
        self._settings.invalidate((restaurant_id, version))
        for secret_id in self._list_secret_ids(settings):
            self._credential_cache.invalidate(*self._secret_cache_key(secret_id))

    def _list_secret_ids(self, settings: IntegrationSettings) -> list[str]:
        """Return the ids of a restaurant's secrets, its own before the partner's."""
        return [id_ for id_ in (settings.secret_id, self._partner_secret) if id_]

    async def _load_secret(self, secret_id: str) -> Credentials:
        return await self._credential_cache.get(*self._secret_cache_key(secret_id))

    def _secret_cache_key(self, secret_id: str) -> CacheKey:
        return secret_id, self.changes.get_version(secret_change_key(secret_id))

    async def _look_up(
        self,
        key: str,
        cache: SingleFlightTTLCache[CacheKey, V | None],
        id_: str,
        *,
        is_partner: bool,
    ) -> V | None:
        version = self.changes.get_version(key)
        cache_key = (id_, version)
        is_exempt = is_partner or key in self._known_keys or version is not None
        if not is_exempt and cache_key not in cache:
            if len(self._unknown_keys) >= MAX_UNKNOWN_LOOKUPS_PER_MINUTE:
                # Not an error: during a flood, an invented id must look like an existing one.
                if not await self._is_claimed(key):
                    return None
            else:
                self._unknown_keys[key] = True
        value = await cache.get(cache_key)
        if value is not None:
            self._remember_key(key)
        return value

    def _remember_key(self, key: str) -> None:
        self._known_keys[key] = True
        self._unknown_keys.pop(key, None)

    async def _read_settings(self, cache_key: CacheKey) -> IntegrationSettings | None:
        restaurant_id, _ = cache_key
        document = await self._read_fields(paths.integration_document(self._client, restaurant_id))
        return None if document is None else parse_settings(restaurant_id, document)

    async def _read_rid_claim(self, cache_key: CacheKey) -> str | None:
        rid, _ = cache_key
        document = await self._read_fields(paths.rid_claim_document(self._client, rid))
        return typed_or_none(str, (document or {}).get("restaurantId"))

    async def _is_claimed(self, key: str) -> bool:
        """Return whether the recent list of claims has the rid or restaurant of a change key."""
        task = self._claims_task
        if task is None or (task.done() and self._timer() >= self._claims_outdated_at):
            task = self._claims_task = asyncio.create_task(self._list_claims())
            # With a previous list it may have no caller: a failure waits for the next attempt.
            task.add_done_callback(lambda task: task.cancelled() or task.exception())
        if self._claimed_keys is None:
            await asyncio.shield(task)
        else:
            await asyncio.wait({task}, timeout=_LIST_WAIT_SECONDS)
        return key in (self._claimed_keys or ())

    async def _list_claims(self) -> None:
        # Set before the query too, so that a failed one is not repeated at once.
        self._claims_outdated_at = self._timer() + _MIN_LIST_INTERVAL_SECONDS
        query = build_query(paths.RID_CLAIMS_COLLECTION, ["restaurantId"])
        keys, count = set(), 0
        with translate_firestore_errors():
            async for rid, fields in self._client.rpc.run_query(None, query, QUERY_TIMEOUT_SECONDS):
                keys |= {
                    rid_change_key(rid),
                    restaurant_change_key(str(fields.get("restaurantId"))),
                }
                count += 1
        self._claimed_keys = frozenset(keys)
        interval_seconds = max(_MIN_LIST_INTERVAL_SECONDS, count / MAX_LISTED_CLAIMS_PER_SECOND)
        self._claims_outdated_at = self._timer() + interval_seconds

    async def _read_fields(self, reference: AsyncDocumentReference) -> Mapping[str, Any] | None:
        with translate_firestore_errors():
            try:
                documents = await self._client.rpc.batch_get([reference], _READ_TIMEOUT_SECONDS)
            except google.InvalidArgument:
                return None  # Firestore reserves ids such as __x__: no document has one.
        return documents[reference.path].fields
