"""The only place that reads or writes reservation documents and their journals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.core.decision import Commit, Held
from shared.core.document import System, nest
from shared.edge import paths

RPC_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A reservation as Firestore held it.

    Attributes:
        held: The document and the journal entries.
        update_time: The document's, None where there is no document; a commit requires it
            unmoved.
    """

    held: Held
    update_time: datetime | None


@dataclass(frozen=True, slots=True)
class Write:
    """One reservation's part of a commit."""

    external_key: str
    commit: Commit
    update_time: datetime | None


class Shelf:
    """A restaurant's reservation documents.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose they are.
        system: Where they were made.
    """

    def __init__(self, client: AsyncClient, restaurant_id: str, system: System) -> None:
        self._client = client
        self._documents = paths.reservations(client, restaurant_id)
        self._system = system

    def _document(self, key: str) -> AsyncDocumentReference:
        return self._documents.document(self._system.document_id(key))

    def _entry(self, key: str, entry_id: str) -> AsyncDocumentReference:
        return paths.journal(self._document(key)).document(entry_id)

    async def read(self, entry_ids: Mapping[str, Iterable[str]]) -> dict[str, Reading]:
        """Read reservations, each with some of its journal entries, in one round trip.

        Args:
            entry_ids: External key to the journal ids wanted, possibly none.
        """
        wanted: list[AsyncDocumentReference] = []
        for key, ids in entry_ids.items():
            document = self._document(key)
            wanted += [document, *(self._entry(key, id_) for id_ in ids)]
        found = {
            snapshot.reference.path: snapshot
            async for snapshot in self._client.get_all(wanted, retry=None, timeout=RPC_SECONDS)
        }
        return {key: self._reading(key, ids, found) for key, ids in entry_ids.items()}

    def _reading(self, key: str, ids: Iterable[str], found: Mapping[str, Any]) -> Reading:
        document = self._document(key)
        snapshot = found[document.path]
        entries = {id_: found[self._entry(key, id_).path].to_dict() for id_ in ids}
        return Reading(Held(snapshot.to_dict(), entries), snapshot.update_time)

    async def commit(self, writes: Sequence[Write]) -> None:
        """Write documents and journal entries in one commit, each as it was decided.

        A document is created, or updated field by field on the condition that nobody wrote it
        since it was read; an entry is always created.
        """
        batch = self._client.batch()
        for write in writes:
            document = self._document(write.external_key)
            if write.commit.creates:
                batch.create(document, nest(write.commit.document))
            elif write.commit.document:
                unmoved = self._client.write_option(last_update_time=write.update_time)
                batch.update(document, write.commit.document, option=unmoved)
            entry = self._entry(write.external_key, write.commit.entry_id)
            batch.create(entry, write.commit.entry)
        # No retry below us: the ledger reads before it tries again.
        await batch.commit(retry=None, timeout=RPC_SECONDS)
