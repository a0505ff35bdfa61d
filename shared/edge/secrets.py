"""Secrets: from Secret Manager, or from a file beside the emulator; cached, and re-read early."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cachetools import TTLCache
from google.api_core import exceptions as google

from shared.core.credentials import Credentials
from shared.edge.cached import SingleFlightTTLCache
from shared.errors import InvalidSettingsError, ServiceUnavailableError

SECRETS_CACHE_SECONDS = 300.0
MIN_REREAD_INTERVAL_SECONDS = 10.0
_ACCESS_TIMEOUT_SECONDS = 5.0
_MAX_CACHED_SECRETS = 4096
_SECRET_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,255}")


class SecretSource(Protocol):
    """Where secrets are kept."""

    async def read(self, secret_id: str) -> bytes | str:
        """Return a secret's payload.

        Raises:
            InvalidSettingsError: When there is no such secret.
            LedgerUnavailableError: When it cannot be read just now.
        """


class SecretManagerSource:
    """Secret Manager's latest version of each secret."""

    def __init__(self, project: str) -> None:
        # Imported on first use: a function beside the emulator never needs it.
        from google.cloud import secretmanager  # noqa: PLC0415

        self._client = secretmanager.SecretManagerServiceAsyncClient()
        self._project = project

    async def read(self, secret_id: str) -> bytes:
        """Return a secret's payload (see `SecretSource.read`)."""
        name = f"projects/{self._project}/secrets/{secret_id}/versions/latest"
        try:
            version = await self._client.access_secret_version(
                name=name, retry=None, timeout=_ACCESS_TIMEOUT_SECONDS
            )
        except (google.NotFound, google.PermissionDenied, google.FailedPrecondition):
            raise InvalidSettingsError(
                f"The secret {secret_id!r} has no version that this function may read: "
                "create one, or grant roles/secretmanager.secretAccessor."
            ) from None
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(f"Secret Manager: {type(error).__name__}") from None
        return bytes(version.payload.data)


class SecretsFileSource:
    """A JSON file of secret id to payload, for one's own machine."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def read(self, secret_id: str) -> str:
        """Return a secret's payload (see `SecretSource.read`)."""
        try:
            payloads = json.loads(await asyncio.to_thread(self._path.read_text))
            return json.dumps(payloads[secret_id])
        except (OSError, ValueError, KeyError, TypeError):
            raise InvalidSettingsError(
                f"The secret {secret_id!r} is not in SECRETS_FILE: add it, as a JSON object."
            ) from None


class CredentialCache:
    """The credentials that secrets hold.

    Args:
        build_source: Where they are kept; made on first use.
        timer: A clock in seconds that never goes back.
    """

    def __init__(
        self, build_source: Callable[[], SecretSource], timer: Callable[[], float]
    ) -> None:
        self._build_source = build_source
        self._source: SecretSource | None = None
        self._cache = SingleFlightTTLCache(
            self._read, max_size=_MAX_CACHED_SECRETS, ttl_seconds=SECRETS_CACHE_SECONDS, timer=timer
        )
        self._recently_read: TTLCache[str, bool] = TTLCache(
            _MAX_CACHED_SECRETS, MIN_REREAD_INTERVAL_SECONDS, timer
        )

    async def get(self, secret_id: str) -> Credentials:
        """Return a secret's credentials, at most `SECRETS_CACHE_SECONDS` old.

        Raises:
            InvalidSettingsError: When the secret is missing or not a JSON object of credentials.
            LedgerUnavailableError: When it cannot be read just now.
        """
        credentials = await self._cache.get(secret_id)
        if isinstance(credentials, InvalidSettingsError):
            raise credentials
        return credentials

    def try_invalidate(self, secret_id: str) -> bool:
        """Forget a secret so that a rotation takes effect at once, at most every 10 s.

        Returns:
            Whether the next `get` reads it anew.
        """
        if secret_id in self._recently_read:
            return False
        self._cache.invalidate(secret_id)
        return True

    def invalidate(self, secret_id: str) -> None:
        """Read a secret anew when it is next asked for, as it was just written."""
        self._cache.invalidate(secret_id)

    async def _read(self, secret_id: str) -> Credentials | InvalidSettingsError:
        """Read a secret; a lasting fault is remembered too, or each request would look again."""
        self._recently_read[secret_id] = True
        if not _SECRET_ID_PATTERN.fullmatch(secret_id):
            return InvalidSettingsError("secret must be a Secret Manager id, not a path.")
        try:
            self._source = self._source or self._build_source()
            return Credentials.from_payload(secret_id, await self._source.read(secret_id))
        except InvalidSettingsError as error:
            return error
