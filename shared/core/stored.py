"""Statements as Firestore keeps them, in ``sync`` and ``statusHistory``, and back.

A register is stored as its highest version, all values, and the versions of only those fields
that were last said earlier (``behind``): OpenTable's objects are whole, so theirs is empty.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.core.change import Speaker
from shared.core.joined import join_from
from shared.core.named import Named
from shared.core.statements import Register, Said, Statements, StatusStatement
from shared.core.states import Status
from shared.core.versions import stored_version, version_from

_SEQUENCE_PREFIX = "seq-"


def stored_register(register: Register) -> dict[str, Any]:
    """Return a register as a map."""
    behind = {
        name: stored_version(said.version)
        for name, said in register.fields.items()
        if said.version != register.version
    }
    return {
        "version": register.version and stored_version(register.version),
        "values": {name: said.value for name, said in register.fields.items()},
        "behind": behind,
    }


def register_from(stored: Mapping[str, Any]) -> Register:
    """Read a register back."""
    version = version_from(stored["version"])
    behind = stored["behind"]
    fields = {
        name: Said(version_from(behind[name]) if name in behind else version, value)
        for name, value in stored["values"].items()
    }
    return Register(version, fields)


def stored_history(statuses: Iterable[StatusStatement]) -> list[dict[str, Any]]:
    """Return the status history as a list of maps, oldest first."""
    return [
        {
            "status": item.status.value,
            "timestamp": item.at,
            "source": item.speaker.value,
            "eventId": item.event_id,
        }
        for item in statuses
    ]


def history_from(stored: Iterable[Mapping[str, Any]]) -> tuple[StatusStatement, ...]:
    """Read the status history back; what an earlier app left in another form is not ours."""
    read = (_statement_from(item) for item in stored)
    return tuple(statement for statement in read if statement is not None)


def _statement_from(item: Any) -> StatusStatement | None:
    try:
        at, speaker, event_id = item["timestamp"], Speaker(item["source"]), item["eventId"]
        status, sequence_id = Status(item["status"]), _sequence_of(event_id)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return StatusStatement(at, speaker, sequence_id, event_id, status)


def _sequence_of(event_id: str) -> int:
    sequence = event_id.removeprefix(_SEQUENCE_PREFIX)
    return int(sequence) if sequence != event_id and sequence.isdecimal() else 0


def statements_of(flat: Mapping[str, Any]) -> Statements:
    """Read everything that was said about a reservation back from its flattened document."""
    registers = {
        speaker: register_from(stored)
        for speaker in Speaker
        if (stored := flat.get(f"sync.{speaker.lower()}")) is not None
    }
    joined = flat.get("sync.guest")
    return Statements(
        registers,
        history_from(flat.get("statusHistory") or ()),
        joined and join_from(joined),
        _named(flat),
    )


def stored_named(named: Named) -> dict[str, Any]:
    """Return whom a reservation named as fields of its document, none where that is nobody."""
    if not named.keys:
        return {}
    return {
        "guests.named": sorted(named.keys),
        "guests.ledTo": sorted(named.led_to),
        "guests.forgotten": named.forgotten,
    }


def _named(flat: Mapping[str, Any]) -> Named:
    return Named(
        frozenset(flat.get("guests.named", ())),
        frozenset(flat.get("guests.ledTo", ())),
        flat.get("guests.forgotten", False),
    )
