"""Secrets: from Secret Manager, or from a file beside the emulator; cached, and re-read early.

Writing a restaurant's own secret: in Secret Manager, or in the file beside the emulator.

What is written is never read back to anyone; the texts of failures name no value.
"""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cachetools import TTLCache
from google.api_core import exceptions as google

from shared.concurrency import SingleFlightTTLCache
from shared.config import Environment
from shared.domain.webhook_auth.credentials import Credentials
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


SecretPayload = dict[str, Any]
BuildSecretPayload = Callable[[SecretPayload], SecretPayload]
_WRITE_TIMEOUT_SECONDS = 8.0


class SecretStore(Protocol):
    """Where secrets are written."""

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> None:
        """Write a secret anew from what it held, nothing where it did not exist.

        Args:
            secret_id: Its id.
            build_payload: Makes the new payload of the one held.

        Raises:
            InvalidSettingsError: When it may not be written, or what it holds is no JSON object.
            LedgerUnavailableError: When it cannot be written just now.
        """


class SecretManagerStore:
    """Secret Manager; the secret is created with its first version."""

    def __init__(self, project: str) -> None:
        # Imported on first use: a function beside the emulator never needs it.
        from google.cloud import secretmanager  # noqa: PLC0415

        self._client = secretmanager.SecretManagerServiceAsyncClient()
        self._project = project

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> None:
        """Add a version (see `SecretStore.update_secret`)."""
        try:
            stored = await self._read_payload(secret_id)
            data = json.dumps(build_payload(stored)).encode()
            await self._client.add_secret_version(
                {
                    "parent": f"projects/{self._project}/secrets/{secret_id}",
                    "payload": {"data": data},
                },
                retry=None,
                timeout=_WRITE_TIMEOUT_SECONDS,
            )
        except google.PermissionDenied:
            raise InvalidSettingsError(
                f"The secret {secret_id!r} may not be written: grant this function "
                "roles/secretmanager.admin on the secrets named opentable-*."
            ) from None
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(f"Secret Manager: {type(error).__name__}") from None

    async def _read_payload(self, secret_id: str) -> SecretPayload:
        name = f"projects/{self._project}/secrets/{secret_id}/versions/latest"
        try:
            version = await self._client.access_secret_version(
                name=name, retry=None, timeout=_WRITE_TIMEOUT_SECONDS
            )
        except (google.NotFound, google.FailedPrecondition):
            await self._create_secret(secret_id)
            return {}
        return _parse_secret_payload(secret_id, bytes(version.payload.data))

    async def _create_secret(self, secret_id: str) -> None:
        try:
            await self._client.create_secret(
                {
                    "parent": f"projects/{self._project}",
                    "secret_id": secret_id,
                    "secret": {"replication": {"automatic": {}}},
                },
                retry=None,
                timeout=_WRITE_TIMEOUT_SECONDS,
            )
        except google.AlreadyExists:
            return  # It has no version that can be read; it is given one next.


class SecretsFileStore:
    """The SECRETS_FILE of one's own machine; readers see it before or after, never between."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = asyncio.Lock()

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> None:
        """Write the file anew (see `SecretStore.update_secret`)."""
        async with self._lock:
            await asyncio.to_thread(self._update_file, secret_id, build_payload)

    def _update_file(self, secret_id: str, build_payload: BuildSecretPayload) -> None:
        try:
            payloads = json.loads(self._path.read_text())
            stored = _parse_secret_payload(secret_id, json.dumps(payloads.get(secret_id, {})))
            new_path = self._path.with_suffix(".new")
            new_path.touch(mode=0o600)
            new_path.write_text(json.dumps({**payloads, secret_id: build_payload(stored)}))
            new_path.replace(self._path)
        except (OSError, ValueError, AttributeError):
            raise InvalidSettingsError(
                "SECRETS_FILE cannot be rewritten: it must be a JSON object in a folder that "
                "may be written to."
            ) from None


def build_secret_store(environment: Environment) -> SecretStore:
    """Return where an environment's secrets are written."""
    if environment.secrets_file:
        return SecretsFileStore(environment.secrets_file)
    return SecretManagerStore(environment.require_project())


def _parse_secret_payload(secret_id: str, text: bytes | str) -> SecretPayload:
    try:
        payload = json.loads(text)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise InvalidSettingsError(
            f"The secret {secret_id!r} is not a JSON object: an operator must mend it first."
        )
    return payload
