"""Define restaurants, reservations and guests as frozen values, and generate ids and guest details.

Times are aware and in UTC. Fields follow the documented Sync v2 rows. Ids are UUIDs in either case
or 24 hex digits, as seen at OpenTable. Guest details use reserved phone numbers and example.com.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

_Value = TypeVar("_Value")


def draw_weighted(shares: Mapping[_Value, float], rng: random.Random) -> _Value:
    """Draw a value by its share; the shares need not sum up to 1."""
    return rng.choices(list(shares), list(shares.values()))[0]


def new_key(rng: random.Random) -> str:
    """Return an id without its ``{rid}-`` prefix."""
    # The reservation samples have UUIDs in either case, the guest samples 24 hex digits. The shares
    # are a choice.
    kind = draw_weighted({"hex": 5, "uuid": 4, "upper-case uuid": 1}, rng)
    if kind == "hex":
        return f"{rng.getrandbits(96):024x}"
    return new_uuid(rng) if kind == "uuid" else new_uuid(rng).upper()


def new_uuid(rng: random.Random) -> str:
    """Return a random (version 4) UUID as text."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def split_id(text: str) -> tuple[int, str] | None:
    """Split ``{rid}-{key}``; return None for another format."""
    rid, dash, key = text.partition("-")
    return (int(rid), key) if dash and rid.isdecimal() and key else None


_FIRST_NAMES = (
    "Avery",
    "Blake",
    "Casey",
    "Devon",
    "Ellis",
    "Frankie",
    "Gray",
    "Harper",
    "Indigo",
    "Jules",
)

_LAST_NAMES = (
    "Sample",
    "Example",
    "Testcase",
    "Placeholder",
    "Mockup",
    "Fixture",
    "Specimen",
    "Dummy",
)

SAMPLE_REQUESTS = (
    "Window seat",
    "High chair",
    "Nut allergy",
    "Birthday",
    "Quiet table",
    "Step-free access",
)

SAMPLE_SERVERS = ("Server A", "Server B", "Server C")


def generate_guest_details(rng: random.Random) -> tuple[str, str, str, str]:
    """Return first name, last name, e-mail address and national phone digits."""
    first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
    email = f"{first}.{last}{rng.randrange(10_000)}@example.com".lower()
    return first, last, email, f"21255501{rng.randrange(100):02d}"


# Sync API and webhook share the documented list. Two pages write "Partially Arrived" and "Partially
# Seated" with a space. A POS may add states.
EXPECTED_STATES = ("NotConfirmed", "LeftMessage", "WrongNumber", "NoAnswer", "Confirmed", "Late")
ARRIVED_STATES = ("PartiallyArrived", "AllArrived")

SEATED_STATES = (
    "PartiallySeated",
    "Seated",
    "Appetizer",
    "Entree",
    "Dessert",
    "CheckDropped",
    "Paid",
    "Cleared",
    "BusTable",
)

ENDED_STATES = ("Done", "Cancelled", "NoShow", "AssumedSeated", "AssumedDone")
ALL_STATES = EXPECTED_STATES + ARRIVED_STATES + SEATED_STATES + ENDED_STATES


@dataclass(frozen=True, slots=True)
class SandboxRestaurant:
    """A restaurant as OpenTable knows it; ``rid`` is its number there."""

    rid: int
    name: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class SandboxDeposit:
    """Money paid ahead, in minor units of ``currency``."""

    total_paid: int
    total_refunded: int = 0
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReservation:
    """One reservation at one moment; each change makes a new value.

    The store assigns ``sequence_id``, ``confirmation_id`` and ``scheduled_local``. ``key`` is the
    id without its ``{rid}-`` prefix. ``cancelled`` is the time of the *first* cancellation.
    """

    rid: int
    key: str
    scheduled: datetime
    party_size: int
    created: datetime
    updated: datetime
    state: str = "NotConfirmed"
    origin: str = "Web"
    guest_key: str | None = None
    # Documented: one counter per restaurant, increased by every event of any reservation.
    sequence_id: int = 0
    # Documented: unique in one restaurant only.
    confirmation_id: int = 0
    scheduled_local: str = ""
    tables: tuple[str, ...] = ()
    visit_tags: tuple[str, ...] = ()
    guest_request: str = ""
    venue_notes: str | None = None
    server: str | None = None
    arrived: datetime | None = None
    seated: datetime | None = None
    done: datetime | None = None
    cancelled: datetime | None = None
    waitlisted: datetime | None = None
    quoted_wait: int = 0
    deposit: SandboxDeposit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxGuest:
    """One guest of one restaurant; ``primary`` is the survivor's key once ``archived``."""

    rid: int
    key: str
    created: datetime
    updated: datetime
    sequence_id: int = 0
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""  # national digits without country code, as documented
    tags: tuple[str, ...] = ()
    notes: str | None = None
    email_optin: bool = False
    marketing_opted_out: bool = False
    is_hidden: bool = False
    forgotten: bool = False
    archived: bool = False
    primary: str | None = None
