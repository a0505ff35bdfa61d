"""How a report's lists lie in Firestore: in its document, and in parts beneath it."""

REPORT_LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
CONTINUATION_COLLECTION = "continued"


def format_part_id(number: int) -> str:
    """Return the document id of a report's continuation, counted from 1."""
    return f"{number:06}"
