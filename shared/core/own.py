"""Lineup's own reservations: documents that another part of the app writes, changed by staff here.

Such a document shows values that no statement in the ledger ever said, in forms that only its
writer knows. So it is never rendered from statements: a change writes the fields that it says,
and leaves everything else as it stands.
"""

from collections.abc import Mapping
from typing import Any

from shared.core.change import Change, Speaker
from shared.core.document import FlatDocument
from shared.core.statements import HISTORY_LENGTH, Statements
from shared.core.stored import register_from, stored_register
from shared.errors import RejectedStatementError

_WRITTEN = {"status": "status", "cancellationReason": "metadata.cancellationReason"}


def own_statements(flat: Mapping[str, Any]) -> Statements:
    """Return what the staff said about one of Lineup's own reservations.

    Args:
        flat: The flattened document; its history is its writer's, and stays unread.

    Raises:
        RejectedStatementError: When there is no document: only its writer may create one.
    """
    if not flat:
        raise RejectedStatementError("unknown_reservation", "There is no reservation of this id.")
    stored = flat.get("sync.lineup")
    return Statements({} if stored is None else {Speaker.LINEUP: register_from(stored)})


def render_own(flat: Mapping[str, Any], heard: Statements, change: Change) -> FlatDocument:
    """Return the fields that a change writes in a document of Lineup's own.

    Args:
        flat: The flattened document as held.
        heard: All that the staff said, this change included.
        change: What is said; a field that was said later already is left out.
    """
    register = heard.register(Speaker.LINEUP)
    document: FlatDocument = {"sync.lineup": stored_register(register)}
    for name, path in _WRITTEN.items():
        if name in change.said and register.fields[name].version == change.version:
            document[path] = change.said[name]
    if "status" in document:
        held = list(flat.get("statusHistory") or ())
        document["statusHistory"] = [*held, _statement(change)][-HISTORY_LENGTH:]
    return document


def _statement(change: Change) -> dict[str, Any]:
    return {
        "status": change.said["status"],
        "timestamp": change.version.at,
        "source": change.speaker.value,
        "eventId": change.event_id,
    }
