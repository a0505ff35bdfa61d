"""Publish changed settings and credentials to every instance within seconds.

One document lists the changes of the last minutes, each with the version that it made. A cache that
uses this version in its key reloads a changed value. Reading the document costs one read in
`MAX_AGE_SECONDS` and instance, however many restaurants there are.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from google.cloud.firestore import AsyncClient

from shared.domain.validation import typed_or_none
from shared.firestore import paths
from shared.firestore.documents import translate_firestore_errors, update_if_unmodified
from shared.firestore.raw_client import FirestoreClient

# Every instance uses a change within this time: `MAX_AGE_SECONDS`, and the duration of a read.
CHANGE_PICKUP_SECONDS = 5.0
MAX_AGE_SECONDS = 4.5
_REFRESH_AGE_SECONDS = 3.5  # read ahead, so that events seldom wait for a read
_MIN_READ_INTERVAL_SECONDS = 0.1
_READ_TIMEOUT_SECONDS = 3.0
# Longer than any cache keeps a value. Then the versions are no longer needed.
CHANGE_LIFETIME = timedelta(minutes=15)
_MAX_CHANGES = 2_000  # below the limit of a document; older changes wait for the caches to expire


def secret_change_key(secret_id: str) -> str:
    """Return the key under which changes of a secret are published."""
    return f"secret/{secret_id}"


def restaurant_change_key(restaurant_id: str) -> str:
    """Return the key under which changes of a restaurant's settings are published."""
    return f"restaurant/{restaurant_id}"


def rid_change_key(rid: str) -> str:
    """Return the key under which changes of a rid's claim are published."""
    return f"rid/{rid}"


def new_version() -> str:
    """Return a version that differs from all others."""
    return uuid4().hex


async def publish_changes(client: AsyncClient, versions: Mapping[str, str], now: datetime) -> None:
    """Publish changes that are already stored; `versions` maps their keys to new versions."""
    new_items = [{"key": key, "version": version, "at": now} for key, version in versions.items()]

    def add(document: dict[str, Any] | None) -> dict[str, Any]:
        current = {
            item["key"]: item
            for item in _read_items(document)
            if now - item["at"] <= CHANGE_LIFETIME and item["key"] not in versions
        }
        return {"changes": [*current.values(), *new_items][-_MAX_CHANGES:]}

    await update_if_unmodified(paths.recent_changes_document(client), add)


class ChangeFeed:
    """The recent changes, as one instance knows them.

    Methods that read raise ServiceUnavailableError when Firestore does not answer.

    Attributes:
        revision: A number that grows with each change that the instance learns of.
    """

    def __init__(self, client: FirestoreClient, timer: Callable[[], float]) -> None:
        """`timer` is a monotonic clock in seconds."""
        self._client = client
        self._timer = timer
        self._versions: dict[str, str] = {}
        self.revision = 0
        self._read_at: float | None = None
        self._started_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    def get_version(self, key: str) -> str | None:
        """Return the version of a recent change, None without one."""
        return self._versions.get(key)

    def get_time(self) -> float:
        """Return the present time of the feed's timer, for `ensure_read_since`."""
        return self._timer()

    def refresh_ahead(self) -> None:
        """Begin to read the changes if an event would soon have to wait for it."""
        if not self._is_read_since(self._timer() - _REFRESH_AGE_SECONDS):
            self._start_read()

    async def ensure_current(self) -> None:
        """Read the changes unless a recent read covers all but the last `CHANGE_PICKUP_SECONDS`."""
        await self.ensure_read_since(self._timer() - MAX_AGE_SECONDS)

    async def ensure_read_since(self, moment: float) -> None:
        """Read the changes unless they were read since a time of the timer (see `get_time`)."""
        while not self._is_read_since(moment):
            # One caller's timeout must not cancel the read that others wait for.
            await asyncio.shield(self._start_read())

    def _is_read_since(self, moment: float) -> bool:
        return self._read_at is not None and self._read_at >= moment

    def _start_read(self) -> "asyncio.Task[None]":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
            # A read ahead has no caller to handle its error. The next caller reads again.
            self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._task

    async def _read(self) -> None:
        if self._started_at is not None:
            # Bounds the reads that a flood of refused webhooks causes.
            pause = self._started_at + _MIN_READ_INTERVAL_SECONDS - self._timer()
            await asyncio.sleep(max(0.0, pause))
        started_at = self._started_at = self._timer()
        reference = paths.recent_changes_document(self._client)
        with translate_firestore_errors():
            documents = await self._client.rpc.batch_get([reference], _READ_TIMEOUT_SECONDS)
        items = _read_items(documents[reference.path].fields)
        versions = {item["key"]: item["version"] for item in items}
        if versions != self._versions:
            self._versions = versions
            self.revision += 1
        self._read_at = started_at


def _read_items(document: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the readable items of the document, which a person may have edited."""
    items = typed_or_none(list, (document or {}).get("changes")) or []
    return [
        item
        for item in items
        if isinstance(item, Mapping)
        and isinstance(item.get("key"), str)
        and isinstance(item.get("version"), str)
        and isinstance(item.get("at"), datetime)
    ]
