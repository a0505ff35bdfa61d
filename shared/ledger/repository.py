"""The only place that reads or writes reservation documents and their journals.

Which reservations this process met lately: what is likely held is read before it is written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cachetools import LRUCache
from google.cloud.firestore import AsyncDocumentReference
from msgspec import Struct
from msgspec.structs import replace

from shared.domain.ledger.decide import ReservationWrite, StoredReservation
from shared.domain.ledger.document import nest_fields
from shared.domain.ledger.guest_link import Guest, guest_from_map
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.privacy import redact_journal_entry
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient, RawDocument

RPC_TIMEOUT_SECONDS = 5.0


class ReservationSnapshot(Struct, frozen=True):
    """A reservation as Firestore held it.

    Attributes:
        stored: The document and the journal entries.
        update_time: The document's, None where there is no document; a commit requires it
            unmoved.
    """

    stored: StoredReservation
    update_time: Any


class ConditionalWrite(Struct, frozen=True):
    """One reservation's part of a commit."""

    external_key: str
    reservation_write: ReservationWrite
    update_time: Any


class ReservationRepository:
    """A restaurant's reservation documents.

    Args:
        client: The process's Firestore client.
        restaurant_id: Whose they are.
        system: Where they were made.
    """

    def __init__(
        self, client: FirestoreClient, restaurant_id: str, system: ReservationSystem
    ) -> None:
        self._rpc = client.rpc
        self._reservations = paths.reservations_collection(client, restaurant_id)
        self._guests = paths.guests_collection(client, restaurant_id)
        self._system = system

    def _document_reference(self, key: str) -> AsyncDocumentReference:
        return self._reservations.document(self._system.build_document_id(key))

    def _entry_reference(self, key: str, entry_id: str) -> AsyncDocumentReference:
        return paths.journal_collection(self._document_reference(key)).document(entry_id)

    async def read(
        self,
        entry_ids: Mapping[str, Iterable[str]],
        guest_keys: Iterable[str] = (),
        previous: Mapping[str, ReservationSnapshot] | None = None,
    ) -> dict[str, ReservationSnapshot]:
        """Read reservations, each with some of its journal entries, in one round trip.

        Args:
            entry_ids: External key to the journal ids wanted, possibly none.
            guest_keys: Guests wanted beside them.
            previous: Readings that this one adds to: their documents are not read again.
        """
        previous = previous or {}
        guests = {key: self._guests.document(key) for key in guest_keys}
        documents = {key: self._document_reference(key) for key in entry_ids if key not in previous}
        entries = {
            (key, id_): self._entry_reference(key, id_)
            for key, ids in entry_ids.items()
            for id_ in ids
        }
        references = [*guests.values(), *documents.values(), *entries.values()]
        raw_documents = await self._rpc.batch_get(references, RPC_TIMEOUT_SECONDS)
        records = {
            key: _parse_guest(raw_documents[reference.path]) for key, reference in guests.items()
        }
        return {
            key: _merge_snapshot(
                previous.get(key) or _build_snapshot(raw_documents[documents[key].path]),
                {id_: raw_documents[entries[key, id_].path].fields for id_ in ids},
                records,
            )
            for key, ids in entry_ids.items()
        }

    async def commit(self, writes: Sequence[ConditionalWrite]) -> None:
        """Write documents and journal entries in one commit, each as it was decided.

        A document is created, or updated field by field on the condition that nobody wrote it
        since it was read; an entry is always created.
        """
        messages = [message for write in writes for message in self._build_messages(write)]
        await self._rpc.commit(messages, RPC_TIMEOUT_SECONDS)
        for write in writes:
            if write.reservation_write.forgotten_guest_keys:
                await self.scrub_journal(write.external_key)

    def _build_messages(self, write: ConditionalWrite) -> Iterator[Any]:
        document, reservation_write = (
            self._document_reference(write.external_key),
            write.reservation_write,
        )
        if reservation_write.is_create:
            yield self._rpc.build_create(document, nest_fields(reservation_write.changed_fields))
        elif reservation_write.changed_fields:
            yield self._rpc.build_update(
                document, reservation_write.changed_fields, write.update_time
            )
        yield self._rpc.build_create(
            self._entry_reference(write.external_key, reservation_write.entry_id),
            reservation_write.entry,
        )
        for tombstone in reservation_write.forgotten_guest_keys:
            # As if just forgotten, so that reconciliation erases what may be left below.
            forgotten_fields = {"forgottenAt": reservation_write.entry["receivedAt"]}
            yield self._rpc.build_update(self._guests.document(tombstone), forgotten_fields)

    async def scrub_journal(self, key: str) -> int:
        """Erase the person from a reservation's journal; return how many entries it changed."""
        entries = paths.journal_collection(self._document_reference(key)).stream(
            retry=None, timeout=RPC_TIMEOUT_SECONDS
        )
        scrubbed = [(entry, redact_journal_entry(entry.to_dict() or {})) async for entry in entries]
        changed = [(entry.reference, fields) for entry, fields in scrubbed if fields]
        for reference, fields in changed:
            await reference.update(fields, retry=None, timeout=RPC_TIMEOUT_SECONDS)
        return len(changed)


def _merge_snapshot(
    snapshot: ReservationSnapshot,
    entries: Mapping[str, dict[str, Any] | None],
    guests: Mapping[str, Guest | None],
) -> ReservationSnapshot:
    stored = snapshot.stored
    extended = replace(
        stored,
        journal_entries={**stored.journal_entries, **entries},
        guests={**stored.guests, **guests},
    )
    return ReservationSnapshot(extended, snapshot.update_time)


def _build_snapshot(raw_document: RawDocument) -> ReservationSnapshot:
    return ReservationSnapshot(StoredReservation(raw_document.fields, {}), raw_document.update_time)


def _parse_guest(raw_document: RawDocument) -> Guest | None:
    return None if raw_document.fields is None else guest_from_map(raw_document.fields)


_MAX_CACHED_RESERVATIONS = 10_000


class RecentReservationCache:
    """A bounded memory of reservations; a hint alone, on which nothing that is kept depends."""

    def __init__(self) -> None:
        self._seen: LRUCache[tuple[str, str], bool] = LRUCache(_MAX_CACHED_RESERVATIONS)

    def add(self, restaurant_id: str, key: str) -> None:
        """Take note of a reservation, of which something is held by now."""
        self._seen[restaurant_id, key] = True

    def contains(self, restaurant_id: str, key: str) -> bool:
        """Whether a reservation was met lately."""
        return (restaurant_id, key) in self._seen
