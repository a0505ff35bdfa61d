"""Secrets in Secret Manager, or in a file next to the emulator, and the cache of credentials.

The API never returns a stored secret, and no error message quotes one.

Secret Manager adds versions without a condition: of two writers that read the same version, the
second one would undo the change of the first. A writer therefore locks the secret. The lock is an
annotation, written on the condition (`etag`) that the secret did not change since it was read.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from cachetools import TTLCache
from google.api_core import exceptions as google

from shared.concurrency import SingleFlightTTLCache, sleep_randomly
from shared.config import Environment
from shared.domain.webhook_auth import Credentials
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import LogEvent, Severity, log_event

if TYPE_CHECKING:
    from google.cloud.secretmanager import (
        AccessSecretVersionResponse,
        Secret,
        SecretManagerServiceAsyncClient,
    )

SECRETS_CACHE_SECONDS = 300.0
MIN_REREAD_INTERVAL_SECONDS = 10.0
MAX_REREADS_PER_MINUTE = 60
# Longer than the calls of one change. A writer that dies blocks the others for this time.
LOCK_SECONDS = 30
# The newest version, and the previous one for a rollback by hand.
MAX_ENABLED_VERSIONS = 2
# Timeouts in seconds. Without the library's retries, which would take up the time of a request.
_READ_OPTIONS: dict[str, Any] = {"retry": None, "timeout": 5.0}
_WRITE_OPTIONS: dict[str, Any] = {"retry": None, "timeout": 8.0}
_MAX_LOCK_ATTEMPTS = 20
_MAX_LOCK_PAUSE_SECONDS = 0.5
_MAX_CLOCK_DIFFERENCE_SECONDS = 60
_NUMBER_PATTERN = re.compile(r"[0-9]{1,12}")
_LOCKED_UNTIL_ANNOTATION = "opentable-ledger.locked-until"
_NEWEST_VERSION_ANNOTATION = "opentable-ledger.newest-version"  # the number that was added last
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

        Raises:
            InvalidSettingsError: The secret is missing or malformed.
            ServiceUnavailableError: It cannot be read now.
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
        """Drop a secret that a person may have changed by hand; return whether it was dropped.

        Does nothing within `MIN_REREAD_INTERVAL_SECONDS` of the last read, and at most
        `MAX_REREADS_PER_MINUTE` times for all secrets together: failed authentications must not
        become a flood of reads.
        """
        if secret_id in self._recently_read or len(self._rereads) >= MAX_REREADS_PER_MINUTE:
            return False
        self._rereads[object()] = True  # one entry for each read of the last minute
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

        Raises:
            InvalidSettingsError: It cannot be read.
        """

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> str:
        """Replace a secret's payload by one built from the stored payload ({} if none).

        Returns the id of the new version.

        Raises:
            InvalidSettingsError: The secret is not writable or not a JSON object.
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
        from google.cloud import secretmanager

        return secretmanager.SecretManagerServiceAsyncClient()

    async def read(self, secret_id: str, min_version: str | None = None) -> bytes:
        """Return the payload of the latest version (see `SecretStore.read`)."""
        try:
            return await self._read_latest(self._secret_name(secret_id), _parse_number(min_version))
        except (google.NotFound, google.PermissionDenied, google.FailedPrecondition):
            raise InvalidSettingsError(
                f"The secret {secret_id!r} has no version that this function may read: "
                "create one, or grant roles/secretmanager.secretAccessor."
            ) from None
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(f"Secret Manager: {type(error).__name__}") from None

    async def update_secret(self, secret_id: str, build_payload: BuildSecretPayload) -> str:
        """Add a version; create the secret with its first one (see `SecretStore`)."""
        name = self._secret_name(secret_id)
        try:
            await self._create_if_missing(secret_id)
            async with self._lock(name) as secret:
                stored = b"{}"
                # A new secret has no version, and an operator may have disabled the last one.
                with suppress(google.NotFound, google.FailedPrecondition):
                    newest_version = secret.annotations.get(_NEWEST_VERSION_ANNOTATION)
                    stored = await self._read_latest(name, _parse_number(newest_version))
                payload = build_payload(_parse_secret_payload(secret_id, stored))
                version = {"parent": name, "payload": {"data": json.dumps(payload).encode()}}
                added = await self._client.add_secret_version(version, **_WRITE_OPTIONS)
                added_number = added.name.rpartition("/")[2]
                secret.annotations[_NEWEST_VERSION_ANNOTATION] = added_number
        except google.PermissionDenied:
            raise InvalidSettingsError(
                f"The secret {secret_id!r} may not be written: grant this account the rights to "
                "secrets that infra/permissions.tf gives to opentable-api."
            ) from None
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(f"Secret Manager: {type(error).__name__}") from None
        await self._disable_old_versions(secret_id, int(added_number))
        return added_number

    def _secret_name(self, secret_id: str) -> str:
        return f"{self._project_name}/secrets/{secret_id}"

    async def _read_latest(self, secret_name: str, min_version: int) -> bytes:
        """Return the payload of the latest version, at least of the one with this number."""

        async def access(version: str) -> "AccessSecretVersionResponse":
            return await self._client.access_secret_version(
                name=f"{secret_name}/versions/{version}", **_READ_OPTIONS
            )

        latest = await access("latest")
        # Secret Manager is consistent for a version by its number only: the alias `latest` may
        # name the previous version for minutes.
        if _parse_number(latest.name.rpartition("/")[2]) < min_version:
            # The number may have been edited by hand: use the latest version then.
            with suppress(google.NotFound):
                latest = await access(str(min_version))
        return bytes(latest.payload.data)

    async def _create_if_missing(self, secret_id: str) -> None:
        # Read first: creating a secret needs a right that an operator may not have.
        with suppress(google.NotFound):
            await self._client.get_secret(name=self._secret_name(secret_id), **_READ_OPTIONS)
            return
        secret = {
            "parent": self._project_name,
            "secret_id": secret_id,
            "secret": {"replication": {"automatic": {}}},
        }
        with suppress(google.AlreadyExists):
            await self._client.create_secret(secret, **_WRITE_OPTIONS)

    @asynccontextmanager
    async def _lock(self, secret_name: str) -> AsyncIterator["Secret"]:
        """Lock an existing secret; raise ServiceUnavailableError while another writer holds it.

        The end of the block writes its annotations, which the caller may change.
        """
        for attempt in range(_MAX_LOCK_ATTEMPTS):
            if attempt:
                await sleep_randomly(_MAX_LOCK_PAUSE_SECONDS)
            secret = await self._client.get_secret(name=secret_name, **_READ_OPTIONS)
            now = int(time.time())
            # A later time was written by hand, or by a writer with a wrong clock.
            latest = now + LOCK_SECONDS + _MAX_CLOCK_DIFFERENCE_SECONDS
            if now < _parse_number(secret.annotations.get(_LOCKED_UNTIL_ANNOTATION)) <= latest:
                continue
            secret.annotations[_LOCKED_UNTIL_ANNOTATION] = str(now + LOCK_SECONDS)
            # A conflict: another writer changed the secret since it was read.
            with suppress(google.Aborted, google.FailedPrecondition):
                secret = await self._write_annotations(secret)  # with its new etag
                break
        else:
            raise ServiceUnavailableError(
                "Another change of this secret is in progress. Try again."
            )
        try:
            yield secret
        finally:
            del secret.annotations[_LOCKED_UNTIL_ANNOTATION]
            # After a failure, the lock ends by itself. The change itself is complete.
            with suppress(google.GoogleAPIError):
                await self._write_annotations(secret)

    async def _write_annotations(self, secret: "Secret") -> "Secret":
        """Write the annotations, unless the secret changed since it was read."""
        changed = {
            "name": secret.name,
            "etag": secret.etag,
            "annotations": dict(secret.annotations),
        }
        request = {"secret": changed, "update_mask": {"paths": ["annotations"]}}
        return await self._client.update_secret(request, **_READ_OPTIONS)

    async def _disable_old_versions(self, secret_id: str, newest_version: int) -> None:
        """Disable all versions of a secret but the newest `MAX_ENABLED_VERSIONS`.

        The old versions contain retired credentials. A disabled version can be enabled again. A
        failure is only logged, because the change of the secret is complete.
        """
        request = {"parent": self._secret_name(secret_id), "filter": "state:ENABLED"}
        try:
            versions = await self._client.list_secret_versions(request, **_READ_OPTIONS)
            async for version in versions:
                number = version.name.rpartition("/")[2]
                if number.isdecimal() and int(number) <= newest_version - MAX_ENABLED_VERSIONS:
                    await self._client.disable_secret_version(name=version.name, **_READ_OPTIONS)
        except google.GoogleAPIError as error:
            log_event(
                Severity.WARNING,
                LogEvent.SETTINGS_WARNING,
                problem=f"Old versions of the secret {secret_id} could not be disabled "
                f"({type(error).__name__}): grant secretmanager.versions.list and .disable. "
                "The next change tries again.",
            )


def _parse_number(text: str | None) -> int:
    """Return the number of a version or of seconds, 0 if the text is none: it may be edited."""
    return int(text) if text and _NUMBER_PATTERN.fullmatch(text) else 0


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
            new_path.touch(mode=0o600)  # before it contains a secret
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
