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
    "number, codes, read",
    [
        ("2125550100", ["1", "+1", "", " ", None], "+12125550100"),
        ("12125550100", ["1"], "+12125550100"),
        (" 2125550100 ", [""], "+12125550100"),
        (2125550100, [None], "+12125550100"),
        (
            "7911123456",
            [44, "44", "GB", "gb", "uk", "0044", " (+44) ", "\uff27\uff22"],
            "+447911123456",
        ),
        (7911123456, [44], "+447911123456"),
        (7911123456.0, [44.0], "+447911123456"),
        ("07911 123456", ["44", "44.0", "\uff0b\uff14\uff14"], "+447911123456"),
        ("7911123456 x12", [44], "+447911123456"),
        ("447911123456", ["44"], "+447911123456"),
        ("00447911123456", ["44"], "+447911123456"),
        ("0044 7911 123456", ["1"], "+447911123456"),
        ("+447911123456", ["1", 0], "+447911123456"),
        ("0612345678", [39], "+390612345678"),
        ("89161234567", [7], "+79161234567"),
        ("5550100", ["1787"], "+17875550100"),
        ("12345678", ["800"], "+80012345678"),
        # In doubt, the number stays as it is.
        ("4915123456789", ["49"], "4915123456789"),
        ("12345678901234", [44], "12345678901234"),
        ("12", ["1"], "12"),
        ("1012345678", ["210"], "1012345678"),
        ("555-0100 Ann", ["1"], "555-0100 Ann"),
        ("2125550100", [999, "0", "1" * 200, "USA", "?", True, 1.5, ["1"]], "2125550100"),
        ("2079460958", ["0", 0, "00", -1, "-1"], "2079460958"),
        (" ", ["1"], None),
        (None, ["1"], None),
        (True, ["1"], None),
    ],
)
def test_a_number_is_read_by_its_own_code_first(
    number: object, codes: list[object], read: str | None
) -> None:
    entries = [{"number": number, "country_code": code} for code in codes]
    assert [parse_phone_entry(entry, "US") for entry in entries] == [read] * len(codes)


def test_an_entry_may_have_only_a_number_or_only_a_code() -> None:
    assert parse_phone_entry({"number": "2125550100"}, "US") == "+12125550100"
    assert parse_phone_entry({"country_code": "1"}, "US") is None


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
