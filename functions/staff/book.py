"""The book: a day's reservations as a host needs them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field

from functions.staff.models import Asked, Instant, LocalDate, Told
from shared.core.document import flatten
from shared.core.times import instant_of, utc_text

V = TypeVar("V")


class DayAsked(Asked):
    """Which day."""

    day: LocalDate | None = Field(
        None, alias="date", description="The local date; by default today's in the restaurant."
    )


class ReservationSource(Told):
    """Where a reservation was made."""

    system: str | None
    state: str | None = Field(description="The status as OpenTable said it, e.g. `Late`.")


class Reservation(Told):
    """A reservation in the book."""

    id: str
    source: ReservationSource
    diner_name: str | None
    party_size: int | None
    start_at: str | None = Field(description="UTC.")
    local_date: str | None = Field(description="The business date, YYYY-MM-DD.")
    local_time: str | None = Field(description="The restaurant's wall clock, HH:MM.")
    status: str | None
    table_numbers: list[str]
    special_requests: str | None
    venue_notes: str | None
    cancellation_reason: str | None
    phone: str | None
    email: str | None
    marketing_opted_out: bool | None = Field(description="Whether the diner wants no marketing.")
    email_optin: bool | None = Field(description="Whether the diner wants mail.")
    reconciliation_status: str | None
    created_at: Instant | None
    updated_at: Instant | None


class Day(Told):
    """A day of the book."""

    date: str
    time_zone: str
    reservations: list[Reservation] = Field(description="By time, from all sources.")
    incomplete: list[Reservation] = Field(
        description="Those whose time is not known yet, whichever day they are on."
    )


def shown(document_id: str, document: Mapping[str, Any], zone: ZoneInfo) -> Reservation:
    """Return a document as the book shows it.

    What is not of the documented type (another part of the app writes documents too) is left
    out, so that one such document never hides the day.

    Args:
        document_id: The document's.
        document: As stored.
        zone: The restaurant's.
    """
    flat = flatten(document)
    start = _start(flat)
    tables = _of(list, flat.get("metadata.tableNumbers")) or []
    guest = _of(dict, flat.get("sync.guest")) or {}
    return Reservation(
        id=document_id,
        source=ReservationSource(
            system=_of(str, flat.get("source.system")), state=_of(str, flat.get("source.state"))
        ),
        diner_name=_of(str, flat.get("dinerName")),
        party_size=_of(int, flat.get("partySize")),
        start_at=utc_text(start) if start else None,
        local_date=_of(str, flat.get("localDate")),
        local_time=f"{start.astimezone(zone):%H:%M}" if start else None,
        status=_of(str, flat.get("status")),
        table_numbers=[str(table) for table in tables],
        special_requests=_of(str, flat.get("metadata.specialRequests")),
        venue_notes=_of(str, flat.get("metadata.venueNotes")),
        cancellation_reason=_of(str, flat.get("metadata.cancellationReason")),
        phone=_of(str, flat.get("phone")),
        email=_of(str, flat.get("email")),
        marketing_opted_out=guest.get("marketingOptedOut"),
        email_optin=guest.get("emailOptin"),
        reconciliation_status=_of(str, flat.get("reconciliation.reconciliationStatus")),
        created_at=_of(datetime, flat.get("createdAt")),
        updated_at=_of(datetime, flat.get("updatedAt")),
    )


def by_time(documents: Mapping[str, Mapping[str, Any]], zone: ZoneInfo) -> list[Reservation]:
    """Return documents as the book shows them, the earliest first."""
    reservations = [shown(id_, document, zone) for id_, document in documents.items()]
    return sorted(reservations, key=lambda item: (item.start_at or "", item.id))


def _start(flat: Mapping[str, Any]) -> datetime | None:
    moment = _of(datetime, flat.get("startAtTimestamp"))
    text = _of(str, flat.get("startAt"))
    if moment is not None or text is None:
        return moment
    try:
        return instant_of(text)
    except ValueError:
        return None


def _of(kind: type[V], value: object) -> V | None:
    return value if isinstance(value, kind) and not isinstance(value, bool) else None
