"""Secrets in Secret Manager, or in a file next to the emulator, and the cache of credentials.

The API never returns a stored secret, and no error message quotes one.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from cachetools import TTLCache
from google.api_core import exceptions as google

from shared.concurrency import SingleFlightTTLCache
from shared.config import Environment
from shared.domain.webhook_auth.credentials import Credentials
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.secret_lock import (
    disable_old_versions,
    lock_secret,
    parse_number,
)

if TYPE_CHECKING:
    from google.cloud.secretmanager import (
        AccessSecretVersionResponse,
        SecretManagerServiceAsyncClient,
    )

SECRETS_CACHE_SECONDS = 300.0
MIN_REREAD_INTERVAL_SECONDS = 10.0
MAX_REREADS_PER_MINUTE = 60
_READ_TIMEOUT_SECONDS = 5.0
_WRITE_TIMEOUT_SECONDS = 8.0
_MAX_CACHED_SECRETS = 4096
_SECRET_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,255}")

ReadSecret = Callable[[str, str | None], Awaitable[bytes | str]]
SecretPayload = dict[str, Any]
BuildSecretPayload = Callable[[SecretPayload], SecretPayload]


class CredentialCache:
    """The credentials of the secrets in use; errors in a secret are cached too."""

    def __init__(self, read_secret: ReadSecret, timer: Callable[[], float]) -> None:
        """Read secrets with `SecretStore.read`; `timer` is a monotonic clock in seconds."""
        self._read_secret = read_secret
        self._cache = SingleFlightTTLCache(
            self._load, max_size=_MAX_CACHED_SECRETS, ttl_seconds=SECRETS_CACHE_SECONDS, timer=timer
        )
        self._recently_read: TTLCache[str, bool] = TTLCache(
            _MAX_CACHED_SECRETS, MIN_REREAD_INTERVAL_SECONDS, timer
        )
        self._rereads: TTLCache[object, bool] = TTLCache(MAX_REREADS_PER_MINUTE, 60.0, timer)

    async def get(self, secret_id: str, version: str | None = None) -> Credentials:
        """Return a secret's credentials, at most `SECRETS_CACHE_SECONDS` old.

        `version` is that of a recent change. Credentials cached before the change are not used.

        Raises InvalidSettingsError when the secret is missing or malformed, and
        ServiceUnavailableError when it cannot be read now.
        """
        credentials = await self._cache.get((secret_id, version))
        if isinstance(credentials, InvalidSettingsError):
            raise credentials
        return credentials

    async def _load(self, key: tuple[str, str | None]) -> Credentials | InvalidSettingsError:
        secret_id, version = key
        # A permanent error is returned, so that it is cached: otherwise every webhook of a
        # misconfigured restaurant would read Secret Manager.
        self._recently_read[secret_id] = True
        if not _SECRET_ID_PATTERN.fullmatch(secret_id):
            return InvalidSettingsError("secret must be a Secret Manager id, not a path.")
        try:
            return Credentials.from_payload(secret_id, await self._read_secret(secret_id, version))
        except InvalidSettingsError as error:
            return error

    def try_invalidate(self, secret_id: str, version: str | None = None) -> bool:
        """Drop a secret that somebody may have changed by hand; return whether it was dropped.

        Does nothing within `MIN_REREAD_INTERVAL_SECONDS` of the last read, and at most
        `MAX_REREADS_PER_MINUTE` times for all secrets together: failed authentications must not
        become a flood of reads.
        """
        if secret_id in self._recently_read or len(self._rereads) >= MAX_REREADS_PER_MINUTE:
            return False
        self._rereads[object()] = True
        self.invalidate(secret_id, version)
        return True

    def invalidate(self, secret_id: str, version: str | None = None) -> None:
        """Drop a secret that was just written."""
        self._cache.invalidate((secret_id, version))


class SecretStore(Protocol):
    """A place for secrets.

    Both methods raise ServiceUnavailableError when the store does not answer.
    """

    async def read(self, secret_id: str, min_version: str | None = None) -> bytes | str:
        """Return a secret's payload, not older than a version that `update_secret` returned.

        Raises InvalidSettingsError if it cannot be read.
        """

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> str:
        """Replace a secret's payload by one built from the stored payload ({} if none).

        Returns the id of the new version. Raises InvalidSettingsError if the secret is not writable
        or not a JSON object.
        """


def build_secret_store(environment: Environment) -> SecretStore:
    """Return the environment's store."""
    if environment.secrets_file:
        return SecretsFileStore(environment.secrets_file)
    return SecretManagerStore(environment.require_project())


class SecretManagerStore:
    """Secret Manager of a Google Cloud project; always the latest version of a secret."""

    def __init__(self, project: str) -> None:
        self._project_name = f"projects/{project}"

    @cached_property
    def _client(self) -> "SecretManagerServiceAsyncClient":
        from google.cloud import secretmanager  # noqa: PLC0415 -- slow; unused with SECRETS_FILE

        return secretmanager.SecretManagerServiceAsyncClient()

    async def read(self, secret_id: str, min_version: str | None = None) -> bytes:
        """Return the payload of the latest version (see `SecretStore.read`)."""
        try:
            newest = await self._access_newest_version(secret_id, parse_number(min_version))
            return bytes(newest.payload.data)
        except (google.NotFound, google.PermissionDenied, google.FailedPrecondition):
            raise InvalidSettingsError(
                f"The secret {secret_id!r} has no version that this function may read: "
                "create one, or grant roles/secretmanager.secretAccessor."
            ) from None
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(f"Secret Manager: {type(error).__name__}") from None

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> str:
        """Add a version; create the secret with its first one (see `SecretStore`)."""
        name = f"{self._project_name}/secrets/{secret_id}"
        try:
            await self._create_if_missing(name, secret_id)
            async with lock_secret(self._client, name) as lock:
                stored = await self._read_stored_payload(secret_id, lock.newest_version)
                payload = build_payload(_parse_secret_payload(secret_id, stored))
                version = {"parent": name, "payload": {"data": json.dumps(payload).encode()}}
                added = await self._client.add_secret_version(
                    version, retry=None, timeout=_WRITE_TIMEOUT_SECONDS
                )
                lock.newest_version = int(added.name.rpartition("/")[2])
        except google.PermissionDenied:
            raise InvalidSettingsError(
                f"The secret {secret_id!r} may not be written: grant this account the rights to "
                "secrets that infra/permissions.tf gives to opentable-api."
            ) from None
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(f"Secret Manager: {type(error).__name__}") from None
        await self._disable_old_versions(secret_id, lock.newest_version)
        return str(lock.newest_version)

    async def _read_stored_payload(self, secret_id: str, newest_version: int) -> bytes:
        """Return the newest payload, an empty object without one."""
        try:
            newest = await self._access_newest_version(secret_id, newest_version)
        except (google.NotFound, google.FailedPrecondition):
            return b"{}"
        return bytes(newest.payload.data)

    async def _access_newest_version(
        self, secret_id: str, min_number: int
    ) -> "AccessSecretVersionResponse":
        latest = await self._access_version(secret_id, "latest")
        # Secret Manager is consistent for a version by its number only: the alias `latest` may name
        # the previous version for minutes.
        if parse_number(latest.name.rpartition("/")[2]) < min_number:
            # A number that was edited by hand must not hide the stored credentials.
            with contextlib.suppress(google.NotFound):
                return await self._access_version(secret_id, str(min_number))
        return latest

    async def _disable_old_versions(self, secret_id: str, newest_version: int) -> None:
        """Disable replaced versions; a failure is logged, because the change itself is complete."""
        name = f"{self._project_name}/secrets/{secret_id}"
        try:
            await disable_old_versions(self._client, name, newest_version)
        except google.GoogleAPIError as error:
            log_event(
                Severity.WARNING,
                LogEvent.SETTINGS_WARNING,
                problem=f"Old versions of the secret {secret_id} could not be disabled "
                f"({type(error).__name__}): grant secretmanager.versions.list and .disable. "
                "The next change tries again.",
            )

    async def _access_version(self, secret_id: str, version: str) -> "AccessSecretVersionResponse":
        name = f"{self._project_name}/secrets/{secret_id}/versions/{version}"
        return await self._client.access_secret_version(
            name=name, retry=None, timeout=_READ_TIMEOUT_SECONDS
        )

    async def _create_if_missing(self, name: str, secret_id: str) -> None:
        # Not by creating it at once: that needs a right which an operator may not have.
        with contextlib.suppress(google.NotFound):
            await self._client.get_secret(name=name, retry=None, timeout=_READ_TIMEOUT_SECONDS)
            return
        secret = {
            "parent": self._project_name,
            "secret_id": secret_id,
            "secret": {"replication": {"automatic": {}}},
        }
        with contextlib.suppress(google.AlreadyExists):
            await self._client.create_secret(secret, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)


class SecretsFileStore:
    """The SECRETS_FILE of local development: a JSON object of secret id to payload."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = asyncio.Lock()

    async def read(self, secret_id: str, min_version: str | None = None) -> str:  # noqa: ARG002 -- a file has its newest version only
        """Return a secret's payload (see `SecretStore.read`)."""
        try:
            payloads = json.loads(await asyncio.to_thread(self._path.read_text))
            return json.dumps(payloads[secret_id])
        except (OSError, ValueError, KeyError, TypeError):
            raise InvalidSettingsError(
                f"The secret {secret_id!r} is not in SECRETS_FILE: add it, as a JSON object."
            ) from None

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> str:
        """Rewrite the file (see `SecretStore.update_secret`)."""
        async with self._lock:
            await asyncio.to_thread(self._rewrite_file, secret_id, build_payload)
        return uuid4().hex

    def _rewrite_file(self, secret_id: str, build_payload: BuildSecretPayload) -> None:
        try:
            payloads = json.loads(self._path.read_text())
            stored = _parse_secret_payload(secret_id, json.dumps(payloads.get(secret_id, {})))
            # Written to a new file and renamed, so that a reader never sees half of it.
            new_path = self._path.with_suffix(".new")
            new_path.touch(mode=0o600)
            new_path.write_text(json.dumps({**payloads, secret_id: build_payload(stored)}))
            new_path.replace(self._path)
        except (OSError, ValueError, AttributeError):
            raise InvalidSettingsError(
                "SECRETS_FILE cannot be rewritten: it must be a JSON object in a writable folder."
            ) from None


def _parse_secret_payload(secret_id: str, text: bytes | str) -> SecretPayload:
    try:
        payload = json.loads(text)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise InvalidSettingsError(
            f"The secret {secret_id!r} is not a JSON object: an operator must repair it first."
        )
    return payload
