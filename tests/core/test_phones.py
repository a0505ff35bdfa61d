import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.phones import format_e164, parse_phone_entry


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
    ],
)
def test_an_entry_is_read_by_its_own_code_first(entry: dict[str, str], read: str | None) -> None:
    assert parse_phone_entry(entry, "US") == read


texts = st.text() | st.from_regex(r"[+0-9 ()-]{0,20}")


@given(texts, texts | st.none())
def test_any_text_is_parsed_or_unchanged(number: str, country: str | None) -> None:
    read = format_e164(number, country)
    assert read == number or (read.startswith("+") and read[1:].isdecimal())
