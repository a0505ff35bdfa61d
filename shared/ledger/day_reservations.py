"""Read the reservations of a service day, and an ETag that changes with every commit to them.

For the ETag, Firestore's Listen call resumes from a token and sends what changed since, by any
writer, for a read per changed document. Without a change it costs the minimum of one read for each
of the two queries. Firestore may always send all documents again instead, and the emulator does.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import (
    And,
    AsyncClient,
    AsyncCollectionReference,
    AsyncQuery,
    DocumentSnapshot,
    FieldFilter,
    Or,
)
from google.cloud.firestore_v1.base_query import BaseFilter
from google.cloud.firestore_v1.types import (
    DocumentChange,
    ExistenceFilter,
    ListenResponse,
    Target,
    TargetChange,
)
from msgspec import Struct

from shared.context import AppContext
from shared.domain.days import DayVersions, ServiceDay
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.codec import build_query
from shared.firestore.documents import read_documents
from shared.firestore.raw_client import FirestoreClient

MAX_DAY_RESERVATIONS = 2_000
MAX_UNDATED_RESERVATIONS = 200
LISTEN_TIMEOUT_SECONDS = 2.5

_ChangeType = TargetChange.TargetChangeType
_UNDATED = FieldFilter("localDate", "==", value=None)


class DayReservations(Struct, frozen=True):
    """The reservations of a day, and those without a date; ids to documents.

    Attributes:
        etag: See `compute_day_etag`.
    """

    dated: dict[str, dict[str, Any]]
    undated: dict[str, dict[str, Any]]
    etag: str


async def read_day_reservations(
    client: AsyncClient, restaurant_id: str, day: ServiceDay
) -> DayReservations:
    """Read the reservations of a service day, and those without a date."""
    reservations = paths.reservations_collection(client, restaurant_id)
    parts = await asyncio.gather(
        _read_where(reservations, _same_date(day), MAX_DAY_RESERVATIONS),
        _read_where(reservations, _after_midnight(day), MAX_DAY_RESERVATIONS),
        _read_where(reservations, _UNDATED, MAX_UNDATED_RESERVATIONS),
    )
    same_date, after_midnight, undated = (
        {snapshot.id: snapshot.to_dict() or {} for snapshot in part} for part in parts
    )
    # Early in the morning, the service day before is not over.
    own = {
        id_: document
        for id_, document in same_date.items()
        if not day.starts_after(document.get("startAt"))
    }
    return DayReservations(
        own | after_midnight, undated, _build_day_etag(_list_versions(parts), day)
    )


async def compute_day_etag(context: AppContext, restaurant_id: str, day: ServiceDay) -> str:
    """Return an ETag of a service day's reservations; two reads if nothing changed since the last.

    Every commit changes it, because it covers Firestore's update time of each document. A field
    such as `updatedAt` has the clock of its writer, read before the commit.
    """
    client, key = context.firestore, (restaurant_id, day)
    try:
        versions = await read_day_versions(
            client, restaurant_id, day, context.day_versions.get(key)
        )
    except ServiceUnavailableError:
        # A query costs a read per document. The projection to nothing leaves names and times.
        names = paths.reservations_collection(client, restaurant_id).select([])
        max_names = MAX_DAY_RESERVATIONS + MAX_UNDATED_RESERVATIONS
        parts = await asyncio.gather(
            _read_where(names, Or([_same_date(day), _UNDATED]), max_names),
            _read_where(names, _after_midnight(day), MAX_DAY_RESERVATIONS),
        )
        return _build_day_etag(_list_versions(parts), day)
    context.day_versions[key] = versions
    return _build_day_etag((version for part in versions.parts for version in part.items()), day)


async def _read_where(
    query: AsyncCollectionReference | AsyncQuery, condition: BaseFilter, limit: int
) -> list[DocumentSnapshot[Any]]:
    return await read_documents(query.where(filter=condition), limit)


def _same_date(day: ServiceDay) -> FieldFilter:
    return FieldFilter("localDate", "==", day.date.isoformat())


def _after_midnight(day: ServiceDay) -> And:
    next_day = day.next()
    return And([_same_date(next_day), FieldFilter("startAt", "<", next_day.start_text)])


def _list_versions(parts: Iterable[Iterable[DocumentSnapshot[Any]]]) -> list[tuple[str, str]]:
    return [(snapshot.id, str(snapshot.update_time)) for part in parts for snapshot in part]


def _build_day_etag(versions: Iterable[tuple[str, str]], day: ServiceDay) -> str:
    """Return the ETag of documents, from their ids and update times."""
    content = repr((day.date, day.ends_at, day.zone.key, sorted(versions)))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


async def read_day_versions(
    client: FirestoreClient, restaurant_id: str, day: ServiceDay, previous: DayVersions | None
) -> DayVersions:
    """Return the current documents of a service day, and of those without a date.

    All commits before the call are included. `previous` is an earlier result for the same day.

    Raises:
        ServiceUnavailableError: Firestore failed, or did not answer within
            `LISTEN_TIMEOUT_SECONDS`.
    """
    empty = DayVersions(({}, {}), b"")
    try:
        async with asyncio.timeout(LISTEN_TIMEOUT_SECONDS):
            for start in (previous, empty) if previous is not None else (empty,):
                versions = await _follow_day(client, restaurant_id, day, start)
                if versions is not None:
                    return versions
    except (google.GoogleAPIError, TimeoutError) as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    raise ServiceUnavailableError("Firestore ended the listening.")


async def _follow_day(
    client: FirestoreClient, restaurant_id: str, day: ServiceDay, start: DayVersions
) -> DayVersions | None:
    """Return the documents after all changes since `start`; None if they must be read again."""
    resume = {"resume_token": start.resume_token} if start.resume_token else {}
    filters = (Or([_same_date(day), _UNDATED]), _after_midnight(day))
    targets = []
    for target_id, query_filter in enumerate(filters, start=1):
        query = build_query(paths.RESERVATIONS_COLLECTION, ["__name__"], [query_filter])
        targets.append(Target(query={"structured_query": query}, target_id=target_id, **resume))
    documents = _FollowedDocuments(start)
    async for response in client.rpc.listen(client.document("restaurants", restaurant_id), targets):
        kind = ListenResponse.pb(response).WhichOneof("response_type")
        if kind == "target_change":
            change = response.target_change
            if change.target_change_type == _ChangeType.REMOVE:
                return None
            documents.apply_target_change(change)
            if documents.is_snapshot(change):
                return DayVersions(documents.parts, change.resume_token)
        elif kind == "filter":
            # Documents were removed between two calls, and Firestore does not know which.
            if not documents.has_count(response.filter):
                return None
        else:
            documents.apply_document_change(getattr(response, kind))
    return None


class _FollowedDocuments:
    """The update times of the documents of each target (a query, counted from 1) of a Listen call.

    Args:
        start: The documents at the time of the resume token.
    """

    def __init__(self, start: DayVersions) -> None:
        self.parts = tuple(dict(part) for part in start.parts)
        self._current_targets: set[int] = set()

    def apply_target_change(self, change: TargetChange) -> None:
        """Apply a change of targets; without ids it is about all of them."""
        target_ids = [int(id_) for id_ in change.target_ids] or [*range(1, len(self.parts) + 1)]
        if change.target_change_type == _ChangeType.RESET:
            for target_id in target_ids:
                self.parts[target_id - 1].clear()
        elif change.target_change_type == _ChangeType.CURRENT:
            self._current_targets.update(target_ids)

    def apply_document_change(self, change: Any) -> None:
        """Apply the change, deletion or removal of a document."""
        is_present = isinstance(change, DocumentChange)
        name = change.document.name if is_present else change.document
        document_id = name.rpartition("/")[2]
        for target_id in change.removed_target_ids:
            self.parts[target_id - 1].pop(document_id, None)
        if is_present:
            for target_id in change.target_ids:
                self.parts[target_id - 1][document_id] = str(change.document.update_time)

    def is_snapshot(self, change: TargetChange) -> bool:
        """Whether all targets are complete and consistent: at a time without target ids."""
        is_of_all = not change.target_ids and "read_time" in change
        return is_of_all and len(self._current_targets) == len(self.parts)

    def has_count(self, existence: ExistenceFilter) -> bool:
        """Whether a target has as many documents as Firestore counts."""
        return len(self.parts[existence.target_id - 1]) == existence.count
