"""The only place that reads or writes reservation documents and their journals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, DocumentSnapshot

from shared.core.decision import Commit, Held
from shared.core.document import System, nest
from shared.core.guest import Guest, guest_from
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
        self._guests = paths.guests(client, restaurant_id)
        self._system = system

    def _document(self, key: str) -> AsyncDocumentReference:
        return self._documents.document(self._system.document_id(key))

    def _entry(self, key: str, entry_id: str) -> AsyncDocumentReference:
        return paths.journal(self._document(key)).document(entry_id)

    async def read(
        self,
        entry_ids: Mapping[str, Iterable[str]],
        guest_keys: Iterable[str] = (),
        known: Mapping[str, Reading] | None = None,
    ) -> dict[str, Reading]:
        """Read reservations, each with some of its journal entries, in one round trip.

        Args:
            entry_ids: External key to the journal ids wanted, possibly none.
            guest_keys: Guests wanted beside them.
            known: Readings that this one adds to: their documents are not read again.
        """
        known = known or {}
        guests = {key: self._guests.document(key) for key in guest_keys}
        documents = {key: self._document(key) for key in entry_ids if key not in known}
        entries = {
            (key, id_): self._entry(key, id_) for key, ids in entry_ids.items() for id_ in ids
        }
        found = {
            snapshot.reference.path: snapshot
            async for snapshot in self._client.get_all(
                [*guests.values(), *documents.values(), *entries.values()],
                retry=None,
                timeout=RPC_SECONDS,
            )
        }
        records = {key: _guest(found[reference.path]) for key, reference in guests.items()}
        readings = {}
        for key, ids in entry_ids.items():
            base = known[key] if key in known else _reading(found[documents[key].path])
            read = {id_: found[entries[key, id_].path].to_dict() for id_ in ids}
            held = base.held
            added = replace(
                held, entries={**held.entries, **read}, guests={**held.guests, **records}
            )
            readings[key] = Reading(added, base.update_time)
        return readings

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


def _reading(snapshot: DocumentSnapshot[Any]) -> Reading:
    return Reading(Held(snapshot.to_dict(), {}), snapshot.update_time)


def _guest(snapshot: DocumentSnapshot[Any]) -> Guest | None:
    document = snapshot.to_dict()
    return None if document is None else guest_from(document)
