"""Phone numbers in E.164, where they can be read as such."""

from collections.abc import Mapping
from typing import Any


def format_e164(number: str, country: str | None) -> str:
    """Return a number in E.164, or the text as it came where it is no possible number.

    Args:
        number: As written, with or without a country code.
        country: ISO country in which a number without a code is read; None reads none.
    """
    return _parse_e164(number, country) or number


def _parse_e164(number: str, country: str | None) -> str | None:
    # Imported on first use: a webhook seldom reads a number, and would pay for it at each start.
    import phonenumbers  # noqa: PLC0415

    try:
        parsed = phonenumbers.parse(number, country and country.upper())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def parse_phone_entry(entry: Mapping[str, Any], country: str | None) -> str | None:
    """Return one entry of OpenTable's ``phone_numbers`` in E.164, None where it has no number.

    Its ``country_code`` is documented as text alone, so both ``1`` and ``US`` are understood.

    Args:
        entry: ``{"number", "country_code", …}``.
        country: The restaurant's country, for an entry without a code.
    """
    number, code = entry.get("number"), entry.get("country_code")
    if not isinstance(number, str) or not number.strip():
        return None
    number = number.strip()
    if not isinstance(code, str) or number.startswith("+"):
        return format_e164(number, country)
    code = code.strip().removeprefix("+")
    if code.isdecimal():
        # Some write the code again in the number: then it is read as it stands.
        return _parse_e164(f"+{code}{number}", None) or format_e164(number, country)
    return format_e164(number, code or country)
