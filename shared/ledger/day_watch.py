"""Follow the documents of a service day, and read only those that changed since the last request.

Firestore's Listen call resumes from a token and sends what changed since, by any writer, for a read
per changed document. Without a change it costs the minimum of one read for each of the two queries.
Firestore may always send all documents again instead, and the emulator does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore_v1.types import (
    DocumentChange,
    ListenResponse,
    StructuredQuery,
    Target,
    TargetChange,
)

from shared.domain.service_day import DayVersions, ServiceDay
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient

LISTEN_TIMEOUT_SECONDS = 2.5
_ChangeType = TargetChange.TargetChangeType

DocumentVersions = dict[str, str]
"""Firestore's update time of each document, by id."""


async def read_day_versions(
    client: FirestoreClient, restaurant_id: str, day: ServiceDay, previous: DayVersions | None
) -> DayVersions:
    """Return the current documents of a service day, and of those without a date.

    All commits before the call are included. `previous` is an earlier result for the same day.

    Raises:
        ServiceUnavailableError: Firestore failed, or did not answer within
            `LISTEN_TIMEOUT_SECONDS`.
    """
    queries = _build_day_queries(day)
    empty = DayVersions(tuple({} for _ in queries), b"")
    try:
        async with asyncio.timeout(LISTEN_TIMEOUT_SECONDS):
            for start in (previous, empty) if previous is not None else (empty,):
                versions = await _follow(client, restaurant_id, queries, start)
                if versions is not None:
                    return versions
    except (google.GoogleAPIError, TimeoutError) as error:
        raise ServiceUnavailableError(type(error).__name__) from None
    raise ServiceUnavailableError("Firestore ended the listening.")


async def _follow(
    client: FirestoreClient,
    restaurant_id: str,
    queries: Sequence[StructuredQuery],
    previous: DayVersions,
) -> DayVersions | None:
    """Return the documents after all changes since `previous`; None if they must be read anew."""
    parts = [dict(part) for part in previous.parts]
    current_targets: set[int] = set()
    query_targets = [
        Target(
            query={"structured_query": query},
            target_id=number,
            **({"resume_token": previous.resume_token} if previous.resume_token else {}),
        )
        for number, query in enumerate(queries, start=1)
    ]
    restaurant = client.document("restaurants", restaurant_id)
    async for response in client.rpc.listen(restaurant, query_targets):
        kind = ListenResponse.pb(response).WhichOneof("response_type")
        if kind == "target_change":
            change = response.target_change
            if change.target_change_type == _ChangeType.REMOVE:
                return None
            _apply_target_change(parts, current_targets, change)
            # A time without targets is a consistent snapshot of all of them.
            is_snapshot = not change.target_ids and "read_time" in change
            if is_snapshot and len(current_targets) == len(parts):
                return DayVersions(tuple(parts), change.resume_token)
        elif kind != "filter":
            _apply_change(parts, getattr(response, kind))
        # Documents were removed while nobody listened, and Firestore does not know which.
        elif len(parts[response.filter.target_id - 1]) != response.filter.count:
            return None
    return None


def _apply_target_change(
    parts: Sequence[DocumentVersions], current_targets: set[int], change: TargetChange
) -> None:
    numbers = [int(number) for number in change.target_ids] or [*range(1, len(parts) + 1)]
    if change.target_change_type == _ChangeType.RESET:
        for number in numbers:
            parts[number - 1].clear()
    elif change.target_change_type == _ChangeType.CURRENT:
        current_targets.update(numbers)


def _apply_change(parts: Sequence[DocumentVersions], change: Any) -> None:
    """Apply the change, deletion or removal of a document."""
    is_present = isinstance(change, DocumentChange)
    name = change.document.name if is_present else change.document
    document_id = name.rpartition("/")[2]
    for target in change.removed_target_ids:
        parts[target - 1].pop(document_id, None)
    if is_present:
        for target in change.target_ids:
            parts[target - 1][document_id] = str(change.document.update_time)


def _build_day_queries(day: ServiceDay) -> list[StructuredQuery]:
    """Return two queries: of the date or without one, and of the next date after midnight."""
    next_day = day.next()
    operator = StructuredQuery.FieldFilter.Operator
    undated = {
        "unary_filter": {
            "field": {"field_path": "localDate"},
            "op": StructuredQuery.UnaryFilter.Operator.IS_NULL,
        }
    }

    def compare(name: str, op: object, value: str) -> Mapping[str, object]:
        field = {"field_path": name}
        return {"field_filter": {"field": field, "op": op, "value": {"string_value": value}}}

    def combine(op: object, *filters: Mapping[str, object]) -> StructuredQuery:
        return StructuredQuery(
            select={"fields": [{"field_path": "__name__"}]},
            from_=[{"collection_id": paths.RESERVATIONS_COLLECTION}],
            where={"composite_filter": {"op": op, "filters": list(filters)}},
        )

    composite = StructuredQuery.CompositeFilter.Operator
    same_date = compare("localDate", operator.EQUAL, day.date.isoformat())
    next_date = compare("localDate", operator.EQUAL, next_day.date.isoformat())
    after_midnight = compare("startAt", operator.LESS_THAN, next_day.start_text)
    return [
        combine(composite.OR, same_date, undated),
        combine(composite.AND, next_date, after_midnight),
    ]
