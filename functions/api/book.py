"""The book: a day's reservations as a host needs them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field

from functions.api.models import LocalDate, RequestModel, ResponseModel, UtcInstant
from shared.domain.ledger.document import flatten_document
from shared.domain.normalization.fields import format_utc, parse_instant

V = TypeVar("V")


class DayRequest(RequestModel):
    """Which day."""

    day: LocalDate | None = Field(
        None, alias="date", description="The local date; by default today's in the restaurant."
    )


class ReservationSource(ResponseModel):
    """Where a reservation was made."""

    system: str | None
    state: str | None = Field(description="The status as OpenTable said it, e.g. `Late`.")


class ReservationResponse(ResponseModel):
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
    created_at: UtcInstant | None
    updated_at: UtcInstant | None


class DayResponse(ResponseModel):
    """A day of the book."""

    date: str
    time_zone: str
    reservations: list[ReservationResponse] = Field(description="By time, from all sources.")
    incomplete: list[ReservationResponse] = Field(
        description="Those whose time is not known yet, whichever day they are on."
    )


def build_reservation_response(
    document_id: str, document: Mapping[str, Any], zone: ZoneInfo
) -> ReservationResponse:
    """Return a document as the book shows it.

    What is not of the documented type (another part of the app writes documents too) is left
    out, so that one such document never hides the day.

    Args:
        document_id: The document's.
        document: As stored.
        zone: The restaurant's.
    """
    flat = flatten_document(document)
    start = _read_start(flat)
    tables = _typed_or_none(list, flat.get("metadata.tableNumbers")) or []
    guest = _typed_or_none(dict, flat.get("sync.guest")) or {}
    return ReservationResponse(
        id=document_id,
        source=ReservationSource(
            system=_typed_or_none(str, flat.get("source.system")),
            state=_typed_or_none(str, flat.get("source.state")),
        ),
        diner_name=_typed_or_none(str, flat.get("dinerName")),
        party_size=_typed_or_none(int, flat.get("partySize")),
        start_at=format_utc(start) if start else None,
        local_date=_typed_or_none(str, flat.get("localDate")),
        local_time=f"{start.astimezone(zone):%H:%M}" if start else None,
        status=_typed_or_none(str, flat.get("status")),
        table_numbers=[str(table) for table in tables],
        special_requests=_typed_or_none(str, flat.get("metadata.specialRequests")),
        venue_notes=_typed_or_none(str, flat.get("metadata.venueNotes")),
        cancellation_reason=_typed_or_none(str, flat.get("metadata.cancellationReason")),
        phone=_typed_or_none(str, flat.get("phone")),
        email=_typed_or_none(str, flat.get("email")),
        marketing_opted_out=guest.get("marketingOptedOut"),
        email_optin=guest.get("emailOptin"),
        reconciliation_status=_typed_or_none(str, flat.get("reconciliation.reconciliationStatus")),
        created_at=_typed_or_none(datetime, flat.get("createdAt")),
        updated_at=_typed_or_none(datetime, flat.get("updatedAt")),
    )


def build_sorted_reservations(
    documents: Mapping[str, Mapping[str, Any]], zone: ZoneInfo
) -> list[ReservationResponse]:
    """Return documents as the book shows them, the earliest first."""
    reservations = [
        build_reservation_response(id_, document, zone) for id_, document in documents.items()
    ]
    return sorted(reservations, key=lambda item: (item.start_at or "", item.id))


def _read_start(flat: Mapping[str, Any]) -> datetime | None:
    timestamp = _typed_or_none(datetime, flat.get("startAtTimestamp"))
    text = _typed_or_none(str, flat.get("startAt"))
    if timestamp is not None or text is None:
        return timestamp
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _typed_or_none(expected_type: type[V], value: object) -> V | None:
    return value if isinstance(value, expected_type) and not isinstance(value, bool) else None
