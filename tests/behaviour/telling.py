"""One thing that is said about a reservation, before any source has put it in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.statements import envelope, row

RESERVATION = "ot_1"
_WORDS = {"partySize": "party_size", "status": "state"}


@dataclass(frozen=True, slots=True)
class Telling:
    """What is said, and its place in its speaker's order.

    Attributes:
        version: 1 to 30; a higher one was said later.
        said: Values by the envelope's field names.
        is_whole: Whether all else is said as well: a confirmed table for four.
    """

    version: int
    said: Mapping[str, Any] = field(default_factory=dict)
    is_whole: bool = True


def tell(version: int, **said: Any) -> Telling:
    """Return a whole statement."""
    return Telling(version, said)


def tell_only(version: int, **said: Any) -> Telling:
    """Return a statement that says nothing but this."""
    return Telling(version, said, is_whole=False)


def as_envelope(telling: Telling, restaurant_id: str) -> dict[str, Any]:
    """Return a relay's envelope."""
    said: dict[str, Any] = {"restaurantId": restaurant_id, **telling.said}
    kind = "created" if telling.is_whole else "updated"
    if said.get("status") == "Cancelled":
        kind = "cancelled"
    return {**envelope(kind, telling.version, **said), "id": f"event_{telling.version}"}


def as_row(telling: Telling, rid: str) -> dict[str, Any]:
    """Return one of OpenTable's own objects."""
    said = {_WORDS.get(name, name): value for name, value in telling.said.items()}
    whole = row(telling.version, **said, rid=int(rid), id=f"{rid}-{RESERVATION}")
    if telling.is_whole:
        return whole
    needed = {"id", "rid", "sequence_id", "updated_at_utc", *said}
    return {name: value for name, value in whole.items() if name in needed}
