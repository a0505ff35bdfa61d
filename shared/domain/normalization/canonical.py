"""Keep one form of each field's value, however a sender spells it, and cut texts that are too long.

The parsers in `shared.domain.normalization` return this form. Stored values are read in it too: a
release before it, or a person, may have stored another spelling. So two spellings are never
compared, merged or fingerprinted.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from shared.domain.ledger.events import FieldValue
from shared.domain.ledger.fields import PATHS_BY_NAME, RESERVATION_FIELDS, FieldKind
from shared.domain.normalization import field_values
from shared.domain.normalization.identifiers import lower_caseless_key

# Both formats together have some 20 texts, each stored twice. At the maximum they fill three
# quarters of Firestore's document limit of 1 MiB.
DEFAULT_MAX_TEXT_BYTES = 8 * 1024
MAX_TEXT_BYTES_LIMIT = 16 * 1024
MIN_TEXT_BYTES_LIMIT = 256

# At the end of a cut text, or the last item of a cut list. `normalize_state` keeps it unchanged.
CUT_MARK = "…[cut]"
CUT_TEXTS_FIELD = "cutTexts"

_RID_PREFIX = re.compile(r"^[0-9]{1,18}-", re.ASCII)

SPELLING_SUFFIX = "Spelling"  # of the fields for an id as OpenTable wrote it


def canonicalize_field(name: str, value: Any) -> Any:
    """Return the canonical form of a stored value of the field `name`.

    A value of another type than the field's is returned unchanged.
    """
    canonicalize = _CANONICALIZERS.get(name)
    return value if canonicalize is None else canonicalize(value)


def canonicalize_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the canonical form of stored values by field name.

    An id in another spelling also gets the field for requests, as parsed rows do.
    """
    canonical = {name: canonicalize_field(name, value) for name, value in values.items()}
    spellings = {
        f"{name}{SPELLING_SUFFIX}": values[name]
        for name in ("openTableId", "guestId")
        if name in values and canonical[name] != values[name]
    }
    return spellings | canonical


def canonicalize_path(path: str, value: Any) -> Any:
    """Return the canonical form of a document's value by its dotted path."""
    return canonicalize_field(_NAMES_BY_PATH.get(path, path), value)


def build_comparison_key(name: str, value: Any) -> Any:
    """Return a canonical value for comparisons.

    Compares unknown states by their letters, phone numbers by their digits, addresses without case,
    and ids by their keys: a restaurant may get another rid.
    """
    if not isinstance(value, str):
        return value
    match name:
        case "state":
            return field_values.normalize_state(value)
        case "phone" if not is_cut(value):
            return field_values.normalize_phone(value)
        case "email":
            return value.casefold()
        case "openTableId" | "guestId":
            return _RID_PREFIX.sub("", value)
        case _:
            return value


def build_path_comparison_key(path: str, value: Any) -> Any:
    """Return a document's value for comparisons, by its dotted path."""
    name = _NAMES_BY_PATH.get(path, path)
    return build_comparison_key(name, canonicalize_field(name, value))


def is_same_value(name: str, one: FieldValue, other: FieldValue) -> bool:
    """Return whether two canonical values of a field are equal as far as both were stored.

    The limit of texts is a setting, so one event may be cut at two lengths.
    """
    one, other = build_comparison_key(name, one), build_comparison_key(name, other)
    return one == other or _is_cut_from(one, other) or _is_cut_from(other, one)


def _is_cut_from(cut: FieldValue, complete: FieldValue) -> bool:
    if not is_cut(cut):
        return False
    if isinstance(cut, str):
        return isinstance(complete, str) and complete.startswith(cut.removesuffix(CUT_MARK))
    if not isinstance(cut, list) or not isinstance(complete, list):
        return False
    first_items = cut[:-1]
    return complete[: len(first_items)] == first_items


def is_cut(value: object) -> bool:
    """Return whether a text or list was cut by `cut_texts`."""
    if isinstance(value, list):
        return value[-1:] == [CUT_MARK]
    return isinstance(value, str) and value.endswith(CUT_MARK)


def cut_texts(values: Mapping[str, FieldValue], max_bytes: int) -> dict[str, FieldValue]:
    """Return the fields of an event with every text and list within `max_bytes` of UTF-8.

    The field `CUT_TEXTS_FIELD` is added if anything was cut. Without a limit, a few authenticated
    events could fill a document, so that Firestore rejects every later event.
    """
    bounded = {name: cut_value(value, max_bytes) for name, value in values.items()}
    return {**bounded, CUT_TEXTS_FIELD: True} if bounded != values else bounded


def cut_value(value: FieldValue, max_bytes: int) -> FieldValue:
    """Return a text or list within `max_bytes` of UTF-8, other values unchanged."""
    if isinstance(value, str):
        encoded = value.encode()
        if len(encoded) <= max_bytes:
            return value
        # A character that is cut in half is dropped.
        return encoded[: max_bytes - len(CUT_MARK.encode())].decode(errors="ignore") + CUT_MARK
    if isinstance(value, list):
        byte_count = 0
        for index, item in enumerate(value):
            byte_count += len(item.encode()) + 1  # Firestore's size of a text
            if byte_count > max_bytes:
                return [*value[:index], CUT_MARK]
    return value


def _only_for_text(canonicalize: Callable[[str], object]) -> Callable[[Any], Any]:
    """Return a function that leaves values of other types unchanged."""
    return lambda value: canonicalize(value) if isinstance(value, str) else value


def _canonicalize_text(value: Any) -> Any:
    return field_values.canonicalize_text(value) or None if isinstance(value, str) else value


def _canonicalize_text_list(value: Any) -> Any:
    return [_canonicalize_text(item) for item in value] if isinstance(value, list) else value


def _canonicalize_text_set(value: Any) -> Any:
    items = _canonicalize_text_list(value)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return items
    # The mark of a cut list stays at its end and is not sorted.
    mark = [CUT_MARK] if is_cut(items) else []
    return [*sorted({item for item in items if item != CUT_MARK}), *mark]


def _canonicalize_instant(value: Any) -> Any:
    has_fraction = isinstance(value, datetime) and value.microsecond
    return value.replace(microsecond=0) if has_fraction else value


_BY_KIND: dict[FieldKind, Callable[[Any], Any]] = {
    FieldKind.TEXT: _canonicalize_text,
    FieldKind.TEXT_LIST: _canonicalize_text_list,
    FieldKind.TEXT_SET: _canonicalize_text_set,
    FieldKind.INSTANT: _canonicalize_instant,
    FieldKind.START_TIME: _canonicalize_instant,
}
_CANONICALIZERS: dict[str, Callable[[Any], Any]] = {
    **{field.name: _BY_KIND[field.kind] for field in RESERVATION_FIELDS if field.kind in _BY_KIND},
    "openTableId": _only_for_text(lower_caseless_key),
    "guestId": _only_for_text(lower_caseless_key),
    "confirmationId": field_values.canonicalize_number,
    "state": _only_for_text(field_values.canonicalize_state),
    **{
        name: _only_for_text(partial(field_values.canonicalize_word, name))
        for name in field_values.WORD_FIELDS
    },
}
_NAMES_BY_PATH = {path: name for name, path in PATHS_BY_NAME.items()}
