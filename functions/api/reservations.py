"""Read reservations: those of a day, a search over all days, one of them, and its journal."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from functions.api.auth import HostContext, RequestContext
from functions.api.integration import require_cached_settings
from functions.api.requests import (
    API_PREFIX,
    DocumentId,
    LocalDate,
    PageLimit,
    RequestModel,
    StaffRoute,
    Utf8Text,
)
from functions.api.responses import (
    BODY_ERROR_RESPONSES,
    ResponseModel,
    StoredMap,
    UtcInstant,
    build_invalid_request_error,
    build_not_found_error,
    build_readable_responses,
)
from shared.domain.days import ServiceDay, find_service_date
from shared.domain.http_messages import list_entity_tags
from shared.domain.ledger.divergence import ReviewDecision
from shared.domain.ledger.document import find_start
from shared.domain.normalization.field_values import format_utc
from shared.domain.search import parse_search_text
from shared.domain.settings import IntegrationSettings
from shared.domain.validation import flatten_document, typed_or_none
from shared.firestore import paths
from shared.firestore.documents import read_document
from shared.ledger.day_reservations import compute_day_etag, read_day_reservations
from shared.ledger.queries import read_journal_page, search_reservations

router = APIRouter(prefix=f"{API_PREFIX}/reservations", route_class=StaffRoute)


class DayRequest(RequestModel):
    """Which day."""

    day: LocalDate | None = Field(
        None,
        alias="date",
        description="Date of the service day; the default is the present one.",
    )


class ReservationSource(ResponseModel):
    """Where a reservation was made."""

    system: str | None
    state: str | None = Field(description="The status in OpenTable's words, for example `Late`.")


class ReservationResponse(ResponseModel):
    """A reservation."""

    id: str
    source: ReservationSource
    diner_name: str | None
    party_size: int | None
    start_at: str | None = Field(description="UTC.")
    local_date: str | None = Field(description="Date in the restaurant's zone, YYYY-MM-DD.")
    service_date: str | None = Field(
        description="Date of the service day: the evening before for a time after midnight."
    )
    local_time: str | None = Field(description="Time in the restaurant's zone, HH:MM.")
    status: str | None
    table_numbers: list[str]
    special_requests: str | None
    venue_notes: str | None
    open_table_notes: str | None
    server: str | None
    visit_tags: list[str]
    cancellation_reason: str | None
    review_decision: str | None = Field(
        description="`KEPT` or `REMOVED` by the staff, although OpenTable does not know it."
    )
    review_reason: str | None
    phone: str | None
    email: str | None
    marketing_opted_out: bool | None = Field(description="Whether the diner refuses marketing.")
    email_optin: bool | None = Field(description="Whether the diner accepts email.")
    reconciliation_status: str | None
    created_at: UtcInstant | None
    updated_at: UtcInstant | None

    @property
    def is_removed(self) -> bool:
        """Whether the staff removed it."""
        return self.review_decision == ReviewDecision.REMOVED


class DayResponse(ResponseModel):
    """The reservations of a service day."""

    date: str
    time_zone: str
    service_day_ends_at: str = Field(description="Local time on the next date, HH:MM.")
    reservations: list[ReservationResponse] = Field(description="From all sources, by time.")
    removed: list[ReservationResponse] = Field(
        description="Those of the day, or without a time, that the staff removed."
    )
    incomplete: list[ReservationResponse] = Field(
        description="Reservations of any day whose time is not known yet."
    )


@router.get(
    "",
    summary="List a day's reservations",
    response_model=DayResponse,
    responses={304: {"description": "The day is unchanged."}},
)
async def list_reservations(
    context: HostContext,
    query: Annotated[DayRequest, Query()],
    response: Response,
    if_none_match: Annotated[str, Header()] = "",
) -> DayResponse | Response:
    """Return a day's reservations, or 304 if the caller's ETag is current (two reads)."""
    settings = await require_cached_settings(context)
    zone, ends_at = settings.require_zone(), settings.service_day_ends_at
    service_day = (
        ServiceDay.at(context.app_context.clock(), ends_at, zone)
        if query.day is None
        else ServiceDay(query.day, ends_at, zone)
    )
    if if_none_match:
        day_etag = await compute_day_etag(context.app_context, context.restaurant_id, service_day)
        etag = f'"{day_etag}"'
        if etag in list_entity_tags(if_none_match):
            return Response(status_code=304, headers={"ETag": f"W/{etag}"})
    day = await read_day_reservations(context.firestore, context.restaurant_id, service_day)
    # The tag of the documents in this response, not of the check above: they may have changed.
    response.headers["ETag"] = f'W/"{day.etag}"'
    dated = _build_sorted_reservations(day.dated, settings)
    undated = _build_sorted_reservations(day.undated, settings)
    return DayResponse(
        date=service_day.date.isoformat(),
        time_zone=zone.key,
        service_day_ends_at=f"{ends_at:%H:%M}",
        reservations=[item for item in dated if not item.is_removed],
        removed=[item for item in dated + undated if item.is_removed],
        incomplete=[item for item in undated if not item.is_removed],
    )


def _build_sorted_reservations(
    documents: Mapping[str, Mapping[str, Any]], settings: IntegrationSettings
) -> list[ReservationResponse]:
    reservations = [
        build_reservation_response(id_, document, settings) for id_, document in documents.items()
    ]
    # Reservations without a time come first, then by id, so that the order is stable.
    return sorted(reservations, key=lambda item: (item.start_at or "", item.id))


class SearchRequest(RequestModel):
    """The guest to find. A body, because addresses are logged."""

    text: Utf8Text = Field(
        min_length=1,
        max_length=100,
        description="Beginnings of the guest's names, or the end of the phone number in any form.",
    )
    limit: int = Field(20, ge=1, le=50, strict=True)
    cursor: Utf8Text | None = Field(
        None, max_length=1_000, description="`next` of the previous page."
    )


class SearchResponse(ResponseModel):
    """Found reservations: upcoming days first, then past days, then those without a day."""

    reservations: list[ReservationResponse]
    next: str | None = Field(description="The cursor of the next page; null on the last page.")


@router.post(
    "/search", summary="Search the reservations of all days", responses=BODY_ERROR_RESPONSES
)
async def search_all_days(context: HostContext, body: SearchRequest) -> SearchResponse:
    """Find reservations of any day by the guest's name or phone number.

    A page may have fewer results than the limit, also none, although `next` is set.
    """
    query = parse_search_text(body.text)
    if query is None:
        text = "Enter a part of the guest's name, or at least the last four digits of the number."
        raise build_invalid_request_error(text)
    settings = await require_cached_settings(context)
    zone = settings.require_zone()
    page = await search_reservations(
        context.firestore,
        context.restaurant_id,
        query,
        today=context.app_context.clock().astimezone(zone).date(),
        limit=body.limit,
        cursor=body.cursor,
    )
    found = [
        build_reservation_response(id_, document, settings)
        for id_, document in page.documents.items()
    ]
    return SearchResponse(reservations=found, next=page.next_cursor)


@router.get("/{reservation_id}", summary="Get a reservation")
async def get_reservation(context: HostContext, reservation_id: DocumentId) -> ReservationResponse:
    """Return one reservation of any day."""
    settings = await require_cached_settings(context)
    document = await require_reservation(context, reservation_id)
    return build_reservation_response(reservation_id, document, settings)


def build_reservation_response(
    document_id: str, document: Mapping[str, Any], settings: IntegrationSettings
) -> ReservationResponse:
    """Return a stored reservation as the API shows it.

    Other parts of the app write documents too: a value of an unexpected type is left out, so that
    one such document never hides the day.
    """
    flat, zone = flatten_document(document), settings.require_zone()
    start, local_date = find_start(flat), typed_or_none(str, flat.get("localDate"))
    local_time = None
    with suppress(OverflowError):  # the first or last day of the calendar
        local_time = f"{start.astimezone(zone):%H:%M}" if start else None
    tables = typed_or_none(list, flat.get("metadata.tableNumbers")) or []
    guest = typed_or_none(dict, flat.get("sync.guest")) or {}
    review_decision = typed_or_none(str, flat.get("reconciliation.reviewDecision"))
    return ReservationResponse(
        id=document_id,
        source=ReservationSource(
            system=typed_or_none(str, flat.get("source.system")),
            state=typed_or_none(str, flat.get("source.state")),
        ),
        diner_name=typed_or_none(str, flat.get("dinerName")),
        party_size=typed_or_none(int, flat.get("partySize")),
        start_at=format_utc(start) if start else None,
        local_date=local_date,
        service_date=find_service_date(
            local_date, flat.get("startAt"), settings.service_day_ends_at, zone
        ),
        local_time=local_time,
        status=typed_or_none(str, flat.get("status")),
        table_numbers=[str(table) for table in tables],
        special_requests=typed_or_none(str, flat.get("metadata.specialRequests")),
        venue_notes=typed_or_none(str, flat.get("metadata.venueNotes")),
        open_table_notes=typed_or_none(str, flat.get("metadata.openTableNotes")),
        server=typed_or_none(str, flat.get("metadata.server")),
        visit_tags=[str(tag) for tag in typed_or_none(list, flat.get("metadata.visitTags")) or []],
        cancellation_reason=typed_or_none(str, flat.get("metadata.cancellationReason")),
        review_decision=review_decision,
        # The reason of a decision that has ended is in the journal.
        review_reason=(
            typed_or_none(str, flat.get("metadata.reviewReason")) if review_decision else None
        ),
        phone=typed_or_none(str, flat.get("phone")),
        email=typed_or_none(str, flat.get("email")),
        marketing_opted_out=_bool_or_none(guest.get("marketingOptedOut")),
        email_optin=_bool_or_none(guest.get("emailOptin")),
        reconciliation_status=typed_or_none(str, flat.get("reconciliation.reconciliationStatus")),
        created_at=typed_or_none(datetime, flat.get("createdAt")),
        updated_at=typed_or_none(datetime, flat.get("updatedAt")),
    )


def _bool_or_none(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


class JournalRequest(RequestModel):
    """Which page of a journal."""

    limit: PageLimit = 100
    cursor: Utf8Text | None = Field(
        None, max_length=1_000, description="`next` of the previous page."
    )


class JournalEntryResponse(ResponseModel):
    """An entry of a reservation's journal."""

    event_id: str
    event_type: str
    source: str
    actor: str
    occurred_at: UtcInstant
    received_at: UtcInstant
    sequence_id: int | None
    by: str | None = Field(None, description="The user of a staff action or a replay.")
    by_name: str | None = Field(None, description="The user's name; null if it is unknown.")
    outcome: str
    changes: StoredMap


class JournalPageResponse(ResponseModel):
    """A page of a reservation's journal, oldest entry first."""

    events: list[JournalEntryResponse]
    next: str | None = Field(description="The cursor of the next page; null on the last page.")


@router.get("/{reservation_id}/events", summary="List a reservation's journal, oldest entry first")
async def list_journal_entries(
    context: HostContext, reservation_id: DocumentId, query: Annotated[JournalRequest, Query()]
) -> JournalPageResponse:
    """Return a page of a reservation's journal."""
    page = await read_journal_page(
        context.app_context, context.restaurant_id, reservation_id, query.limit, query.cursor
    )
    # An empty first page is either an expired journal or an unknown reservation.
    if not page.entries and query.cursor is None:
        await require_reservation(context, reservation_id)
    names = await context.read_names(entry.get("by") for entry in page.entries)
    entries = ({**entry, "byName": names.get(str(entry.get("by")))} for entry in page.entries)
    events = build_readable_responses(
        JournalEntryResponse, entries, context.restaurant_id, "ledgerEvents"
    )
    return JournalPageResponse(events=events, next=page.next_cursor)


async def require_reservation(context: RequestContext, reservation_id: str) -> dict[str, Any]:
    """Return the stored reservation, or raise a 404 error."""
    reservations = paths.reservations_collection(context.firestore, context.restaurant_id)
    document = (await read_document(reservations.document(reservation_id))).to_dict()
    if document is None:
        raise build_not_found_error("This restaurant has no reservation with this id.")
    return document
