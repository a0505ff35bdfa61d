"""Store which guests could not be fetched or linked, so that later runs try again.

A request is repeated with growing pauses. The link to a damaged reservation needs no request: each
run repeats it, so that the reservation shows the guest as soon as its document is corrected.

Each failing guest has a document, so any number of them stops neither a poll nor a reconciliation.
The settings document has a summary for the staff, and the time of the next attempt.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import FieldFilter
from msgspec import Struct
from msgspec.structs import replace

from shared.context import RestaurantContext
from shared.domain.normalization.identifiers import (
    add_rid_prefix,
    build_reservation_document_id,
    is_external_key,
)
from shared.domain.validation import (
    EARLIEST_RUN,
    is_count,
    read_count,
    read_map,
    read_texts,
    typed_or_none,
)
from shared.firestore import paths
from shared.firestore.documents import (
    READ_TIMEOUT_SECONDS,
    WRITE_TIMEOUT_SECONDS,
    count_documents,
    read_documents,
    set_document,
    translate_firestore_errors,
    update_document,
)
from shared.log import LogEvent, Severity, log_event

MIN_PAUSE = timedelta(minutes=15)
MAX_PAUSE = timedelta(days=7)
# Each repeated request moves the expiry, so only a guest without a reservation expires.
FAILURE_RETENTION = timedelta(days=90)
MAX_DAMAGED_RESERVATIONS = 200  # of one guest
_MAX_DOUBLINGS = 10  # reaches MAX_PAUSE
_MAX_NAMED_DOCUMENTS = 3
_MAX_READ_FAILURES = 20  # of which the first readable one counts


class GuestFailure(Struct, frozen=True):
    """The failed requests of one guest, or its failed links; times are UTC.

    Attributes:
        guest_id: The id as OpenTable writes it.
        attempts: The number of failed attempts.
        damaged_keys: External keys of the reservations that could not be linked. A query by guest
            may not find them, because the damage may be in their list of guests.
    """

    key: str
    guest_id: str
    attempts: int
    first_failed_at: datetime
    next_attempt_at: datetime
    error: str
    damaged_keys: tuple[str, ...] = ()

    def is_due(self, now: datetime) -> bool:
        """Return whether the next attempt may be made.

        A time later than `MAX_PAUSE` from now was edited by hand, so it counts as due.
        """
        return not now < self.next_attempt_at <= now + MAX_PAUSE

    def to_map(self) -> dict[str, Any]:
        """Return the failure's document."""
        return {
            "guestId": self.guest_id,
            "attempts": self.attempts,
            "firstFailedAt": self.first_failed_at,
            "nextAttemptAt": self.next_attempt_at,
            "error": self.error,
            "damagedReservations": list(self.damaged_keys),
            "failureExpireAt": self.next_attempt_at + FAILURE_RETENTION,
        }


def new_guest_failure(
    previous: GuestFailure | None, key: str, guest_id: str, error: str, now: datetime
) -> GuestFailure:
    """Return a guest's failure after one more; each one doubles the pause before the next."""
    attempts = 1 if previous is None else previous.attempts + 1
    pause = min(MIN_PAUSE * 2 ** min(attempts - 1, _MAX_DOUBLINGS), MAX_PAUSE)
    first_failed_at = now if previous is None else previous.first_failed_at
    return GuestFailure(key, guest_id, attempts, first_failed_at, now + pause, error)


class GuestFailureSummary(Struct, frozen=True):
    """The guests that could not be fetched or linked: their number, and the next attempt."""

    count: int = 0
    retry_at: datetime | None = None
    last_error: str | None = None


def _guest_failure_from_map(key: str, stored: Mapping[str, Any]) -> GuestFailure | None:
    """Read a failure's document, None if it is damaged: the guest is then due."""
    guest_id, attempts = stored.get("guestId"), stored.get("attempts")
    first_failed_at, next_attempt_at = stored.get("firstFailedAt"), stored.get("nextAttemptAt")
    if (
        isinstance(guest_id, str)
        and is_count(attempts)
        and isinstance(first_failed_at, datetime)
        and isinstance(next_attempt_at, datetime)
    ):
        return GuestFailure(
            key,
            guest_id,
            attempts,
            first_failed_at,
            next_attempt_at,
            error=str(stored.get("error")),
            damaged_keys=tuple(filter(is_external_key, read_texts(stored, "damagedReservations"))),
        )
    return None


def guest_failure_summary_from_document(document: Mapping[str, Any]) -> GuestFailureSummary:
    """Read the summary from a settings document."""
    stored = read_map(document, "guestFailures")
    return GuestFailureSummary(
        read_count(stored, "count"),
        typed_or_none(datetime, stored.get("retryAt")),
        typed_or_none(str, stored.get("lastError")),
    )


async def read_guest_failures(
    restaurant: RestaurantContext, keys: Iterable[str]
) -> dict[str, GuestFailure]:
    """Return the failures among some guests by key."""
    collection = paths.guest_failures_collection(restaurant.firestore, restaurant.id)
    references = [collection.document(key) for key in keys]
    with translate_firestore_errors():
        documents = await restaurant.firestore.rpc.read_existing(references, READ_TIMEOUT_SECONDS)
    failures = {key: _guest_failure_from_map(key, fields) for key, fields in documents.items()}
    return {key: failure for key, failure in failures.items() if failure is not None}


async def read_due_guest_failures(restaurant: RestaurantContext, limit: int) -> list[GuestFailure]:
    """Return the failures with a due attempt, the longest due first."""
    now = restaurant.context.clock()
    failures = await _read_first_failures(restaurant, limit)
    return [failure for failure in failures if failure.next_attempt_at <= now]


async def _read_first_failures(restaurant: RestaurantContext, limit: int) -> list[GuestFailure]:
    """Return the readable ones of the first failures, in the order of their next attempt."""
    collection = paths.guest_failures_collection(restaurant.firestore, restaurant.id)
    # Documents whose next attempt is no time would come first.
    query = collection.where(filter=FieldFilter("nextAttemptAt", ">=", EARLIEST_RUN))
    snapshots = await read_documents(query.order_by("nextAttemptAt"), limit)
    failures = (_guest_failure_from_map(each.id, each.to_dict() or {}) for each in snapshots)
    return [failure for failure in failures if failure is not None]


async def store_guest_failure(restaurant: RestaurantContext, failure: GuestFailure) -> None:
    """Store a guest's failure."""
    collection = paths.guest_failures_collection(restaurant.firestore, restaurant.id)
    await set_document(collection.document(failure.key), failure.to_map())


async def store_link_failure(
    restaurant: RestaurantContext,
    guest_key: str,
    *,
    damaged_keys: Collection[str],
    linked_keys: Collection[str],
) -> None:
    """Store that a guest could not be linked to damaged reservations; the next run tries again.

    `linked_keys` are reservations linked now. They are removed from the guest's failure.
    """
    now = restaurant.context.clock()
    previous = (await read_guest_failures(restaurant, [guest_key])).get(guest_key)
    rid = restaurant.settings.rid
    guest_id = add_rid_prefix(guest_key, rid) if rid else guest_key
    earlier_keys = {*previous.damaged_keys} if previous else set()
    keys = sorted(earlier_keys - {*linked_keys} | {*damaged_keys})
    named = ", ".join(map(build_reservation_document_id, keys[:_MAX_NAMED_DOCUMENTS]))
    unnamed_count = len(keys) - _MAX_NAMED_DOCUMENTS
    rest = f" and {unnamed_count} more" if unnamed_count > 0 else ""
    error = f"The guest has damaged reservations. Correct the documents: {named}{rest}."
    failure = replace(
        new_guest_failure(previous, guest_key, guest_id, error, now),
        next_attempt_at=now,
        damaged_keys=tuple(keys[:MAX_DAMAGED_RESERVATIONS]),
    )
    await store_guest_failure(restaurant, failure)


async def clear_guest_failure(restaurant: RestaurantContext, key: str) -> None:
    """Delete a guest's failure once its request and its links succeeded."""
    collection = paths.guest_failures_collection(restaurant.firestore, restaurant.id)
    with translate_firestore_errors():
        await collection.document(key).delete(retry=None, timeout=WRITE_TIMEOUT_SECONDS)


async def update_guest_failure_summary(restaurant: RestaurantContext) -> None:
    """Count the failing guests in the settings document, and log them if there are any."""
    collection = paths.guest_failures_collection(restaurant.firestore, restaurant.id)
    count = await count_documents(collection.order_by("nextAttemptAt"))
    # More than one: a damaged document must not hide the next attempt of the others.
    first = next(iter(await _read_first_failures(restaurant, _MAX_READ_FAILURES)), None)
    summary = {
        "guestFailures.count": count,
        "guestFailures.retryAt": first and first.next_attempt_at,
        "guestFailures.lastError": first and first.error,
    }
    integration = paths.integration_document(restaurant.firestore, restaurant.id)
    await update_document(integration, summary)
    if count:
        log_event(
            Severity.WARNING,
            LogEvent.GUESTS_NOT_FETCHED,
            restaurantId=restaurant.id,
            guests=count,
            error=first.error if first else None,
        )
