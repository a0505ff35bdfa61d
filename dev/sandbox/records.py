"""What OpenTable's book holds: restaurants, reservations and guests, as frozen values.

All times are aware and in UTC. Fields follow OpenTable's documented Sync v2 rows; ``local``
is derived: the scheduled time as the restaurant's wall clock shows it.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

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

    ``sequence_id``, ``confirmation_id`` and ``scheduled_local`` are given by the book; ``key`` is
    the id
    without its ``{rid}-`` prefix; ``cancelled`` is the *first* cancellation.
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
    sequence_id: int = 0
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
    phone: str = ""
    tags: tuple[str, ...] = ()
    notes: str | None = None
    email_optin: bool = False
    marketing_opted_out: bool = False
    is_hidden: bool = False
    forgotten: bool = False
    archived: bool = False
    primary: str | None = None
