"""How a report's lists lie in Firestore: in its document, and in parts beneath it."""

LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
CONTINUATION = "continued"


def part_name(number: int) -> str:
    """Return the document id of a report's continuation, counted from 1."""
    return f"{number:06}"
