"""The base class of structs with secret or personal fields."""

from typing import Any

from msgspec import Struct


class RedactedStruct(Struct, frozen=True):
    """A struct whose ``repr`` shows only its type, so that no log or traceback shows the fields."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Hide the fields from debuggers with their own rendering, too."""
        return []
