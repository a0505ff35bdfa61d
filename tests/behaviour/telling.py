"""One thing that is said about a reservation, before any source has put it in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.statements import envelope_body, row_body

RESERVATION_KEY = "ot_1"
_ROW_FIELD_NAMES = {"partySize": "party_size", "status": "state"}


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """What is said, and its place in its speaker's order.

    Attributes:
        version: 1 to 30; a higher one was said later.
        fields: Values by the envelope's field names.
        is_complete: Whether all else is said as well: a confirmed table for four.
    """

    version: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_complete: bool = True


def complete_event(version: int, **said: Any) -> SampleEvent:
    """Return a whole statement."""
    return SampleEvent(version, said)


def partial_event(version: int, **said: Any) -> SampleEvent:
    """Return a statement that says nothing but this."""
    return SampleEvent(version, said, is_complete=False)


def sample_as_envelope(event: SampleEvent, restaurant_id: str) -> dict[str, Any]:
    """Return a relay's envelope."""
    fields: dict[str, Any] = {"restaurantId": restaurant_id, **event.fields}
    kind = "created" if event.is_complete else "updated"
    if fields.get("status") == "Cancelled":
        kind = "cancelled"
    return {**envelope_body(kind, event.version, **fields), "id": f"event_{event.version}"}


def sample_as_row(event: SampleEvent, rid: str) -> dict[str, Any]:
    """Return one of OpenTable's own objects."""
    fields = {_ROW_FIELD_NAMES.get(name, name): value for name, value in event.fields.items()}
    complete = row_body(event.version, **fields, rid=int(rid), id=f"{rid}-{RESERVATION_KEY}")
    if event.is_complete:
        return complete
    included = {"id", "rid", "sequence_id", "updated_at_utc", *fields}
    return {name: value for name, value in complete.items() if name in included}
