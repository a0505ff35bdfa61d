"""Every field has one form, whatever the sender's spelling; long texts are cut."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import FieldValue, ReservationEvent
from shared.domain.ledger.fields import PATHS_BY_NAME
from shared.domain.ledger.registers import NOTATION_FIELDS
from shared.domain.normalization.canonical import (
    CUT_MARK,
    CUT_TEXTS_FIELD,
    build_path_comparison_key,
    canonicalize_field,
    canonicalize_fields,
    canonicalize_path,
    cut_texts,
    is_cut,
    is_same_value,
)
from shared.domain.normalization.field_values import canonicalize_state
from tests.strategies.events import (
    envelope_bodies,
    event_from_envelope_body,
    event_from_row_body,
    row_bodies,
)
from tests.strategies.json_values import json_values
from tests.strategies.spellings import envelope_spellings, row_spellings
from tests.support.events import envelope_event, row_body, row_event

UUID = "2B7E9F40-6C1D-4F0A-8E55-91C7D0A4BE13"
SEATED = datetime(2026, 3, 14, 23, 20, 9, tzinfo=UTC)

ROW_SPELLINGS: list[tuple[str, object, list[object]]] = [
    (
        "state",
        "PartiallySeated",
        ["Partially Seated", "Partially\u200bSeated", "Partially\u00a0Seated"],
    ),
    ("state", "Confirmed", ["confirmed"]),
    ("state", "NoShow", ["no_show"]),
    ("state", "Cancelled", ["canceled"]),
    ("state", "bottle_service", [" bottle_service"]),
    ("id", "555001-ot_1", [" ot_1\n", "\ufeffot_1\u200b"]),
    ("rid", 555001, ["555001", 555001.0, "\u00a0555001"]),
    ("guest_id", UUID.lower(), [f"555001-{UUID.lower()}"]),
    ("confirmation_id", 7731, ["7731", 7731.0]),
    ("party_size", 4, ["4", 4.0, "+4", "4\u00a0"]),
    ("party_size", None, [""]),
    ("scheduled_time_utc", None, [""]),
    ("scheduled_time_utc", "2026-03-14T23:15:00Z", ["2026-03-14T23:15:00.0000000000Z"]),
    ("scheduled_time_utc", "2026-03-14T23:20:09Z", ["2026-03-14T19:20:09.1-0400"]),
    ("seated_time_utc", None, [" ", "\u2060"]),
    ("seated_time_utc", "2026-03-14T23:20:09Z", ["2026-03-14T23:20:09.512Z"]),
    ("arrived_time_utc", "2026-03-14T23:20:09Z", ["2026-03-15T04:50:09+05:30"]),
    ("done_time_utc", "2026-03-14T23:20:09Z", ["2026-03-14T23:20:09,9"]),
    ("created_date_utc", "2026-03-14T23:20:09Z", ["2026-03-14t23:20:09z"]),
    ("updated_at_utc", "2026-03-14T23:20:09Z", ["2026-03-14T23:20:09.512Z"]),
    ("guest_request", "Cr\u00e8me\nnuts", ["Cre\u0300me\r\nnuts"]),
    ("guest_request", "one\ntwo", ["one\rtwo "]),
    ("guest_request", "nuts", ["\ufeffnuts\u200b"]),
    ("venue_notes", "\u00e9", [" e\u0301\n"]),
    ("opentable_notes", None, ["", "\u200b"]),
    ("server", "Zo\u00eb", ["Zoe\u0308"]),
    ("table_category", "bar", [" bar"]),
    ("table_category", "hightop", ["High_Top"]),
    ("origin", "Web", ["Web\r\n", "WEB"]),
    ("origin", "Walk-in", ["walk in"]),
    ("visit_tags", ["vip", "birthday"], [["birthday", " vip", "vip"]]),
    ("visit_tags", ["vip"], [["vip", "\u200b"]]),
    ("visit_tags", [], [None, " "]),
    ("table_number", ["12", "13"], [[12, "13 "]]),
    ("table_number", [], [None, ""]),
]


def compared_fields(event: ReservationEvent) -> dict[str, FieldValue]:
    return {name: v for name, v in event.fields.items() if name not in NOTATION_FIELDS}


@pytest.mark.parametrize(
    "name, one, other",
    [(name, one, other) for name, one, others in ROW_SPELLINGS for other in others],
)
def test_two_spellings_of_a_row_are_one_event(name: str, one: object, other: object) -> None:
    events = [row_event(1, **{name: value}) for value in (one, other)]
    assert (events[0].fields, events[0].version) == (events[1].fields, events[1].version)


@pytest.mark.parametrize("sequence_id", ["7", 7.0, " 7 ", "7.0"])
def test_two_spellings_of_a_version_are_one_version(sequence_id: object) -> None:
    respelled = event_from_row_body(row_body(7) | {"sequence_id": sequence_id})
    assert (respelled.event_id, respelled.version) == ("seq-7", row_event(7).version)


@pytest.mark.parametrize(
    "name, one, other",
    [
        ("reservationDateTime", None, ""),
        ("partySize", None, " "),
        ("status", "confirmed", "CONFIRMED "),
        ("status", "checked_in", "Checked In"),
        ("partySize", 4, "4"),
        ("reservationDateTime", "2026-03-14T23:15:00Z", "2026-03-14T19:15:00.25-04:00"),
        ("specialRequests", "Cr\u00e8me\nnuts", "Cre\u0300me\r\nnuts"),
        ("dinerName", "Zo\u00eb", "Zoe\u0308\u200b"),
        ("reservationId", UUID, f"555001-{UUID.lower()}"),
    ],
)
def test_two_spellings_of_an_envelope_are_one_event(name: str, one: Any, other: Any) -> None:
    events = [envelope_event(**{name: value}) for value in (one, other)]
    assert events[0].external_key == events[1].external_key
    assert events[0].fields == events[1].fields


@pytest.mark.parametrize(
    "name, one, other",
    [
        ("state", "Seated", "PartiallySeated"),
        ("guest_id", "ot_g", "OT_G"),
        ("confirmation_id", 7731, 7732),
        ("seated_time_utc", "2026-03-14T23:20:09Z", "2026-03-14T23:20:10Z"),
        ("guest_request", "one two", "one\ntwo"),
        ("guest_request", "nuts", "Nuts"),
        ("visit_tags", ["vip"], ["vip", "birthday"]),
        ("table_number", ["12", "13"], ["13", "12"]),
    ],
)
def test_two_values_stay_two(name: str, one: object, other: object) -> None:
    assert row_event(1, **{name: one}).fields != row_event(1, **{name: other}).fields


@given(row_bodies().flatmap(lambda row: st.tuples(st.just(row), row_spellings(row))))
def test_every_spelling_of_a_row_is_the_same_event(rows: tuple[dict[str, Any], ...]) -> None:
    one, other = map(event_from_row_body, rows)
    assert (one.external_key, one.event_id) == (other.external_key, other.event_id)
    assert one.version == other.version
    assert compared_fields(one) == compared_fields(other)


@given(envelope_bodies().flatmap(lambda body: st.tuples(st.just(body), envelope_spellings(body))))
def test_every_spelling_of_an_envelope_is_the_same_event(
    bodies: tuple[dict[str, Any], ...],
) -> None:
    one, other = map(event_from_envelope_body, bodies)
    assert one.external_key == other.external_key
    assert (one.version, one.fields) == (other.version, other.fields)


@given(row_bodies())
def test_parsed_fields_are_canonical(row: dict[str, Any]) -> None:
    parsed = event_from_row_body(row).fields
    assert canonicalize_fields(parsed) == parsed


@given(st.text(st.characters(codec="utf-8"), max_size=8))
def test_the_canonical_state_of_a_canonical_state_is_itself(state: str) -> None:
    canonical = canonicalize_state(state)
    assert canonicalize_state(canonical) == canonical


PHONE_SPELLINGS = [
    *("+1 (555) 123-4567", "001 555.123.4567", "tel:+1-555-123-4567", "\uff0b15551234567"),
    *("1\u2011555\u2013123\u22124567", "\u202a+15551234567\u202c"),
]
SAME_VALUES: list[tuple[str, Any, Any]] = [
    *(("phone", "15551234567", other) for other in PHONE_SPELLINGS),
    ("phone", "1" * 100 + CUT_MARK, "1" * 200),
    ("email", "ada@example.com", "Ada@Example.COM"),
    # A restaurant may get another rid.
    ("openTableId", f"555001-{UUID.lower()}", f"555002-{UUID.lower()}"),
    ("guestId", f"555001-{UUID.lower()}", f"555002-{UUID.lower()}"),
    ("state", "bottle_service", "Bottle Service"),
    ("state", "Caf\u00e9", "CAFE\u0301"),
    ("state", "_", "-"),
    ("name", "nuts", "nuts"),
    ("name", "nuts and milk", f"nuts{CUT_MARK}"),
    ("name", f"nuts and{CUT_MARK}", f"nuts{CUT_MARK}"),
    ("name", ["a", "b"], ["a", CUT_MARK]),
]
OTHER_VALUES: list[tuple[str, Any, Any]] = [
    ("phone", "15551234567", "15551234568"),
    ("phone", "15551234567", "+1 555 123 4567 x8"),
    ("email", "ada@example.com", "eda@example.com"),
    ("openTableId", "555001-g1", "555001-g2"),
    ("guestId", "555001-g1", "555001-g2"),
    ("state", "bottle_service", "course_1"),
    ("origin", "bottle_service", "Bottle Service"),
    ("name", "nuts", "milk"),
    ("name", "milk", f"nuts{CUT_MARK}"),
    ("name", ["b"], ["a", CUT_MARK]),
    ("name", ["a", "c", "d"], ["a", "b", CUT_MARK]),
    ("name", ["nuts"], f"nuts{CUT_MARK}"),
    ("name", "nuts", ["nuts", CUT_MARK]),
    ("name", None, f"nuts{CUT_MARK}"),
]


@pytest.mark.parametrize("name, one, other", SAME_VALUES)
def test_a_value_is_the_same_in_another_spelling_or_cut(name: str, one: Any, other: Any) -> None:
    assert is_same_value(name, one, other)
    assert is_same_value(name, other, one)


@pytest.mark.parametrize("name, one, other", OTHER_VALUES)
def test_another_value_is_not_the_same(name: str, one: Any, other: Any) -> None:
    assert not is_same_value(name, one, other)
    assert not is_same_value(name, other, one)


@pytest.mark.parametrize("id_", [UUID, f"555001-{UUID}", f"555001-{UUID.lower()}", UUID.lower()])
def test_every_spelling_of_an_id_is_shown_as_one(id_: str) -> None:
    fields = row_event(1, id=id_, guest_id=id_).fields
    assert fields["openTableId"] == fields["guestId"] == f"555001-{UUID.lower()}"


STORED: list[tuple[str, object, object]] = [
    ("state", "Partially Seated", "PartiallySeated"),
    ("guestId", f"555001-{UUID}", f"555001-{UUID.lower()}"),
    ("openTableId", "555001-OT_1", "555001-OT_1"),
    ("confirmationId", "7731", 7731),
    ("seatedAt", SEATED.replace(microsecond=512_000), SEATED),
    ("startAt", SEATED, SEATED),
    ("specialRequests", "Cre\u0300me\r\n", "Cr\u00e8me"),
    ("venueNotes", " ", None),
    ("visitTags", ["vip", "birthday", "vip"], ["birthday", "vip"]),
    ("visitTags", ["vip", "birthday", CUT_MARK], ["birthday", "vip", CUT_MARK]),
    ("tableNumbers", ["13 ", "12"], ["13", "12"]),
    ("partySize", 4, 4),
    ("unknownField", " x ", " x "),
]


@pytest.mark.parametrize("name, stored, canonical", STORED)
def test_a_stored_value_is_read_in_canonical_form(
    name: str, stored: object, canonical: object
) -> None:
    assert canonicalize_field(name, stored) == canonical
    assert canonicalize_path(PATHS_BY_NAME.get(name, name), stored) == canonical


@given(st.sampled_from(sorted(PATHS_BY_NAME)), json_values)
def test_a_stored_value_of_any_type_is_read(name: str, stored: Any) -> None:
    canonical = canonicalize_field(name, stored)
    assert canonicalize_field(name, canonical) == canonical


@pytest.mark.parametrize("name", sorted(PATHS_BY_NAME))
@pytest.mark.parametrize("damaged", [None, 7.5, {}, [None, 1], True])
def test_a_damaged_value_is_unchanged(name: str, damaged: object) -> None:
    assert canonicalize_field(name, damaged) == damaged


@pytest.mark.parametrize(
    "value, cut",
    [
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 292 + CUT_MARK),
        ("\u00e9" * 150, "\u00e9" * 150),
        ("\u00e9" * 151, "\u00e9" * 146 + CUT_MARK),
        ("x" + "\u00e9" * 150, "x" + "\u00e9" * 145 + CUT_MARK),
        (["x" * 99] * 3, ["x" * 99] * 3),
        (["x" * 99] * 4, [*["x" * 99] * 3, CUT_MARK]),
        (["x" * 300], [CUT_MARK]),
        (7, 7),
        (None, None),
    ],
)
def test_a_text_or_list_is_cut_at_a_number_of_bytes(value: Any, cut: object) -> None:
    mark_bytes = len(CUT_MARK.encode())
    assert mark_bytes == 8
    fields = cut_texts({"a": value}, 300)
    assert fields["a"] == cut
    assert (CUT_TEXTS_FIELD in fields) is is_cut(cut) is (cut != value)


@pytest.mark.parametrize("name", ["specialRequests", "dinerName", "status", "cancellationReason"])
def test_a_long_text_of_an_envelope_is_cut(name: str) -> None:
    data: dict[str, Any] = {name: "x" * 200_000}
    fields = envelope_event(**data).fields
    value = fields["state" if name == "status" else name]
    assert value == "x" * (8192 - 8) + CUT_MARK
    assert len(json.dumps(dict(fields), default=str)) < 10_000


@pytest.mark.parametrize(
    "key, name",
    [
        ("guest_request", "specialRequests"),
        ("state", "state"),
        ("confirmation_id", "confirmationId"),
    ],
)
def test_a_long_text_of_a_row_is_cut(key: str, name: str) -> None:
    assert is_cut(row_event(1, **{key: "x" * 200_000}).fields[name])


def test_long_lists_of_a_row_are_cut() -> None:
    tags = [f"{number:06}" for number in range(20_000)]
    fields = row_event(1, visit_tags=tags, table_number=tags).fields
    expected = [*tags[: 8192 // 7], CUT_MARK]
    assert (fields["visitTags"], fields["tableNumbers"]) == (expected, expected)


def test_a_path_of_no_field_keeps_its_value() -> None:
    assert canonicalize_path("dinerId", "  A ") == "  A "
    assert build_path_comparison_key("dinerId", "  A ") == "  A "


def test_a_document_is_compared_by_the_canonical_values_of_its_fields() -> None:
    assert build_path_comparison_key("source.guestId", f"555001-{UUID}") == UUID.lower()
    assert build_path_comparison_key("email", "Ada@Example.COM") == "ada@example.com"
