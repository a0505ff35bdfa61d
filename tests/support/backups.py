"""Backups of a world's restaurant in memory, and a database that lost it."""

from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import AsyncCollectionReference

from shared.backup import (
    BackupHeader,
    RestoreResult,
    iterate_backup_lines,
    read_header,
    restore_restaurant,
)
from shared.firestore import paths
from tests.support.world import World

Documents = dict[str, dict[str, Any]]


async def read_backup_lines(world: World, read_time: datetime | None = None) -> list[str]:
    """Return the lines of a backup, by default of this moment."""
    lines = iterate_backup_lines(
        world.context.firestore, world.restaurant.id, read_time or datetime.now(UTC)
    )
    return [line async for line in lines]


async def restore_lines(world: World, lines: list[str], **header: Any) -> RestoreResult:
    """Restore a backup, with some values of its header replaced."""
    stored = read_header(lines[0])
    values = {name: getattr(stored, name) for name in ("restaurant_id", "project", "read_time")}
    return await restore_restaurant(world.context, BackupHeader(**{**values, **header}), lines[1:])


async def lose_restaurant(world: World, *collection_ids: str) -> None:
    """Delete all documents of the restaurant, or those of some collections."""
    client, restaurant_id = world.context.firestore, world.restaurant.id
    async for collection in client.document("restaurants", restaurant_id).collections():
        if not collection_ids or collection.id in collection_ids:
            await _delete(collection)
    if not collection_ids:
        await paths.rid_claim_document(client, world.restaurant.rid).delete()


async def _delete(collection: AsyncCollectionReference) -> None:
    async for document in collection.list_documents():
        async for subcollection in document.collections():
            await _delete(subcollection)
        await document.delete()


def without_run_state(documents: Documents) -> Documents:
    """Return documents without what a restore changes on purpose."""
    kept = {}
    for path, document in documents.items():
        if path.endswith("/integrations/opentable"):
            kept[path] = {
                name: {key: item for key, item in value.items() if key != "lease"}
                if isinstance(value, dict)
                else value
                for name, value in document.items()
                if name != "enabled"
            }
        else:
            kept[path] = document
    return kept
