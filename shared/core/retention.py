"""How long things are kept: what has expired counts as gone before Firestore removes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def is_expired(document: Mapping[str, Any], field: str, now: datetime) -> bool:
    """Whether a document has expired; Firestore may take days to remove it.

    Args:
        document: As stored.
        field: The field that says when it expires.
        now: The current time, UTC.
    """
    expires_at = document.get(field)
    return isinstance(expires_at, datetime) and expires_at <= now
