"""Guests are found by name and number, however both are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.search import MAX_PREFIX_LENGTH, build_search_terms, parse_search_text

ARABIC_DIGITS = {ord("0") + digit: 0x0660 + digit for digit in range(10)}


def finds(text: str, name: str | None, phone: str | None = None) -> bool:
    """Whether a search reads the guest's document and accepts it."""
    query = parse_search_text(text)
    if query is None:
        return False
    return query.index_term in build_search_terms(name, phone) and query.matches(name, phone)


@pytest.mark.parametrize(
    "text, name",
    [
        ("jose", "José García"),
        ("JOSÉ", "Jose Garcia"),
        ("renee lukasz", "Renée Łukasz"),
        ("muller", "Jürgen Müller"),
        ("zoe", "Zoë Kim"),
        ("nguyen", "Nguyễn Thị Lan"),
        ("garcia jose", "José García"),
        ("gar", "José García"),
        ("obrien", "Pat O'Brien"),
        ("O\u2019Brien", "Pat O'Brien"),
        ("brien", "Pat O\u2019Brien"),
        ("luc", "Jean-Luc Picard"),
        ("strasse", "Anna Straße"),
        ("soren", "Søren Ærø"),
        ("aero", "Søren Ærø"),
        ("istanbul", "İSTANBUL"),
        ("李", "李小龙"),
        ("احمد", "أَحْمَد"),
        ("montgomery", "Christopher Montgomery"),
        ("j", "John"),
        ("2nd", "John Smith 2nd"),
        ("c3p0 r2d2", "C3P0 R2D2"),
    ],
)
def test_a_name_is_found(text: str, name: str) -> None:
    assert finds(text, name)


@pytest.mark.parametrize(
    "text, name",
    [
        ("arcia", "José García"),
        ("jose miller", "José García"),
        ("montgomeryx", "Christopher Montgomery"),
        ("garcia", None),
        ("garcia", ""),
    ],
)
def test_another_name_is_not_found(text: str, name: str | None) -> None:
    assert not finds(text, name)


@pytest.mark.parametrize(
    "text",
    [
        "+44 7700 900123",
        "+447700900123",
        "0044 7700 900123",
        "07700 900123",
        "+44 (0)7700 900-123",
        "(07700) 900.123",
        "7700/900123",
        "900123",
        "0123",
        "07700 900123".translate(ARABIC_DIGITS),
    ],
)
@pytest.mark.parametrize("stored", ["+447700900123", "07700 900123", "447700900123"])
def test_a_number_is_found_in_any_form(text: str, stored: str) -> None:
    assert finds(text, None, stored)


@pytest.mark.parametrize("stored", ["+447700900124", "+447700910123", "0123", "123", "", None])
def test_another_number_is_not_found(stored: str | None) -> None:
    assert not finds("+44 7700 900123", "Kim", stored)


def test_a_name_and_a_number_must_both_match() -> None:
    assert finds("kim 0123", "Zoë Kim", "+447700900123")
    assert not finds("lee 0123", "Zoë Kim", "+447700900123")
    assert not finds("kim 0124", "Zoë Kim", "+447700900123")


def test_a_stored_number_of_four_digits_is_found_and_a_shorter_one_is_not() -> None:
    assert finds("0123", None, "0123")
    assert build_search_terms(None, "123") == []


def test_a_number_stored_without_its_area_code_is_found_from_six_digits_on() -> None:
    assert finds("+44 7700 900123", None, "900123")
    assert not finds("+44 7700 900123", None, "00123")


@pytest.mark.parametrize("text", ["", " ", "-", "'", "+()", "…"])
def test_a_text_without_a_word_is_no_search(text: str) -> None:
    assert parse_search_text(text) is None


names = st.text(
    st.characters(categories=["Lu", "Ll", "Lo", "Mn", "Nd"], include_characters=" -'\u2019.()"),
    max_size=40,
)
phones = st.text("0123456789+() -/.\u0660\u0661", max_size=20)


@given(text=names | phones | st.builds("{} {}".format, names, phones), name=names, phone=phones)
def test_the_index_has_every_match(text: str, name: str, phone: str) -> None:
    query = parse_search_text(text)
    if query is not None and query.matches(name, phone):
        assert query.index_term in build_search_terms(name, phone)


@given(name=names)
def test_a_name_finds_itself(name: str) -> None:
    query = parse_search_text(name)
    # Digits that look like a phone number are compared with the phone number.
    if query is not None and not query.digits and len(name.split()) <= 5:
        assert finds(name, name)


@given(name=names, phone=phones)
def test_terms_are_short_distinct_and_few(name: str, phone: str) -> None:
    terms = build_search_terms(name, phone)
    assert terms == sorted(set(terms))
    assert len(terms) <= 10 * MAX_PREFIX_LENGTH + 1
    assert all(0 < len(term) <= MAX_PREFIX_LENGTH for term in terms)
