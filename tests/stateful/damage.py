"""Damage stored reservations as a wrong edit by hand would, and repair them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.cloud.firestore import DELETE_FIELD, DocumentSnapshot

from tests.support.world import World

# Fields and their damaged values, at each place that the ledger reads. `None` deletes the field.
DAMAGES: Mapping[str, tuple[str, object]] = {
    "no external id": ("source.externalReservationId", None),
    "external id is a number": ("source.externalReservationId", 7),
    "bookkeeping is a text": ("sync", "x"),
    "version is a list": ("sync.opentable", {"version": [1]}),
    "values are a number": ("sync.opentable", {"values": 7}),
    "start is a text": ("startAtTimestamp", "tomorrow"),
    "history is a map": ("statusHistory", {"0": "BOOKED"}),
    "linked guest is a number": ("sync.guest", 7),
    "named guests are a map": ("guests.referencedKeys", {"0": "x"}),
}


@dataclass(slots=True)
class DamagedDocuments:
    """The damaged documents, by id: the kind of damage, and the field's value before."""

    originals: dict[str, tuple[str, object]] = field(default_factory=dict)

    async def damage(self, world: World, number: int, damage: str) -> None:
        """Damage one of the documents, if there is any; 0 is the first."""
        path, value = DAMAGES[damage]
        documents = [
            document
            async for document in world.reservations_collection.stream()
            if document.id.startswith("opentable-")
            and document.id not in self.originals
            and _read_field(document, path) is not None
        ]
        if documents:
            snapshot = documents[number % len(documents)]
            self.originals[snapshot.id] = damage, _read_field(snapshot, path)
            await snapshot.reference.update({path: DELETE_FIELD if value is None else value})

    async def mend(self, world: World) -> None:
        """Give every field its former value back, unless the ledger has written it since."""
        for document_id, (damage, original) in self.originals.items():
            path, value = DAMAGES[damage]
            snapshot = await world.reservations_collection.document(document_id).get()
            if _read_field(snapshot, path) == value:
                await snapshot.reference.update({path: original})
        self.originals.clear()


def _read_field(snapshot: DocumentSnapshot[Any], path: str) -> object:
    value: Any = snapshot.to_dict() or {}
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
