"""Read reservations with their journals and guests, and write them; nothing else writes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.cloud.firestore import AsyncDocumentReference
from msgspec import Struct
from msgspec.structs import replace

from shared.domain.ledger.decide import ReservationWrite, StoredReservation
from shared.domain.ledger.guest_link import Guest, guest_from_map
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.privacy import redact_journal_entry
from shared.errors import UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.documents import READ_TIMEOUT_SECONDS, WRITE_TIMEOUT_SECONDS
from shared.firestore.raw_client import DocumentWrite, FirestoreClient
from shared.log import log_unreadable_document


class ReservationSnapshot(Struct, frozen=True):
    """A reservation as read.

    Attributes:
        update_time: Firestore's time of the document's last write, None if there is no document. A
            commit fails if the document was written later.
    """

    stored: StoredReservation
    update_time: Any


class ConditionalWrite(Struct, frozen=True):
    """The part of a commit that concerns one reservation."""

    external_key: str
    reservation_write: ReservationWrite
    update_time: Any


def read_guest_record(restaurant_id: str, document: Mapping[str, Any] | None) -> Guest | None:
    """Read a guest's document; a damaged one counts as missing until OpenTable's replaces it."""
    if document is None:
        return None
    try:
        return guest_from_map(document)
    except UnreadableDocumentError as error:
        log_unreadable_document(restaurant_id, "openTableGuests", error)
        return None


class ReservationRepository:
    """The reservation documents of a restaurant that were made in one system.

    Its methods raise Firestore's own errors: the ledger decides which of them to retry.
    """

    def __init__(
        self, client: FirestoreClient, restaurant_id: str, system: ReservationSystem
    ) -> None:
        self._rpc = client.rpc
        self._restaurant_id = restaurant_id
        self._reservations = paths.reservations_collection(client, restaurant_id)
        self._guests = paths.guests_collection(client, restaurant_id)
        self._system = system

    async def read(
        self,
        entry_ids: Mapping[str, Iterable[str]],
        guest_keys: Iterable[str] = (),
        previous: Mapping[str, ReservationSnapshot] | None = None,
    ) -> dict[str, ReservationSnapshot]:
        """Read reservations with some of their journal entries and guests, in one round trip.

        Args:
            entry_ids: External keys to the ids of journal entries.
            guest_keys: Guests that are added to every snapshot.
            previous: Snapshots to extend: their documents are not read again.
        """
        previous = previous or {}
        documents = {key: self._document_reference(key) for key in entry_ids}
        guests = {key: self._guests.document(key) for key in guest_keys}
        entries = {
            (key, entry_id): paths.journal_collection(documents[key]).document(entry_id)
            for key, ids in entry_ids.items()
            for entry_id in ids
        }
        new_documents = [reference for key, reference in documents.items() if key not in previous]
        raw_documents = await self._rpc.batch_get(
            [*guests.values(), *new_documents, *entries.values()], READ_TIMEOUT_SECONDS
        )
        guest_records = {
            key: read_guest_record(self._restaurant_id, raw_documents[reference.path].fields)
            for key, reference in guests.items()
        }
        snapshots = {}
        for key, ids in entry_ids.items():
            snapshot = previous.get(key)
            if snapshot is None:
                raw = raw_documents[documents[key].path]
                snapshot = ReservationSnapshot(StoredReservation(raw.fields, {}), raw.update_time)
            new_entries = {id_: raw_documents[entries[key, id_].path].fields for id_ in ids}
            stored = replace(
                snapshot.stored,
                journal_entries={**snapshot.stored.journal_entries, **new_entries},
                guests={**snapshot.stored.guests, **guest_records},
            )
            snapshots[key] = ReservationSnapshot(stored, snapshot.update_time)
        return snapshots

    async def commit(self, writes: Sequence[ConditionalWrite]) -> None:
        """Write documents and journal entries in one commit.

        Nothing is written if a document was written after its snapshot, or if a journal entry
        exists. The commit also dates the tombstones of newly forgotten guests. The older entries of
        their reservations are redacted after it: if that fails, the next reconciliation repeats it.
        """
        document_writes: list[DocumentWrite] = []
        for write in writes:
            change = write.reservation_write
            document = self._document_reference(write.external_key)
            entry = paths.journal_collection(document).document(change.entry_id)
            if change.is_create or change.changed_fields:
                document_writes.append(
                    DocumentWrite(
                        document, change.changed_fields, change.is_create, write.update_time
                    )
                )
            # A create, so that two writers cannot journal one event twice.
            document_writes.append(DocumentWrite(entry, change.entry, is_create=True))
            document_writes.extend(
                # As if just forgotten, so that the next reconciliation erases again: this event may
                # have stored personal data after the first erasure.
                DocumentWrite(
                    self._guests.document(guest_key), {"forgottenAt": change.entry["receivedAt"]}
                )
                for guest_key in change.forgotten_guest_keys
            )
        await self._rpc.commit(document_writes, WRITE_TIMEOUT_SECONDS)
        # After the commit: older entries of this reservation may contain the guest's data.
        for write in writes:
            if write.reservation_write.forgotten_guest_keys:
                await self.redact_journal(write.external_key)

    async def list_entry_ids(self, key: str) -> list[str]:
        """Return the ids of a reservation's journal entries."""
        journal = paths.journal_collection(self._document_reference(key))
        entries = journal.select([]).stream(retry=None, timeout=READ_TIMEOUT_SECONDS)
        return [entry.id async for entry in entries]

    async def redact_journal(self, key: str) -> int:
        """Erase personal data from a reservation's journal; return how many entries changed."""
        journal = paths.journal_collection(self._document_reference(key))
        changed_count = 0
        entries = [
            entry async for entry in journal.stream(retry=None, timeout=READ_TIMEOUT_SECONDS)
        ]
        for entry in entries:
            if fields := redact_journal_entry(entry.to_dict() or {}):
                await entry.reference.update(fields, retry=None, timeout=WRITE_TIMEOUT_SECONDS)
                changed_count += 1
        return changed_count

    def _document_reference(self, key: str) -> AsyncDocumentReference:
        return self._reservations.document(self._system.build_document_id(key))
