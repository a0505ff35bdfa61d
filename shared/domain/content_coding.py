"""Read the content codings of an HTTP message (RFC 9110, section 8.4)."""

from collections.abc import Iterable

# RFC 9110, section 8.4.1.3: "x-gzip" is equivalent to "gzip".
_ALIASES = {"x-gzip": "gzip"}


def list_content_codings(header_values: Iterable[str]) -> list[str]:
    """Return the applied codings in lower case, in the order in which they were applied.

    Empty elements and ``identity`` mean that no coding was applied. They are left out.

    Args:
        header_values: The ``Content-Encoding`` lines of a message, none if it has no such header.
    """
    names = [name.strip(" \t").lower() for value in header_values for name in value.split(",")]
    return [_ALIASES.get(name, name) for name in names if name not in {"", "identity"}]
