"""Spell the values of rows and envelopes in other ways that mean the same."""

import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from shared.domain.normalization.field_values import parse_status

Spellings = st.SearchStrategy[Any]

_BLANKS = ("", " ", "\t", "\r\n", "\u00a0", "\u200b")
_SEPARATORS = ("", " ", "_", "-", " - ")
_LINE_ENDS = ("\n", "\r\n", "\r")
_MAX_EXACT_FLOAT = 2**53


@st.composite
def text_spellings(draw: st.DrawFn, text: str) -> str:
    """Generate another Unicode form, other line ends and outer blanks."""
    forms = [unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)]
    spelled = draw(st.sampled_from(forms)).replace("\n", draw(st.sampled_from(_LINE_ENDS)))
    return draw(st.sampled_from(_BLANKS)) + spelled + draw(st.sampled_from(_BLANKS))


@st.composite
def word_spellings(draw: st.DrawFn, word: str) -> str:
    """Generate other cases and separators of a state."""
    return "".join(
        draw(st.sampled_from([letter.lower(), letter.upper()])) + draw(st.sampled_from(_SEPARATORS))
        for letter in word
        if letter not in " _-"
    )


@st.composite
def id_spellings(draw: st.DrawFn, id_: str, rid: str) -> str:
    """Generate the id of a UUID or an object id with and without prefix, in either case."""
    key = id_.removeprefix(f"{rid}-")
    prefix = draw(st.sampled_from(["", f"{rid}-"]))
    return prefix + draw(st.sampled_from([key.lower(), key.upper()]))


def number_spellings(number: int) -> Spellings:
    forms: list[object] = [number, str(number), f" {number}", f"{number}.0"]
    if number <= _MAX_EXACT_FLOAT:
        forms.append(float(number))
    return st.sampled_from(forms)


def utc_spellings(text: str, *, fractions: tuple[str, ...] = (".512", ",9", ".000")) -> Spellings:
    """Generate the forms of ``YYYY-MM-DDThh:mm:ssZ``."""
    bare = text.removesuffix("Z")
    elsewhere = datetime.fromisoformat(f"{bare}+05:30") - datetime.fromisoformat(f"{bare}+00:00")
    shifted = datetime.fromisoformat(bare) - elsewhere
    return st.sampled_from(
        [
            *(f"{bare}{suffix}" for suffix in ("", "Z", "z", "+00:00", "+0000", "-00")),
            *(f"{bare}{fraction}Z" for fraction in fractions),
            f"{shifted.isoformat()}+05:30",
            bare.replace("T", " "),
        ]
    )


def _list_spellings(items: list[str]) -> Spellings:
    forms = (
        text_spellings(item) | st.just(int(item)) if item.isdecimal() else text_spellings(item)
        for item in items
    )
    return st.tuples(*forms).map(list)


def _set_spellings(items: list[str]) -> Spellings:
    return st.permutations([*items, *items[:1]]).flatmap(_list_spellings)


def _state_spellings(state: str) -> Spellings:
    # The document shows an unknown state as first received.
    return text_spellings(state) if parse_status(state) is None else word_spellings(state)


_ROW_TEXTS = ("guest_request", "venue_notes", "server", "origin")
_ROW_SPELLINGS: dict[str, Callable[[Any], Spellings]] = {
    **dict.fromkeys(_ROW_TEXTS, text_spellings),
    "state": _state_spellings,
    "rid": lambda rid: st.sampled_from([rid, str(rid), float(rid)]),
    "sequence_id": number_spellings,
    "party_size": number_spellings,
    "confirmation_id": number_spellings,
    "table_number": _list_spellings,
    "visit_tags": _set_spellings,
}
_ENVELOPE_SPELLINGS: dict[str, Callable[[Any], Spellings]] = {
    **dict.fromkeys(("dinerName", "special_requests", "cancellationReason"), text_spellings),
    "status": _state_spellings,
    "partySize": lambda size: number_spellings(int(size)),
}


@st.composite
def row_spellings(draw: st.DrawFn, row: dict[str, Any]) -> dict[str, Any]:
    """Generate a row that means the same as `row`."""
    spelled = dict(row)
    for name, value in row.items():
        if value is None:
            continue
        if name in {"id", "guest_id"}:
            spelled[name] = draw(id_spellings(value, str(row["rid"])))
        elif name.endswith("_utc"):
            spelled[name] = draw(utc_spellings(value))
        elif name in _ROW_SPELLINGS:
            spelled[name] = draw(_ROW_SPELLINGS[name](value))
    return spelled


@st.composite
def envelope_spellings(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """Generate an envelope that means the same as `body`."""
    data = dict(body["data"])
    for name, value in body["data"].items():
        if value is None:
            continue
        if name in _ENVELOPE_SPELLINGS:
            data[name] = draw(_ENVELOPE_SPELLINGS[name](value))
        elif name == "reservationDateTime" and value.endswith("Z"):
            # Without an offset it would be local time.
            forms = utc_spellings(value).filter(lambda text: text[19:])
            data[name] = draw(forms)
    return body | {"data": data}
