"""The only place that reads or writes reservation documents and their journals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, DocumentSnapshot

from shared.core.decision import Commit, Held
from shared.core.document import System, nest
from shared.core.erasure import scrubbed_entry
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
        found = await self._get([*guests.values(), *documents.values(), *entries.values()])
        records = {key: _guest(found[reference.path]) for key, reference in guests.items()}
        return {
            key: _with(
                known.get(key) or _reading(found[documents[key].path]),
                {id_: found[entries[key, id_].path].to_dict() for id_ in ids},
                records,
            )
            for key, ids in entry_ids.items()
        }

    async def _get(
        self, references: list[AsyncDocumentReference]
    ) -> dict[str, DocumentSnapshot[Any]]:
        snapshots = self._client.get_all(references, retry=None, timeout=RPC_SECONDS)
        return {snapshot.reference.path: snapshot async for snapshot in snapshots}

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
            for tombstone in write.commit.tombstones:
                # As if just forgotten, so that reconciliation erases what may be left below.
                again = {"forgottenAt": write.commit.entry["receivedAt"]}
                batch.update(self._guests.document(tombstone), again)
        # No retry below us: the ledger reads before it tries again.
        await batch.commit(retry=None, timeout=RPC_SECONDS)
        for write in writes:
            if write.commit.tombstones:
                await self.scrub_journal(write.external_key)

    async def scrub_journal(self, key: str) -> int:
        """Erase the person from a reservation's journal; return how many entries it changed."""
        entries = paths.journal(self._document(key)).stream(retry=None, timeout=RPC_SECONDS)
        scrubbed = [(entry, scrubbed_entry(entry.to_dict() or {})) async for entry in entries]
        changed = [(entry.reference, fields) for entry, fields in scrubbed if fields]
        for reference, fields in changed:
            await reference.update(fields, retry=None, timeout=RPC_SECONDS)
        return len(changed)


def _with(
    reading: Reading,
    entries: Mapping[str, dict[str, Any] | None],
    guests: Mapping[str, Guest | None],
) -> Reading:
    held = reading.held
    more = replace(held, entries={**held.entries, **entries}, guests={**held.guests, **guests})
    return Reading(more, reading.update_time)


def _reading(snapshot: DocumentSnapshot[Any]) -> Reading:
    return Reading(Held(snapshot.to_dict(), {}), snapshot.update_time)


def _guest(snapshot: DocumentSnapshot[Any]) -> Guest | None:
    document = snapshot.to_dict()
    return None if document is None else guest_from(document)
