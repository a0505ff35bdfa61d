"""A guest record is parsed, ranked, stored and read back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import Version
from shared.domain.ledger.guest_link import Guest, guest_from_map, guest_to_map
from shared.domain.normalization.canonical import DEFAULT_MAX_TEXT_BYTES, is_cut
from shared.domain.normalization.opentable_guest import parse_opentable_guest
from shared.errors import InvalidEventError
from tests.strategies.json_values import json_values

NOW = datetime(2026, 3, 9, 12, 31, tzinfo=UTC)
UPDATED = datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC)
KEY = "65aa01bb02cc03dd04ee05ff"


def guest_row(**fields: Any) -> dict[str, Any]:
    return {
        "id": f"555001-{KEY}",
        "rid": 555001,
        "sequence_id": 7,
        "updated_at_utc": "2026-03-09T12:30:44Z",
        "forgotten": False,
        "archived": False,
        **fields,
    }


def parse_guest_row(
    *, country: str | None = "US", max_text_bytes: int = DEFAULT_MAX_TEXT_BYTES, **fields: Any
) -> Guest:
    return parse_opentable_guest(
        guest_row(**fields), rid="555001", country=country, now=NOW, max_text_bytes=max_text_bytes
    )


def merged(**fields: Any) -> Guest:
    nulls: dict[str, Any] = dict.fromkeys(guest_row().keys() - {"id"})
    return parse_guest_row(**nulls | {"archived": True} | fields)


def test_personal_fields_are_stored_under_the_document_names() -> None:
    guest = parse_guest_row(
        first_name=" Ada ",
        last_name="Lovelace",
        email="ada@example.com",
        company_name="Engine & Co",
        notes="By the window",
        notes_special_relationship="Mother of all",
        notes_food_and_drink="Tea",
        notes_seating=None,
        tags=["gc:diet/vegan", " "],
        marketing_opted_out=True,
        email_optin=False,
        mail_opted_in=True,
        is_hidden=False,
        phone_numbers=[],
        gpid="never kept",
    )
    assert guest.profile == {
        "firstName": "Ada",
        "lastName": "Lovelace",
        "email": "ada@example.com",
        "companyName": "Engine & Co",
        "notes": "By the window",
        "notesSpecialRelationship": "Mother of all",
        "notesFoodAndDrink": "Tea",
        "tags": ["gc:diet/vegan"],
        "phones": [],
        "marketingOptedOut": True,
        "emailOptin": False,
        "mailOptedIn": True,
        "isHidden": False,
    }


def test_key_and_version_are_read_as_in_a_reservation_row() -> None:
    guest = parse_guest_row(id=f"555001-{KEY.upper()}")
    assert (guest.key, guest.version) == (KEY, Version.from_sequence(7, UPDATED))


@pytest.mark.parametrize(
    "numbers, phone, phones",
    [
        ([{"number": "2125550100", "country_code": "1"}], "2125550199", ["+12125550100"]),
        ([], "2125550100", ["+12125550100"]),
        (None, "2125550100", ["+12125550100"]),
        ([{"number": ""}], "2125550100", ["+12125550100"]),
        ([{"number": "2125550100"}, {"number": "+12125550100"}], None, ["+12125550100"]),
        (
            [{"number": "2125550100"}, {"number": "2125550111", "primary": True}],
            None,
            ["+12125550111", "+12125550100"],
        ),
        (["2125550100", None, 5], " ", []),
        (5, "", []),
        (None, 2125550100, ["+12125550100"]),
        ([{"number": "7911123456", "country_code": 44}], None, ["+447911123456"]),
        ({"number": "2125550100"}, None, []),
    ],
)
def test_phone_numbers_are_unique_with_the_primary_first(
    numbers: object, phone: object, phones: list[str]
) -> None:
    assert parse_guest_row(phone_numbers=numbers, phone=phone).profile["phones"] == phones


def test_a_phone_number_without_country_is_unchanged() -> None:
    guest = parse_guest_row(phone="2125550100", country=None)
    assert guest.profile["phones"] == ["2125550100"]


def test_the_country_code_of_a_row_belongs_to_its_phone() -> None:
    guest = parse_guest_row(phone="7911123456", country_code="44")
    assert guest.profile["phones"] == ["+447911123456"]


def test_a_forgotten_guest_has_no_other_fields() -> None:
    guest = parse_guest_row(
        forgotten=True, first_name=5, sequence_id="?", archived=True, primary_guest={}
    )
    assert guest == Guest(KEY, forgotten_at=NOW)


@pytest.mark.parametrize(
    "spelling",
    [
        "https://platform.opentable.com/sync/v2/guests/555001-survivor",
        "https://platform.opentable.com/sync/v2/guests/555001-survivor/",
        "https://platform.opentable.com/sync/v2/guests/555001-survivor?rid=555001",
        "555001-survivor",
        "survivor",
        " survivor ",
    ],
)
def test_a_merged_guest_references_the_survivor_in_every_format(spelling: str) -> None:
    guest = merged(primary_guest=spelling)
    assert guest == Guest(
        KEY, is_merged=True, survivor_key="survivor", survivor_id="555001-survivor"
    )
    assert not guest.is_active


@pytest.mark.parametrize("survivor", ["s", None])
def test_a_merged_guest_may_have_a_version(survivor: str | None) -> None:
    guest = merged(primary_guest=survivor, sequence_id=7, updated_at_utc="2026-03-09T12:30:44Z")
    assert guest.version == Version.from_sequence(7, UPDATED)


def test_a_guest_may_have_the_sequence_zero() -> None:
    assert parse_guest_row(sequence_id=0).version == Version.from_sequence(0, UPDATED)


@pytest.mark.parametrize("fields", [{}, {"primary_guest": None}, {"primary_guest": ""}])
def test_a_merged_guest_without_a_survivor_is_unresolved(fields: dict[str, Any]) -> None:
    guest = merged(**fields)
    assert (guest.is_merged, guest.survivor_key, guest.is_active) == (True, None, False)


def test_a_survivor_of_an_active_record_is_not_a_merge() -> None:
    assert parse_guest_row(primary_guest="555001-survivor", archived=False).survivor_key is None


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"id": None}, "invalid_id"),
        ({"id": "?"}, "invalid_id"),
        ({"rid": 777}, "wrong_rid"),
        ({"sequence_id": None}, "invalid_sequence_id"),
        ({"sequence_id": "x"}, "invalid_sequence_id"),
        ({"forgotten": "perhaps"}, "invalid_forgotten"),
        ({"archived": 2}, "invalid_archived"),
        ({"marketing_opted_out": []}, "invalid_marketing_opted_out"),
        ({"updated_at_utc": "soon"}, "invalid_updated_at_utc"),
        ({"first_name": 5}, "invalid_first_name"),
        ({"notes": ["x"]}, "invalid_notes"),
        ({"tags": "vegan"}, "invalid_tags"),
        ({"phone": ["2125550100"]}, "invalid_phone"),
        ({"phone_numbers": [{"number": "\ud800"}]}, "invalid_phone"),
        ({"archived": True, "primary_guest": 5}, "invalid_primary_guest"),
        ({"archived": True, "primary_guest": "?"}, "invalid_id"),
    ],
)
def test_an_invalid_field_is_rejected_by_name_without_its_value(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidEventError) as raised:
        parse_guest_row(**fields)
    assert raised.value.reason == reason
    assert "2125550100" not in str(raised.value)


@pytest.mark.parametrize("id_", [".", "..", "__x__"])
@pytest.mark.parametrize("name", ["id", "primary_guest"])
def test_an_id_unusable_as_document_id_is_rejected(id_: str, name: str) -> None:
    with pytest.raises(InvalidEventError, match="invalid_id"):
        merged(**{name: id_})


@pytest.mark.parametrize("value, stored", [("true", True), (0, False), (None, None), ("", None)])
def test_a_consent_is_stored_as_a_truth_value(value: object, stored: bool | None) -> None:
    assert parse_guest_row(marketing_opted_out=value).profile.get("marketingOptedOut") is stored


@pytest.mark.parametrize("name, stored", [("notes", "notes"), ("first_name", "firstName")])
def test_a_long_text_of_a_guest_is_cut(name: str, stored: str) -> None:
    texts: dict[str, Any] = {name: "\u00e9" * 100_000, "last_name": "Lovelace"}
    profile = parse_guest_row(**texts).profile
    assert is_cut(profile[stored])
    assert (profile["lastName"], profile["cutTexts"]) == ("Lovelace", True)


def test_a_record_of_maximal_texts_is_stored() -> None:
    names = ("first_name", "last_name", "email", "company_name", "notes", "notes_seating")
    texts: dict[str, Any] = dict.fromkeys(
        (*names, "notes_special_relationship", "notes_food_and_drink"), "\u00e9" * 9_000
    )
    assert parse_guest_row(**texts, tags=["\u00e9" * 4_000] * 9).diner_name is not None


def test_details_above_the_size_limit_are_rejected() -> None:
    text = "x" * 60_000
    with pytest.raises(InvalidEventError, match="too_large"):
        parse_guest_row(max_text_bytes=60_000, notes=text, first_name=text)


names = st.sampled_from(
    sorted({*guest_row(), "first_name", "tags", "phone", "phone_numbers", "notes"})
)


@given(st.dictionaries(names | st.just("primary_guest"), json_values), st.booleans())
def test_any_row_is_read_or_rejected(fields: dict[str, Any], archived: bool) -> None:
    try:
        guest = parse_guest_row(**{"archived": archived, **fields})
    except InvalidEventError:
        return
    assert guest_from_map(guest_to_map(guest)) == guest


@pytest.mark.parametrize(
    "first, last, name",
    [
        ("Ada", "Lovelace", "Ada Lovelace"),
        ("Ada", "", "Ada"),
        ("", "Lovelace", "Lovelace"),
        pytest.param(None, None, None, id="Copper tier"),
    ],
)
def test_the_name_is_first_and_last(first: str | None, last: str | None, name: str | None) -> None:
    assert parse_guest_row(first_name=first, last_name=last).diner_name == name


def test_a_guest_is_identified_by_name_email_and_every_phone() -> None:
    guest = parse_guest_row(first_name="Ada", email="ada@example.com", phone="2125550100")
    assert guest.personal_identifiers == ["Ada", "ada@example.com", "+12125550100"]


def test_a_placeholder_has_no_identifying_values() -> None:
    assert Guest(KEY).personal_identifiers == []


LOW, HIGH = (Guest(KEY, Version.from_sequence(n, UPDATED), {"firstName": str(n)}) for n in (1, 2))
LATER = Guest(KEY, Version.from_sequence(2, NOW), {"firstName": "later"})
MERGED = Guest(KEY, is_merged=True, survivor_key="s", survivor_id="555001-s")
MERGED_WITHOUT_SURVIVOR = Guest(KEY, is_merged=True)
FORGOTTEN_RECORD = Guest(KEY, forgotten_at=NOW)
RANKS = [Guest(KEY), LOW, HIGH, LATER, MERGED_WITHOUT_SURVIVOR, MERGED, FORGOTTEN_RECORD]


@pytest.mark.parametrize("rank", range(len(RANKS)))
def test_records_rank_by_placeholder_version_time_merge_and_erasure(rank: int) -> None:
    assert [RANKS[rank].supersedes(other) for other in RANKS] == [
        rank > other_rank for other_rank in range(len(RANKS))
    ]


@pytest.mark.parametrize("guest", RANKS)
def test_a_record_is_read_back_as_it_was_stored(guest: Guest) -> None:
    assert guest_from_map(guest_to_map(guest)) == guest


def test_a_tombstone_contains_only_key_and_time() -> None:
    assert guest_to_map(FORGOTTEN_RECORD) == {"guestKey": KEY, "forgottenAt": NOW}


def test_a_merged_guest_document_has_no_personal_data() -> None:
    guest = Guest(KEY, profile={"firstName": "Ada"}, is_merged=True, survivor_key="s")
    assert "Ada" not in str(guest_to_map(guest))


def test_a_guest_repr_has_no_personal_data() -> None:
    assert "Ada" not in repr(parse_guest_row(first_name="Ada"))
