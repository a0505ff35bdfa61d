"""Phone numbers are read with their own country code, and stay as they are in doubt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.normalization.opentable_guest import format_e164, parse_phone_entry


@pytest.mark.parametrize(
    "number, country, read",
    [
        ("2125550100", "US", "+12125550100"),
        ("(212) 555-0100", "us", "+12125550100"),
        ("12125550100", "US", "+12125550100"),
        ("07700 900123", "GB", "+447700900123"),
        ("+44 7700 900123", None, "+447700900123"),
        ("+44 7700 900123", "US", "+447700900123"),
        ("0412 345 678", "AU", "+61412345678"),
        ("2125550100", None, "2125550100"),
        ("2125550100", "Atlantis", "2125550100"),
        ("12", "US", "12"),
        ("call the office", "US", "call the office"),
        ("0044 7911 123456", "US", "+447911123456"),
        ("(00) 44 7911 123456", None, "+447911123456"),
        ("011 44 7911 123456", "US", "+447911123456"),
        ("(+44) 7911 123456", "US", "+447911123456"),
        ("+44 (0)7911 123456", "US", "+447911123456"),
        ("44 7911 123456", "US", "44 7911 123456"),
        ("07911 123456", "US", "07911 123456"),
        ("0612345678", "US", "0612345678"),
        ("0612345678", "IT", "+390612345678"),
        ("00 12", "US", "00 12"),
        ("0000000000", "US", "0000000000"),
        ("5550100", "US", "5550100"),
        ("(212) 555-0100 ext. 12", "US", "+12125550100"),
        ("2125550100x12", "US", "+12125550100"),
        ("4915123456789", "DE", "4915123456789"),
        ("49151234567", "DE", "+4949151234567"),
        ("62 812 345 678", "ID", "62 812 345 678"),
        ("3912345678", "IT", "+393912345678"),
        ("Mobile: (212) 555-0100", "US", "+12125550100"),
        ("tel:+44-7911-123456", "US", "+447911123456"),
        ("555 0100 Mom", "US", "555 0100 Mom"),
        ("030 1234567 Bob", "DE", "030 1234567 Bob"),
        ("030 1234 or 5678", "DE", "030 1234 or 5678"),
        ("1-800-FLOWERS", "US", "1-800-FLOWERS"),
    ],
)
def test_a_number_is_parsed_in_its_country_or_unchanged(
    number: str, country: str | None, read: str
) -> None:
    assert format_e164(number, country) == read


@pytest.mark.parametrize(
    "entry, read",
    [
        ({"number": "2125550100", "country_code": "1"}, "+12125550100"),
        ({"number": "2125550100", "country_code": "+1"}, "+12125550100"),
        ({"number": "12125550100", "country_code": "1"}, "+12125550100"),
        ({"number": "7700900123", "country_code": "44"}, "+447700900123"),
        ({"number": "7700900123", "country_code": "GB"}, "+447700900123"),
        ({"number": " 2125550100 ", "country_code": ""}, "+12125550100"),
        ({"number": "2125550100", "country_code": None}, "+12125550100"),
        ({"number": "2125550100"}, "+12125550100"),
        ({"number": "+447700900123", "country_code": "1"}, "+447700900123"),
        ({"number": "12", "country_code": "1"}, "12"),
        ({"number": " ", "country_code": "1"}, None),
        ({"number": None, "country_code": "1"}, None),
        ({"country_code": "1"}, None),
        ({"number": "7911123456", "country_code": 44}, "+447911123456"),
        ({"number": 7911123456, "country_code": 44}, "+447911123456"),
        ({"number": 7911123456.0, "country_code": 44.0}, "+447911123456"),
        ({"number": 2125550100}, "+12125550100"),
        ({"number": "07911 123456", "country_code": "44"}, "+447911123456"),
        ({"number": "447911123456", "country_code": "44"}, "+447911123456"),
        ({"number": "4915123456789", "country_code": "49"}, "4915123456789"),
        ({"number": "00447911123456", "country_code": "44"}, "+447911123456"),
        ({"number": "0044 7911 123456", "country_code": "1"}, "+447911123456"),
        ({"number": "7911123456", "country_code": "0044"}, "+447911123456"),
        ({"number": "7911123456", "country_code": " (+44) "}, "+447911123456"),
        ({"number": "7911123456", "country_code": "gb"}, "+447911123456"),
        ({"number": "7911123456 x12", "country_code": 44}, "+447911123456"),
        ({"number": "0612345678", "country_code": 39}, "+390612345678"),
        ({"number": "89161234567", "country_code": 7}, "+79161234567"),
        ({"number": "5550100", "country_code": "1787"}, "+17875550100"),
        ({"number": "12345678", "country_code": "800"}, "+80012345678"),
        ({"number": "12345678901234", "country_code": 44}, "12345678901234"),
        ({"number": "07911 123456", "country_code": "44.0"}, "+447911123456"),
        ({"number": "07911 123456", "country_code": "\uff0b\uff14\uff14"}, "+447911123456"),
        ({"number": "7911123456", "country_code": "\uff27\uff22"}, "+447911123456"),
        ({"number": "7911123456", "country_code": "uk"}, "+447911123456"),
        ({"number": "2125550100", "country_code": " "}, "+12125550100"),
        ({"number": "2125550100", "country_code": 999}, "2125550100"),
        ({"number": "2125550100", "country_code": "0"}, "2125550100"),
        ({"number": "2079460958", "country_code": "0"}, "2079460958"),
        ({"number": "2079460958", "country_code": 0}, "2079460958"),
        ({"number": "2079460958", "country_code": "00"}, "2079460958"),
        ({"number": "2079460958", "country_code": -1}, "2079460958"),
        ({"number": "2079460958", "country_code": "-1"}, "2079460958"),
        ({"number": "+447911123456", "country_code": 0}, "+447911123456"),
        ({"number": "1012345678", "country_code": "210"}, "1012345678"),
        ({"number": "555-0100 Ann", "country_code": "1"}, "555-0100 Ann"),
        ({"number": "2125550100", "country_code": "1" * 200}, "2125550100"),
        ({"number": "2125550100", "country_code": "USA"}, "2125550100"),
        ({"number": "2125550100", "country_code": "?"}, "2125550100"),
        ({"number": "2125550100", "country_code": True}, "2125550100"),
        ({"number": "2125550100", "country_code": 1.5}, "2125550100"),
        ({"number": "2125550100", "country_code": ["1"]}, "2125550100"),
        ({"number": True, "country_code": "1"}, None),
    ],
)
def test_an_entry_is_read_by_its_own_code_first(entry: dict[str, object], read: str | None) -> None:
    assert parse_phone_entry(entry, "US") == read


@given(
    st.sampled_from(["7911123456", "07911123456", "+447911123456", "00447911123456"]),
    st.sampled_from([44, "44", "+44", "0044", "GB"]),
    st.sampled_from(["US", "DE", "IT", None]),
)
def test_the_country_of_the_restaurant_never_changes_a_number_with_a_code(
    number: str, code: object, country: str | None
) -> None:
    entry = {"number": number, "country_code": code}
    assert parse_phone_entry(entry, country) == "+447911123456"


texts = st.text() | st.from_regex(r"[+0-9 ()-]{0,20}")


@given(texts, texts | st.none())
def test_any_text_is_parsed_or_unchanged(number: str, country: str | None) -> None:
    read = format_e164(number, country)
    assert read == number or (read.startswith("+") and read[1:].isdecimal())
