"""Versions as Firestore keeps them, and back."""

from collections.abc import Mapping
from typing import Any

from shared.core.change import Version


def version_to_map(version: Version) -> dict[str, Any]:
    """Return a version as a map; what is always empty for its speaker is left out."""
    if version.event_id:
        return {"at": version.occurred_at, "id": version.event_id}
    return {"at": version.occurred_at, "sequenceId": version.sequence_id}


def version_from_map(stored: Mapping[str, Any]) -> Version:
    """Read a version back."""
    return Version(stored.get("sequenceId", 0), stored["at"], stored.get("id", ""))
