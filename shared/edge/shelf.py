"""The only place that reads or writes reservation documents and their journals."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from msgspec import Struct
from msgspec.structs import replace

from shared.core.decision import Commit, Held
from shared.core.document import nest
from shared.core.erasure import scrubbed_entry
from shared.core.guest import Guest, guest_from
from shared.core.system import System
from shared.edge import paths
from shared.edge.calls import Calls, Found

RPC_SECONDS = 5.0


class Reading(Struct, frozen=True):
    """A reservation as Firestore held it.

    Attributes:
        held: The document and the journal entries.
        update_time: The document's, None where there is no document; a commit requires it
            unmoved.
    """

    held: Held
    update_time: Any


class Write(Struct, frozen=True):
    """One reservation's part of a commit."""

    external_key: str
    commit: Commit
    update_time: Any


class Shelf:
    """A restaurant's reservation documents.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose they are.
        system: Where they were made.
    """

    def __init__(self, client: AsyncClient, restaurant_id: str, system: System) -> None:
        self._calls = Calls(client)
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
        wanted = [*guests.values(), *documents.values(), *entries.values()]
        found = await self._calls.read(wanted, RPC_SECONDS)
        records = {key: _guest(found[reference.path]) for key, reference in guests.items()}
        return {
            key: _with(
                known.get(key) or _reading(found[documents[key].path]),
                {id_: found[entries[key, id_].path].fields for id_ in ids},
                records,
            )
            for key, ids in entry_ids.items()
        }

    async def commit(self, writes: Sequence[Write]) -> None:
        """Write documents and journal entries in one commit, each as it was decided.

        A document is created, or updated field by field on the condition that nobody wrote it
        since it was read; an entry is always created.
        """
        messages = [message for write in writes for message in self._messages(write)]
        await self._calls.commit(messages, RPC_SECONDS)
        for write in writes:
            if write.commit.tombstones:
                await self.scrub_journal(write.external_key)

    def _messages(self, write: Write) -> Iterator[Any]:
        document, commit = self._document(write.external_key), write.commit
        if commit.creates:
            yield self._calls.create(document, nest(commit.document))
        elif commit.document:
            yield self._calls.update(document, commit.document, write.update_time)
        yield self._calls.create(self._entry(write.external_key, commit.entry_id), commit.entry)
        for tombstone in commit.tombstones:
            # As if just forgotten, so that reconciliation erases what may be left below.
            again = {"forgottenAt": commit.entry["receivedAt"]}
            yield self._calls.update(self._guests.document(tombstone), again)

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


def _reading(found: Found) -> Reading:
    return Reading(Held(found.fields, {}), found.update_time)


def _guest(found: Found) -> Guest | None:
    return None if found.fields is None else guest_from(found.fields)
