from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from shared.domain.opentable_pagination import Page
from shared.errors import (
    IncompleteListingError,
    OpenTableItemRejectedError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.client import parse_page, parse_row
from shared.opentable.query import ListingQuery, LocalDateTime, Resource, RowPage
from shared.opentable.transport import UnreadableBodyError
from tests.opentable.conftest import ScriptedOpenTable
from tests.support.opentable import ScriptedResponse

GUEST_KEY = "0a5d2f34-6baa-4455-a3e7-0682c2094cac"


def page_response(offset: int, *items: object, has_next_page: bool = False) -> ScriptedResponse:
    next_url = "https://evil.example/sync/v2/reservations?offset=2" if has_next_page else None
    return ScriptedResponse(
        {
            "offset": offset,
            "limit": 1_000,
            "hasNextPage": has_next_page,
            "nextPageUrl": next_url,
            "items": items,
        }
    )


def new_row(key: str, version: int = 1) -> dict[str, object]:
    return {"id": f"555001-{key}", "sequence_id": version, "href": "https://evil.example/"}


FIRST_PAGE = page_response(0, new_row("a"), new_row("b"), has_next_page=True)
OVERLAPPING_PAGE = page_response(1, new_row("b"), new_row("c"))


def query_of(request: requests.PreparedRequest) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.url or "").query)


async def test_a_row_is_fetched_by_its_prefixed_id(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(new_row("AbC"))]
    assert await opentable.fetch_row("AbC") == new_row("AbC")
    [_, request] = opentable.adapter.requests
    assert request.url == "https://api.example/sync/v2/reservations/555001-AbC"


async def test_a_guest_is_fetched_from_the_guests(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(new_row("g"))]
    await opentable.fetch_row("555001-g", Resource.GUESTS)
    assert opentable.adapter.requests[-1].url == "https://api.example/sync/v2/guests/555001-g"


async def test_a_guest_is_found_whatever_the_case_of_its_id(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=404), ScriptedResponse(new_row(GUEST_KEY))]
    assert await opentable.fetch_row(GUEST_KEY.upper(), Resource.GUESTS) == new_row(GUEST_KEY)


@pytest.mark.parametrize("rejected_first", [True, False])
async def test_a_rejected_spelling_counts_only_if_no_other_is_found(
    opentable: ScriptedOpenTable, rejected_first: bool
) -> None:
    steps = [ScriptedResponse(status=403), ScriptedResponse(status=404)]
    opentable.adapter.steps.extend(steps if rejected_first else reversed(steps))
    with pytest.raises(OpenTableItemRejectedError):
        await opentable.fetch_row(GUEST_KEY, Resource.GUESTS)


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(404, id="missing"),
        pytest.param(410, id="gone"),
        pytest.param(400, id="malformed for OpenTable"),
    ],
)
async def test_an_id_unknown_to_opentable_gives_none(
    opentable: ScriptedOpenTable, status: int
) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=status)]
    assert await opentable.fetch_row("a") is None
    assert await opentable.fetch_row("not an OpenTable id", Resource.GUESTS) is None


async def test_a_hostile_id_stays_within_its_segment(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=404)]
    await opentable.fetch_row("../../x?y#z")
    path = urlsplit(opentable.adapter.requests[-1].url or "").path
    assert path == "/sync/v2/reservations/555001-..%2F..%2Fx%3Fy%23z"


async def test_a_missing_listing_is_a_rejection(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=404)]
    with pytest.raises(OpenTableRequestRejectedError):
        await opentable.list_pages()


async def test_a_listing_is_requested_with_its_filters(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [page_response(0)]
    await opentable.list_pages(
        ListingQuery(
            updated_after=datetime(2026, 3, 9, tzinfo=UTC),
            scheduled_from=LocalDateTime.from_date(date(2026, 3, 14)),
        )
    )
    assert query_of(opentable.adapter.requests[-1]) == {
        "rid": ["555001"],
        "limit": ["1000"],
        "offset": ["0"],
        "updated_after": ["2026-03-09T00:00:00.000Z"],
        "scheduled_time_from": ["2026-03-14T00:00:00"],
    }


async def test_pages_overlap_and_a_repeated_row_is_yielded_once(
    opentable: ScriptedOpenTable,
) -> None:
    opentable.adapter.steps = [FIRST_PAGE, OVERLAPPING_PAGE]
    pages = await opentable.list_pages()
    assert [page.rows for page in pages] == [(new_row("a"), new_row("b")), (new_row("c"),)]


async def test_the_next_page_url_chooses_neither_host_nor_offset(
    opentable: ScriptedOpenTable,
) -> None:
    opentable.adapter.steps = [FIRST_PAGE, OVERLAPPING_PAGE]
    await opentable.list_pages()
    assert not opentable.adapter.requests_to("evil.example")
    assert query_of(opentable.adapter.requests[-1])["offset"] == ["1"]


async def test_an_item_other_than_an_object_is_returned_separately(
    opentable: ScriptedOpenTable,
) -> None:
    opentable.adapter.steps = [page_response(0, new_row("a"), None, "x")]
    assert await opentable.list_pages() == [RowPage((new_row("a"),), (None, "x"))]


async def test_a_page_of_another_format_is_requested_again(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [ScriptedResponse({"items": "none"}), page_response(0, new_row("a"))]
    assert len(await opentable.list_pages()) == 1


async def test_a_listing_that_fails_midway_raises(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [FIRST_PAGE, ScriptedResponse(status=503)]
    with pytest.raises(OpenTableUnavailableError):
        await opentable.list_pages()


async def test_discontinuous_pages_raise(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [FIRST_PAGE]
    with pytest.raises(IncompleteListingError):
        await opentable.list_pages()


ENVELOPE: dict[str, Any] = {"offset": 0, "limit": 2, "hasNextPage": False, "nextPageUrl": None}
ROW: dict[str, Any] = {"id": "1-ABC", "sequence_id": 4}


def test_an_envelope_is_a_page() -> None:
    assert parse_page({**ENVELOPE, "items": [1, 2]}) == Page(0, (1, 2), has_next_page=False)


@pytest.mark.parametrize(
    "fields",
    [
        {"items": None},
        {"items": {}},
        {"items": [], "offset": "0"},
        {"items": [], "offset": True},
        {"items": [], "hasNextPage": None},
        {"items": [], "hasNextPage": "false"},
    ],
)
def test_an_envelope_of_another_shape_is_unreadable(fields: dict[str, object]) -> None:
    with pytest.raises(UnreadableBodyError):
        parse_page({**ENVELOPE, **fields})


@pytest.mark.parametrize(
    "body, expected",
    [
        pytest.param(ROW, ROW, id="bare row"),
        pytest.param({**ENVELOPE, "items": [ROW]}, ROW, id="envelope with one row"),
        pytest.param({**ENVELOPE, "items": []}, None, id="empty envelope"),
        pytest.param({"id": "abc"}, {"id": "abc"}, id="id without prefix in the other case"),
    ],
)
def test_a_row_is_parsed_in_every_shape(
    body: dict[str, object], expected: dict[str, object] | None
) -> None:
    assert parse_row(body, "1", "1-ABC") == expected


@pytest.mark.parametrize("row_id", [77, 77.0, " 1-77 "])
def test_the_id_of_a_row_is_read_as_in_a_listing(row_id: object) -> None:
    assert parse_row({"id": row_id}, "1", "1-77") == {"id": row_id}


@pytest.mark.parametrize(
    "body",
    [{"items": [ROW, ROW]}, {"items": [7]}, {"items": 7}, {"error": "x"}, {"id": 7}, {"id": "1-X"}],
)
def test_any_other_row_is_not_the_requested_one(body: dict[str, object]) -> None:
    with pytest.raises(UnreadableBodyError):
        parse_row(body, "1", "1-ABC")


async def test_an_id_with_an_earlier_rid_is_requested_with_the_present_one(
    opentable: ScriptedOpenTable,
) -> None:
    opentable.adapter.steps = [ScriptedResponse(new_row(GUEST_KEY))]
    assert await opentable.fetch_row(f"7-{GUEST_KEY}", Resource.GUESTS) == new_row(GUEST_KEY)
    url = f"https://api.example/sync/v2/guests/555001-{GUEST_KEY}"
    assert opentable.adapter.requests[-1].url == url
