"""What this project asks of structs: to keep a secret, and to tell everything wrong at once."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import Struct, convert
from msgspec.structs import fields

StructT = TypeVar("StructT", bound=Struct)
FieldReaders = Mapping[str, Callable[[Any], object]]

_NO_READERS: FieldReaders = MappingProxyType({})


class RedactedStruct(Struct, frozen=True):
    """A struct that shows nothing of what it holds: a secret, or a person."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show nothing to a debugger that draws its own picture either."""
        return []


class InvalidFieldsError(ValueError):
    """Something cannot be read.

    Args:
        problems: Each field's name as it was written, or empty for all of them together, and what
            is wrong with it, in words that never quote a value.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(sorted(problems.values())))
        self.problems = problems


def read_struct(
    struct_type: type[StructT],
    raw_values: Mapping[str, object],
    readers: FieldReaders = _NO_READERS,
) -> StructT:
    """Read a struct of which every field has a default.

    Field by field, because msgspec's own conversion ends at the first problem.

    Args:
        struct_type: The struct; what its ``__post_init__`` refuses concerns all fields together.
        raw_values: Field name, as it is written, to value. What is no field of it is ignored.
        readers: Field name to what makes of a written value the one that the field holds.

    Raises:
        InvalidFieldsError: With everything that is wrong.
    """
    values, problems = {}, {}
    for field in fields(struct_type):
        name = field.encode_name
        if name in raw_values:
            try:
                raw_value = readers.get(name, _reject_lone_surrogates)(raw_values[name])
                values[field.name] = convert(raw_value, field.type)
            except ValueError as error:
                problems[name] = str(error)
    if problems:
        raise InvalidFieldsError(problems)
    try:
        return struct_type(**values)
    except ValueError as error:
        raise InvalidFieldsError({"": str(error)}) from None


def _reject_lone_surrogates(value: object) -> object:
    """Refuse text that no store takes: JSON can escape half a character, which Python keeps."""
    if isinstance(value, str):
        value.encode()
    return value
