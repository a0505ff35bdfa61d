"""Let one writer at a time change a secret, and disable the versions that it replaced.

Secret Manager adds versions without a condition: of two writers that read the same version, the
second one would undo the change of the first. The lock is an annotation of the secret, written on
the condition that nobody changed the secret since it was read (`etag`).
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from google.api_core import exceptions as google
from msgspec import Struct

from shared.errors import ServiceUnavailableError

if TYPE_CHECKING:
    from google.cloud.secretmanager import Secret, SecretManagerServiceAsyncClient

# Longer than the calls of one change; a writer that died blocks the others for this time.
LOCK_SECONDS = 30
# The newest version, and the one before for a return by hand.
MAX_ENABLED_VERSIONS = 2
_MAX_ATTEMPTS = 20
_MAX_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS = 5.0
_MAX_CLOCK_DIFFERENCE_SECONDS = 60
_NUMBER = re.compile(r"[0-9]{1,12}")
_LOCKED_UNTIL = "opentable-ledger.locked-until"
_NEWEST_VERSION = "opentable-ledger.newest-version"
_CONFLICTS = (google.Aborted, google.FailedPrecondition)


class SecretLock(Struct):
    """The right to change a secret.

    Attributes:
        newest_version: The number of the version that the last writer added, 0 if unknown. The
            alias `latest` may be behind. A writer sets it to the version that it added.
    """

    newest_version: int = 0


@asynccontextmanager
async def lock_secret(
    client: "SecretManagerServiceAsyncClient", name: str
) -> AsyncIterator[SecretLock]:
    """Lock a secret for a block.

    Args:
        client: The client of Secret Manager.
        name: The secret, `projects/…/secrets/…`. It must exist.

    Raises:
        ServiceUnavailableError: Another writer holds the lock.
    """
    secret = await _acquire(client, name)
    lock = SecretLock(parse_number(secret.annotations.get(_NEWEST_VERSION)))
    try:
        yield lock
    finally:
        del secret.annotations[_LOCKED_UNTIL]
        if lock.newest_version:
            secret.annotations[_NEWEST_VERSION] = str(lock.newest_version)
        # Otherwise the lock ends by itself. The change itself is complete.
        with suppress(google.GoogleAPIError):
            await _update_annotations(client, secret)


def parse_number(text: str | None) -> int:
    """Return the number of a version or of seconds, 0 if the text is none: it may be edited."""
    return int(text) if text and _NUMBER.fullmatch(text) else 0


async def _acquire(client: "SecretManagerServiceAsyncClient", name: str) -> "Secret":
    """Return the locked secret with its new etag."""
    for attempt in range(_MAX_ATTEMPTS):
        if attempt:
            await asyncio.sleep(random.uniform(0, _MAX_PAUSE_SECONDS))  # noqa: S311 -- jitter, no secret
        secret = await client.get_secret(name=name, retry=None, timeout=_TIMEOUT_SECONDS)
        now = int(time.time())
        # A later time was written by hand, or by a writer with a wrong clock.
        latest = now + LOCK_SECONDS + _MAX_CLOCK_DIFFERENCE_SECONDS
        if now < parse_number(secret.annotations.get(_LOCKED_UNTIL)) <= latest:
            continue
        secret.annotations[_LOCKED_UNTIL] = str(now + LOCK_SECONDS)
        with suppress(*_CONFLICTS):
            return await _update_annotations(client, secret)
    raise ServiceUnavailableError("Another change of this secret is in progress. Try again.")


async def _update_annotations(
    client: "SecretManagerServiceAsyncClient", secret: "Secret"
) -> "Secret":
    """Write the annotations, unless the secret changed since it was read."""
    changed = {"name": secret.name, "etag": secret.etag, "annotations": dict(secret.annotations)}
    request = {"secret": changed, "update_mask": {"paths": ["annotations"]}}
    return await client.update_secret(request, retry=None, timeout=_TIMEOUT_SECONDS)


async def disable_old_versions(
    client: "SecretManagerServiceAsyncClient", name: str, newest_version: int
) -> None:
    """Disable all versions of a secret but the newest `MAX_ENABLED_VERSIONS`.

    Retired credentials are in the old ones. A disabled version can be enabled again.
    """
    request = {"parent": name, "filter": "state:ENABLED"}
    versions = await client.list_secret_versions(request, retry=None, timeout=_TIMEOUT_SECONDS)
    async for version in versions:
        number = version.name.rpartition("/")[2]
        if number.isdecimal() and int(number) <= newest_version - MAX_ENABLED_VERSIONS:
            await client.disable_secret_version(
                name=version.name, retry=None, timeout=_TIMEOUT_SECONDS
            )
