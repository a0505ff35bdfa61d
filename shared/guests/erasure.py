"""Remove personal data: of guests who asked for it, and of reservations past their retention.

The tombstone of a forgotten guest is stored before anything is erased from reservations, journal
entries and quarantined bodies, so later events about these reservations are redacted before they
are stored. No replay can restore the personal data. Reports contain none.

A reservation past its retention keeps its times, status, party size and ids. Each reconciliation
anonymizes a portion. Like an erasure this is final. A guest without any other reservation is
deleted.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from google.cloud.firestore import FieldFilter
from msgspec import Struct, field

from shared.concurrency import Deadline, gather_bounded
from shared.context import AppContext, RestaurantContext
from shared.domain.ledger.document import read_external_key, reservation_state_from_document
from shared.domain.ledger.events import ANONYMIZED_EVENT_TYPE, Channel, build_lineup_event
from shared.domain.ledger.registers import collect_personal_values
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.privacy import collect_referenced_keys, mentions_person, redact_json
from shared.domain.validation import flatten_document, read_map, read_run_time, read_texts
from shared.errors import EXPECTED_RUN_ERRORS, InvalidEventError, UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.documents import (
    CONFLICT_ERRORS,
    QUERY_TIMEOUT_SECONDS,
    WRITE_TIMEOUT_SECONDS,
    read_document,
    read_documents,
    set_document,
    stream_documents,
    translate_firestore_errors,
    update_document,
)
from shared.guests.repository import find_reservations_of_guest, link_guests
from shared.ledger.ledger import Ledger
from shared.log import LogEvent, Severity, log_event, log_unreadable_document

ERASURE_REPEAT_WINDOW = timedelta(days=2)

MAX_RESERVATIONS_PER_RUN = 200
_MAX_CONCURRENT_WRITES = 8
_MAX_RESERVATIONS_OF_GUEST = 100
_MIN_REMAINING_SECONDS = 10.0
_SELECTED_FIELDS = ["source", "localDate", "guests", "createdAt"]
_EVENT_ID = "anonymized"  # one entry per reservation, however often a run repeats it


async def repeat_erasures(restaurant: RestaurantContext) -> None:
    """Erase again the guests that were forgotten in the last two days.

    A concurrent writer may have read a reservation before the erasure and written it afterwards.
    """
    since = restaurant.context.clock() - ERASURE_REPEAT_WINDOW
    guests = paths.guests_collection(restaurant.firestore, restaurant.id).where(
        filter=FieldFilter("forgottenAt", ">=", since)
    )
    for key in [guest.id async for guest in stream_documents(guests)]:
        await erase_guest(restaurant, key)


async def erase_guest(
    restaurant: RestaurantContext,
    guest_key: str,
    aliases: Iterable[str] = (),
    damaged_keys: Collection[str] = (),
) -> int:
    """Erase a guest everywhere; return in how many places something was erased.

    The guest's tombstone must be stored before. A repeated erasure finds nothing. `aliases` are
    names, phone numbers and addresses to search quarantined bodies for, and `damaged_keys`
    reservations from which the guest could not be erased before.
    """
    reservation_keys = await find_reservations_of_guest(restaurant, guest_key, damaged_keys)
    ledger = Ledger(restaurant)
    with translate_firestore_errors():
        # The quarantine first: the names to search it for come from the reservations.
        values = await _collect_stored_values(restaurant, guest_key, reservation_keys)
        erased_count = await _redact_quarantine(
            restaurant, {guest_key, *reservation_keys}, values.union(aliases)
        )
        for key in reservation_keys:
            # Linking the forgotten guest, below, may redact the journal too, but counts no entries.
            erased_count += await ledger.repository.redact_journal(key)
        # The ledger redacts a reservation whose guest is forgotten.
        links = [(key, guest_key) for key in reservation_keys]
        linked = await link_guests(restaurant, links, Channel.POLL)
        erased_count += linked.changed_count
        for key, error in linked.damaged.items():
            log_unreadable_document(
                restaurant.id,
                "reservations",
                error,
                external_id=key,
                severity=Severity.ERROR,
            )
        if erased_count:
            # The record and the log line must not identify the guest.
            entry = {"kind": "FORGOTTEN", "erasedAt": restaurant.context.clock()}
            erasures = paths.erasures_collection(restaurant.firestore, restaurant.id)
            reference = erasures.document(secrets.token_hex(8))
            await set_document(reference, entry | {"places": erased_count})
            log_event(
                Severity.INFO,
                LogEvent.GUEST_ERASED,
                restaurantId=restaurant.id,
                places=erased_count,
            )
    return erased_count


async def _collect_stored_values(
    restaurant: RestaurantContext, guest_key: str, reservation_keys: list[str]
) -> set[str]:
    """Return the guest's names, phone numbers and addresses in the stored reservations."""
    values: set[str] = set()
    references = [
        paths.reservation_document(restaurant.firestore, restaurant.id, key)
        for key in reservation_keys
    ]
    async for snapshot in restaurant.firestore.get_all(
        references, retry=None, timeout=QUERY_TIMEOUT_SECONDS
    ):
        with suppress(UnreadableDocumentError):
            state = reservation_state_from_document(flatten_document(snapshot.to_dict() or {}))
            values |= collect_personal_values(state, guest_key)
    return values


async def _redact_quarantine(restaurant: RestaurantContext, keys: set[str], names: set[str]) -> int:
    """Redact quarantined bodies that contain one of the keys or names; return how many."""
    items = paths.quarantine_collection(restaurant.firestore, restaurant.id)
    redacted_count = 0
    async for item in stream_documents(items):
        body = str((item.to_dict() or {}).get("body"))
        redacted = redact_json(body)
        is_referenced = keys & collect_referenced_keys(body, restaurant.settings.rid)
        if (is_referenced or mentions_person(body, names)) and body != redacted:
            await update_document(item.reference, {"body": redacted, "summary.guest": None})
            redacted_count += 1
    return redacted_count


class _Portion(Struct):
    """The reservations of one run.

    Attributes:
        guest_keys: Their guests.
        complete_through: The last local date without further reservations to anonymize.
    """

    keys: list[str] = field(default_factory=list)
    guest_keys: set[str] = field(default_factory=set)
    complete_through: str = ""


async def anonymize_old_reservations(
    restaurant: RestaurantContext, document: Mapping[str, Any], deadline: Deadline
) -> dict[str, Any]:
    """Anonymize the next portion of old reservations; return the state to store.

    Reads nothing if an earlier run of the same day found no more of them. A failure is only logged:
    the next run continues. `document` is the restaurant's settings document.
    """
    context, zone = restaurant.context, restaurant.settings.zone
    retention_days = context.environment.anonymize_after_days
    if not retention_days or zone is None:
        return {}
    today = context.clock().astimezone(zone).date()
    cutoff = (today - timedelta(days=retention_days)).isoformat()
    through = _read_complete_through(document, today, context.clock())
    if through >= cutoff or deadline.remaining() < _MIN_REMAINING_SECONDS:
        return {}
    try:
        portion = await _read_portion(restaurant, through, cutoff)
        anonymize = partial(_anonymize_reservation, context, Ledger(restaurant))
        changes = await gather_bounded(_MAX_CONCURRENT_WRITES, anonymize, portion.keys)
        delete = partial(_delete_unused_guest, restaurant)
        deletions = await gather_bounded(_MAX_CONCURRENT_WRITES, delete, sorted(portion.guest_keys))
    except EXPECTED_RUN_ERRORS as error:
        log_event(
            Severity.WARNING,
            LogEvent.RESERVATIONS_ANONYMIZED,
            restaurantId=restaurant.id,
            error=str(error),
        )
        return {}
    if any(changes) or any(deletions):
        log_event(
            Severity.INFO,
            LogEvent.RESERVATIONS_ANONYMIZED,
            restaurantId=restaurant.id,
            reservations=sum(changes),
            guests=sum(deletions),
        )
    return {
        "retention.anonymizedThrough": portion.complete_through,
        "retention.checkedAt": context.clock(),
    }


def _read_complete_through(document: Mapping[str, Any], today: date, now: datetime) -> str:
    """Return the last local date that earlier runs completed, empty without one.

    A later backfill may have added older days. A date in the future, edited by hand, would end the
    retention for good.
    """
    state, backfill = read_map(document, "retention"), read_map(document, "backfill")
    through, checked_at = state.get("anonymizedThrough"), read_run_time(state, "checkedAt", now)
    if not isinstance(through, str) or through > today.isoformat() or checked_at is None:
        return ""
    updated_at, start = backfill.get("updatedAt"), backfill.get("startDate")
    if isinstance(updated_at, datetime) and updated_at >= checked_at and isinstance(start, str):
        with suppress(ValueError, OverflowError):
            day_before = date.fromisoformat(start) - timedelta(days=1)
            return min(through, day_before.isoformat())
    return through


async def _read_portion(restaurant: RestaurantContext, through: str, cutoff: str) -> _Portion:
    """Return the oldest reservations to anonymize, at most `MAX_RESERVATIONS_PER_RUN`."""
    reservations = paths.reservations_collection(restaurant.firestore, restaurant.id)
    dated = (
        reservations.where(filter=FieldFilter("localDate", ">", through))
        .where(filter=FieldFilter("localDate", "<=", cutoff))
        .order_by("localDate")
        .select(_SELECTED_FIELDS)
    )
    portion, day = _Portion(complete_through=through), through
    async for snapshot in stream_documents(dated):
        stored = snapshot.to_dict() or {}
        if stored["localDate"] != day:
            portion.complete_through, day = day, stored["localDate"]
        if len(portion.keys) == MAX_RESERVATIONS_PER_RUN:
            return portion
        _add_to_portion(portion, snapshot.id, stored)
    # Reservations without a start time have no day: a relay never reported it.
    undated = reservations.where(filter=FieldFilter("localDate", "==", None))
    created_before = datetime.combine(date.fromisoformat(cutoff), time.min, UTC)
    async for snapshot in stream_documents(undated.select(_SELECTED_FIELDS)):
        stored = snapshot.to_dict() or {}
        created_at = stored.get("createdAt")
        if isinstance(created_at, datetime) and created_at < created_before:
            _add_to_portion(portion, snapshot.id, stored)
    portion.complete_through = cutoff
    return portion


def _add_to_portion(portion: _Portion, document_id: str, stored: Mapping[str, Any]) -> None:
    """Add one of OpenTable's reservations, unless it is anonymized or damaged."""
    source, guests = read_map(stored, "source"), read_map(stored, "guests")
    if source.get("system") != "OPENTABLE":
        return
    # A wrong key would anonymize another reservation: such a document raises an error.
    with suppress(UnreadableDocumentError):
        key = read_external_key(document_id, source)
        if not guests.get("anonymized"):
            portion.keys.append(key)
            guest_keys = read_texts(guests, "resolvedGuestKeys")
            portion.guest_keys.update(filter(is_document_id, guest_keys))


async def _anonymize_reservation(context: AppContext, ledger: Ledger, key: str) -> bool:
    """Anonymize a reservation, then its journal; return whether it was changed."""
    event = build_lineup_event(
        key,
        event_id=_EVENT_ID,
        event_type=ANONYMIZED_EVENT_TYPE,
        occurred_at=context.clock(),
        channel=Channel.RECONCILIATION,
    )
    try:
        applied = await ledger.apply(event)
    except InvalidEventError:
        return False  # a damaged document, reported by the reconciliation
    # After the commit: from now on, no new entry can have personal data.
    with translate_firestore_errors():
        await ledger.repository.redact_journal(key)
    return applied.write is not None


async def _delete_unused_guest(restaurant: RestaurantContext, guest_key: str) -> bool:
    """Delete a guest with anonymized reservations only; a tombstone stays."""
    reservations = paths.reservations_collection(restaurant.firestore, restaurant.id)
    guest_filter = FieldFilter("guests.resolvedGuestKeys", "array_contains", guest_key)
    query = reservations.where(filter=guest_filter).select(["guests"])
    # A guest with more reservations than these is left for a later run.
    snapshots = await read_documents(query, _MAX_RESERVATIONS_OF_GUEST)
    is_unused = len(snapshots) < _MAX_RESERVATIONS_OF_GUEST and all(
        (snapshot.to_dict() or {}).get("guests", {}).get("anonymized") for snapshot in snapshots
    )
    if not is_unused:
        return False
    reference = paths.guests_collection(restaurant.firestore, restaurant.id).document(guest_key)
    guest = await read_document(reference)
    if not guest.exists or "forgottenAt" in (guest.to_dict() or {}):
        return False
    # Not if the guest was forgotten in between.
    option = restaurant.firestore.write_option(last_update_time=guest.update_time)
    with translate_firestore_errors():
        try:
            await reference.delete(option=option, retry=None, timeout=WRITE_TIMEOUT_SECONDS)
        except CONFLICT_ERRORS:
            return False
    return True
