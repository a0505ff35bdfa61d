"""Readers of a damaged document return a value or raise the one documented error."""

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore import GeoPoint
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.analytics import read_booking_facts
from shared.domain.backfill import (
    Backfill,
    backfill_from_document,
    build_backfill,
    is_backfilling,
)
from shared.domain.days import DateWindow
from shared.domain.health import WebhookSilence, webhook_silence_from_document
from shared.domain.ledger.decide import (
    Decision,
    ReservationWrite,
    StoredReservation,
    UnreadableDocument,
)
from shared.domain.ledger.divergence import build_repair_event
from shared.domain.ledger.document import (
    list_visible_changes,
    native_state_from_document,
    render_document,
    reservation_state_from_document,
)
from shared.domain.ledger.events import GUEST_LINKED_EVENT_TYPE, Actor, Version
from shared.domain.ledger.guest_link import Guest, guest_from_map
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.canonical import CUT_MARK, MAX_TEXT_BYTES_LIMIT
from shared.domain.reconciliation.compare import fingerprint_document
from shared.domain.reconciliation.held_plan import planned_correction_from_map
from shared.domain.schedule import poll_cursor_from_document
from shared.domain.validation import UNREADABLE_VALUE, flatten_document
from shared.errors import UnreadableDocumentError
from tests.support.events import RECEIVED, envelope_event, row_event
from tests.support.in_memory_ledger import TEST_IDENTITY, InMemoryLedger, ledger_with

NEW_YORK = ZoneInfo("America/New_York")
FIRST_INSTANT = datetime(1, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
PLACE = GeoPoint(1.0, 2.0)
ODD_VALUES: list[Any] = [
    *(None, 5, 2.5, math.nan, math.inf, True, "x", "", "a/b", "..", b"x", PLACE),
    *(FIRST_INSTANT, LAST_INSTANT),
    *([], [1], ["g-1", 1], [{}], [""], ["a/b"], [PLACE], {}, {"a": 1}),
]
GUESTS = {"g-1": Guest("g-1", Version.from_sequence(1, RECEIVED), {"firstName": "Ada"})}
Path = tuple[str | int, ...]


def paths_of(document: Mapping[str, Any] | list[Any], above: Path = ()) -> Iterator[Path]:
    """Yield the path of every value, maps and lists included."""
    items = document.items() if isinstance(document, Mapping) else enumerate(document)
    for name, value in items:
        yield (*above, name)
        if isinstance(value, Mapping | list):
            yield from paths_of(value, (*above, name))


def with_value(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy with another value at a path."""
    changed = copy.deepcopy(document)
    inner: Any = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


def stored_document() -> dict[str, Any]:
    ledger = InMemoryLedger(guests=GUESTS)
    for event in (envelope_event(), row_event(1, guest_id="g-1")):
        assert isinstance(ledger.apply(event), ReservationWrite)
    assert isinstance(ledger.document, dict)
    return ledger.document


DOCUMENT = stored_document()
PRECONDITION = {"openTableId": "a", "ledgerVersions": "", "openTableVersion": None}
EVERY_VALUE = pytest.mark.parametrize("path", list(paths_of(DOCUMENT)), ids=str)
LINK_EVENT = replace(
    build_repair_event("ot_1", ReservationState(), "r1", RECEIVED),
    event_type=GUEST_LINKED_EVENT_TYPE,
)


@EVERY_VALUE
def test_every_decision_on_a_damaged_document_ends(path: Path) -> None:
    for value in ODD_VALUES:
        document = with_value(DOCUMENT, path, value)
        for event in (
            row_event(1, guest_id="g-1"),
            row_event(2, guest_id="g-1", party_size=9),
            envelope_event("cancelled"),
            LINK_EVENT,
        ):
            stored = StoredReservation(document, {event.event_id: None}, GUESTS)
            assert isinstance(InMemoryLedger().decide(event, stored), Decision)


@EVERY_VALUE
def test_a_damaged_document_has_a_fingerprint_or_the_one_error(path: Path) -> None:
    for value in ODD_VALUES:
        document = with_value(DOCUMENT, path, value)
        if isinstance(document["source"], dict):
            document["source"]["externalReservationId"] = "ot_1"
            with suppress(UnreadableDocumentError):
                fingerprint_document(document, read_booking_facts(document, NEW_YORK))


@EVERY_VALUE
def test_a_damaged_document_has_a_time_for_the_next_decision_of_a_person(path: Path) -> None:
    for value in ODD_VALUES:
        with suppress(UnreadableDocumentError):
            document = with_value(DOCUMENT, path, value)
            state = reservation_state_from_document(flatten_document(document))
            assert state.next_timestamp(Actor.LINEUP, RECEIVED) >= RECEIVED
            render_document(TEST_IDENTITY, state)


@pytest.mark.parametrize(
    "path, value",
    [
        ("sync.guest.path", []),
        ("sync.guest.path", "g-1"),
        ("sync.guest.path", ["g-1", {}]),
        ("sync.guest.path", ["a/b"]),
        ("sync.guest.dinerName", 5),
        ("sync.guest.version.at", LAST_INSTANT),
        ("guests.referencedKeys", ["a/b"]),
        ("guests.resolvedGuestKeys", [""]),
        ("sync.opentable.version.at", LAST_INSTANT),
        ("sync.opentable.values.startAt", FIRST_INSTANT),
        ("sync.opentable.values.startAt", "2026-03-14T23:15:00Z"),
        ("sync.opentable.values.bookedAt", LAST_INSTANT),
        ("sync.opentable.values.guestKey", "a/b"),
        ("sync.opentable.values.guestKey", 5),
        ("sync.opentable.values.status", "GONE"),
        ("sync.opentable.values.status", []),
        ("sync.opentable.values.partySize", math.nan),
        ("sync.opentable.values.tableNumbers", [5]),
        ("sync.opentable.values.state", PLACE),
    ],
)
def test_a_value_that_no_event_reports_is_unreadable(path: str, value: Any) -> None:
    document = with_value(DOCUMENT, tuple(path.split(".")), value)
    with pytest.raises(UnreadableDocumentError):
        reservation_state_from_document(flatten_document(document))


@pytest.mark.parametrize(
    "stored, shown",
    [
        (4, 4),
        (4.5, 4.5),
        (math.nan, UNREADABLE_VALUE),
        (PLACE, UNREADABLE_VALUE),
        (b"x", UNREADABLE_VALUE),
        ({"a": 1}, UNREADABLE_VALUE),
        ([1], UNREADABLE_VALUE),
        (["a"], ["a"]),
        ("x" * 20_000, "x" * (MAX_TEXT_BYTES_LIMIT - len(CUT_MARK.encode())) + CUT_MARK),
    ],
)
def test_the_history_shows_a_damaged_value_that_was_replaced(stored: Any, shown: Any) -> None:
    changes = list_visible_changes({"partySize": stored}, {"partySize": 2})
    assert changes == {"partySize": {"from": shown, "to": 2}}


@pytest.mark.parametrize("history", [None, "x", {"a": 1}])
def test_a_status_history_that_is_no_list_is_unreadable(history: Any) -> None:
    document = DOCUMENT | {"statusHistory": history}
    decision = InMemoryLedger().decide(row_event(2), StoredReservation(document, {"seq-2": None}))
    assert decision == UnreadableDocument()


@pytest.mark.parametrize("name", ["fields", "version"])
def test_a_damaged_journal_entry_is_unreadable(name: str) -> None:
    ledger = ledger_with(envelope_event())
    [entry] = ledger.entries.values()
    entry[name] = 5
    decision = ledger.decide(envelope_event(), ledger.read_stored([envelope_event().event_id]))
    assert isinstance(decision, UnreadableDocument)


def test_a_damaged_native_register_is_unreadable() -> None:
    with pytest.raises(UnreadableDocumentError, match=r"sync\.lineup"):
        native_state_from_document({"id": "a", "sync.lineup": "x"})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"guestKey": 5},
        {"guestKey": "g"},
        {"guestKey": "g", "version": "x"},
        {"guestKey": "g", "version": {"at": "x"}},
        {"guestKey": "g", "version": {"at": FIRST_INSTANT}},
        {"guestKey": "g", "version": {"at": RECEIVED}, "survivor": 5, "survivorId": "x"},
        {"guestKey": "g", "version": {"at": RECEIVED}, "survivor": "a/b"},
        {"guestKey": "g", "version": {"at": RECEIVED}, "survivor": "a", "survivorId": "a/b"},
        {"guestKey": "g", "version": {"at": RECEIVED}, "phones": "x"},
        {"guestKey": "g", "version": {"at": RECEIVED}, "phones": [5]},
        {"guestKey": "g", "version": {"at": RECEIVED}, "lastName": 5},
    ],
)
def test_a_damaged_guest_is_unreadable(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableDocumentError):
        guest_from_map(document)


def test_a_damaged_time_of_forgetting_counts_as_forgotten() -> None:
    assert guest_from_map({"guestKey": "g", "forgottenAt": "x"}).forgotten_at is not None


@pytest.mark.parametrize(
    "entry",
    [
        "x",
        {"externalId": "a"},
        {"externalId": "a", "precondition": "x"},
        {"externalId": 5, "precondition": PRECONDITION},
        {"externalId": "a/b", "precondition": PRECONDITION},
        {"externalId": "a", "precondition": {**PRECONDITION, "openTableId": 5}},
    ],
)
def test_a_damaged_item_of_a_plan_is_unreadable(entry: Any) -> None:
    with pytest.raises(UnreadableDocumentError):
        planned_correction_from_map(entry)


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_a_damaged_state_of_a_poll_counts_as_none(value: Any) -> None:
    assert poll_cursor_from_document({"poll": value}, datetime.now(UTC)) is None
    assert webhook_silence_from_document({"poll": value}) == WebhookSilence()


DAY = date(2026, 3, 14)


def stored_backfill(backfill: Backfill) -> dict[str, Any]:
    return {path.partition(".")[2]: v for path, v in backfill.to_update_fields().items()}


@given(data=st.data())
def test_a_damaged_backfill_counts_as_none_or_is_complete(data: st.DataObject) -> None:
    stored = stored_backfill(build_backfill(DateWindow(DAY, DAY), "1", RECEIVED))
    name = data.draw(st.sampled_from(sorted(stored)))
    damaged = stored | {name: data.draw(st.sampled_from(ODD_VALUES))}
    restored = backfill_from_document({"backfill": damaged})
    if restored is not None:
        assert restored.total_days == 1
        assert restored.remaining_seconds is None or round(restored.remaining_seconds) >= 0
    is_backfilling({"backfill": damaged})


@pytest.mark.parametrize("next_date", ["2026-03-13", "2026-03-17", "0001-01-01", "9999-12-31"])
def test_a_backfill_that_continues_outside_its_days_counts_as_none(next_date: str) -> None:
    two_days = DateWindow(DAY, DAY + timedelta(days=1))
    stored = stored_backfill(build_backfill(two_days, "1", RECEIVED))
    assert backfill_from_document({"backfill": {**stored, "nextDate": "2026-03-16"}}) is not None
    assert backfill_from_document({"backfill": {**stored, "nextDate": next_date}}) is None


@pytest.mark.parametrize(
    "times, hour, lead_time",
    [
        pytest.param({"startAtTimestamp": FIRST_INSTANT}, None, "UNKNOWN", id="start"),
        pytest.param(
            {"startAtTimestamp": RECEIVED, "bookedAt": FIRST_INSTANT},
            8,
            "OVER_28_DAYS",
            id="booking",
        ),
    ],
)
def test_a_time_on_the_first_day_of_the_calendar_is_counted(
    times: dict[str, Any], hour: int | None, lead_time: str
) -> None:
    facts = read_booking_facts({"localDate": "2026-03-09", **times}, NEW_YORK)
    assert facts is not None
    assert (facts.hour, facts.lead_time) == (hour, lead_time)


def test_damage_is_not_found_in_a_document_without_any() -> None:
    ledger = InMemoryLedger()
    ledger.document = copy.deepcopy(DOCUMENT)
    assert isinstance(ledger.apply(row_event(2, party_size=9)), ReservationWrite)
