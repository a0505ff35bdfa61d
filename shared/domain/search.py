"""Find reservations by the guest's name or phone number, however they are written.

A document stores search terms, so that one index finds it. A search reads the documents with one of
its terms and compares the rest. The staff page folds text in the same way for the shown day.
"""

import re
import unicodedata

from msgspec import Struct

MAX_PREFIX_LENGTH = 6
MAX_NAME_WORDS = 10
MIN_PHONE_DIGITS = 4

# Numbers are compared from their end: the front has a country code, zeros or neither. Two guests of
# one restaurant hardly share eight digits.
_COMPARED_PHONE_DIGITS = 8
_MIN_STORED_PHONE_DIGITS = 6
_PHONE_PREFIX = "#"  # never part of a word

_APOSTROPHES = re.compile("['\u2018\u2019\u02bc\u0060\u00b4]")
_WORD = re.compile(r"[^\W_]+")
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")  # as in +44 (0)20
# Letters that Unicode does not decompose.
_PLAIN_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ŧ": "t",
        "\u0131": "i",  # the dotless letter of Turkish
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
)


class SearchQuery(Struct, frozen=True):
    """The words and the digits of a search text; both must match.

    Attributes:
        words: Folded words, each the beginning of a word of the name.
        digits: The end of the phone number, empty without one.
    """

    words: tuple[str, ...]
    digits: str

    @property
    def index_term(self) -> str:
        """The most selective term of the query."""
        if self.digits:
            return _build_phone_term(self.digits)
        return max(self.words, key=len)[:MAX_PREFIX_LENGTH]

    def matches(self, name: object, phone: object) -> bool:
        """Whether a guest matches; a value of another type than text counts as missing."""
        name_words = _split_name(name)
        if not all(any(word.startswith(q) for word in name_words) for q in self.words):
            return False
        if not self.digits:
            return True
        stored = _extract_digits(phone)
        count = min(len(self.digits), len(stored), _COMPARED_PHONE_DIGITS)
        # A short stored number must not match the end of every longer one.
        has_enough_digits = count >= min(len(self.digits), _MIN_STORED_PHONE_DIGITS)
        return has_enough_digits and self.digits[-count:] == stored[-count:]


def parse_search_text(text: str) -> SearchQuery | None:
    """Return the query of a search text, None if it has no word and too few digits."""
    words = _split_words(_APOSTROPHES.sub("", text))
    numbers = [word for word in words if word.isdecimal()]
    digits = _extract_digits(text) if numbers else ""
    if len(digits) < MIN_PHONE_DIGITS:
        digits, numbers = "", []
    names = tuple(word for word in words if word not in numbers)
    return SearchQuery(names, digits) if names or digits else None


def build_search_terms(name: object, phone: object) -> list[str]:
    """Return a guest's search terms: beginnings of words, and the last digits of the number.

    Other programs write documents too: a value of another type than text counts as missing.
    """
    terms = {
        word[:length]
        for word in _split_name(name)
        for length in range(1, min(len(word), MAX_PREFIX_LENGTH) + 1)
    }
    digits = _extract_digits(phone)
    if len(digits) >= MIN_PHONE_DIGITS:
        terms.add(_build_phone_term(digits))
    return sorted(terms)


def fold_text(text: str) -> str:
    """Return a text without case and accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return letters.casefold().translate(_PLAIN_LETTERS)


def _split_name(name: object) -> list[str]:
    if not isinstance(name, str):
        return []
    # O'Brien is found as obrien and as brien.
    variants = (_APOSTROPHES.sub("", name), _APOSTROPHES.sub(" ", name))
    words = dict.fromkeys(word for text in variants for word in _split_words(text))
    return list(words)[:MAX_NAME_WORDS]


def _split_words(text: str) -> list[str]:
    return _WORD.findall(fold_text(text))


def _extract_digits(text: object) -> str:
    """Return the digits of every script as ASCII."""
    if not isinstance(text, str):
        return ""
    return "".join(
        str(unicodedata.decimal(char)) for char in _TRUNK_ZERO.sub("", text) if char.isdecimal()
    )


def _build_phone_term(digits: str) -> str:
    return _PHONE_PREFIX + digits[-MIN_PHONE_DIGITS:]
