"""Convert untrusted values to structs, and read stored values by their type.

Other programs and persons write documents too: a damaged value counts as missing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, TypeGuard, TypeVar

from msgspec import Struct, convert
from msgspec.structs import fields

V = TypeVar("V")
StructT = TypeVar("StructT", bound=Struct)
FieldReaders = Mapping[str, Callable[[Any], object]]
UNREADABLE_VALUE = "(unreadable)"  # shown for a value that only a person can have written

# Between two instances.
MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)
# Above every real count, and small enough to add to it.
MAX_COUNT = 10**15
# Before the first run of any restaurant.
EARLIEST_RUN = datetime(2000, 1, 1, tzinfo=UTC)


class RedactedStruct(Struct, frozen=True):
    """A struct whose ``repr`` shows only its type, so that no log or traceback shows the fields."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Hide the fields from debuggers with their own rendering, too."""
        return []


class InvalidFieldsError(ValueError):
    """Values do not fit a struct.

    Args:
        problems: Encoded field name to the problem of its value; an empty name stands for the
            combination of all fields. The texts never quote a value.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(sorted(problems.values())))
        self.problems = problems


def read_struct(
    struct_type: type[StructT],
    raw_values: Mapping[str, object],
    readers: FieldReaders | None = None,
) -> StructT:
    """Convert untrusted values to a struct with a default for every field.

    Args:
        struct_type: The struct; its ``__post_init__`` may check the combination of fields.
        raw_values: Encoded field name to value; unknown names are ignored.
        readers: Encoded field name to a function, applied to the raw value before conversion.

    Raises:
        InvalidFieldsError: With the problems of all fields.
    """
    values, problems = {}, {}
    # Field by field, because msgspec's own conversion stops at the first problem.
    for field in fields(struct_type):
        name = field.encode_name
        if name in raw_values:
            try:
                reader = (readers or {}).get(name, _reject_lone_surrogates)
                values[field.name] = convert(reader(raw_values[name]), field.type)
            except ValueError as error:
                problems[name] = str(error)
    if problems:
        raise InvalidFieldsError(problems)
    try:
        return struct_type(**values)
    except InvalidFieldsError:
        raise
    except ValueError as error:
        raise InvalidFieldsError({"": str(error)}) from None


def _reject_lone_surrogates(value: object) -> object:
    # A JSON escape such as "\ud800" is valid in Python text, but Firestore rejects it.
    if isinstance(value, str):
        value.encode()
    return value


def typed_or_none(expected_type: type[V], value: object) -> V | None:
    """Return a stored value of the expected type, None for any other."""
    # A bool is an int in Python, but never a party size.
    return value if isinstance(value, expected_type) and not isinstance(value, bool) else None


def read_map(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a map in a stored document, empty if it is missing or has another type."""
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def read_texts(document: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a list in a stored document; anything else counts as missing."""
    return [item for item in typed_or_none(list, document.get(name)) or () if isinstance(item, str)]


def replace_unreadable_values(value: object) -> object:
    """Return a stored value with `UNREADABLE_VALUE` for each part that JSON cannot contain."""
    if isinstance(value, Mapping):
        return {name: replace_unreadable_values(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [replace_unreadable_values(inner) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return UNREADABLE_VALUE
    is_plain = value is None or isinstance(value, str | int | float | datetime)
    return value if is_plain else UNREADABLE_VALUE


def read_run_time(state: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    """Return a time of an earlier run, None if it is missing or impossible.

    A time in the future, edited by hand, would postpone the next run until then.
    """
    at = state.get(name)
    is_possible = isinstance(at, datetime) and EARLIEST_RUN <= at <= now + MAX_CLOCK_DIFFERENCE
    return at if is_possible else None


def read_count(state: Mapping[str, Any], name: str) -> int:
    """Return a count of a run's state, 0 if it is missing or impossible."""
    count = state.get(name)
    return count if is_count(count) else 0


def is_count(value: object) -> TypeGuard[int]:
    """Return whether a stored value is a possible count."""
    count = typed_or_none(int, value)
    return count is not None and 0 <= count <= MAX_COUNT


def flatten_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored document with its maps, one level deep, as dotted paths."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            flat[name] = value
    return flat


def nest_fields(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted paths as nested maps, the form of a new document."""
    document: dict[str, Any] = {}
    for path, value in flat.items():
        name, dot, key = path.partition(".")
        if dot:
            document.setdefault(name, {})[key] = value
        else:
            document[name] = value
    return document
