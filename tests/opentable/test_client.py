from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from shared.concurrency import Deadline
from shared.domain.opentable_pagination import Page
from shared.errors import (
    IncompleteListingError,
    OpenTableRequestRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.client import OpenTableClient, RowPage, build_api_id, parse_page, parse_row
from shared.opentable.query import ListingQuery, LocalDateTime, OpenTableAccess, Resource
from shared.opentable.transport import UnreadableBodyError
from tests.support.opentable import ScriptedAdapter, ScriptedResponse


def envelope(offset: int, *items: object, more: bool = False) -> ScriptedResponse:
    elsewhere = "https://evil.example/sync/v2/reservations?offset=2" if more else None
    return ScriptedResponse(
        {
            "offset": offset,
            "limit": 1_000,
            "hasNextPage": more,
            "nextPageUrl": elsewhere,
            "items": items,
        }
    )


def row(key: str, version: int = 1) -> dict[str, object]:
    return {"id": f"555001-{key}", "sequence_id": version, "href": "https://evil.example/"}


async def listed(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    query: ListingQuery | None = None,
) -> list[RowPage]:
    pages = client.iterate_pages(access, Resource.RESERVATIONS, query or ListingQuery(), deadline)
    return [page async for page in pages]


def asked_for(request: requests.PreparedRequest) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.url or "").query)


async def test_a_row_is_fetched_by_its_prefixed_id(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(row("AbC"))]
    assert await client.fetch_reservation(access, "AbC", deadline) == row("AbC")
    assert (
        scripted_adapter.requests[-1].url == "https://api.example/sync/v2/reservations/555001-AbC"
    )


async def test_a_guest_is_fetched_from_the_guests(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(row("g"))]
    await client.fetch_guest(access, "555001-g", deadline)
    assert scripted_adapter.requests[-1].url == "https://api.example/sync/v2/guests/555001-g"


async def test_a_row_that_is_not_there_is_none(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=404)]
    assert await client.fetch_reservation(access, "a", deadline) is None


async def test_an_id_malformed_for_opentable_gives_none(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=400)]
    assert await client.fetch_guest(access, "no id of OpenTable's", deadline) is None


async def test_a_hostile_id_stays_within_its_segment(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=404)]
    await client.fetch_reservation(access, "../../x?y#z", deadline)
    path = urlsplit(scripted_adapter.requests[-1].url or "").path
    assert path == "/sync/v2/reservations/555001-..%2F..%2Fx%3Fy%23z"


async def test_a_list_that_is_not_there_is_a_refusal(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=404)]
    with pytest.raises(OpenTableRequestRejectedError):
        await listed(client, access, deadline)


async def test_a_list_is_requested_with_its_filters(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [envelope(0)]
    query = ListingQuery(
        updated_after=datetime(2026, 3, 9, tzinfo=UTC),
        scheduled_from=LocalDateTime.from_date(date(2026, 3, 14)),
    )
    await listed(client, access, deadline, query)
    assert asked_for(scripted_adapter.requests[-1]) == {
        "rid": ["555001"],
        "limit": ["1000"],
        "offset": ["0"],
        "updated_after": ["2026-03-09T00:00:00.000Z"],
        "scheduled_time_from": ["2026-03-14T00:00:00"],
    }


async def test_pages_overlap_and_a_row_seen_again_is_yielded_once(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [
        envelope(0, row("a"), row("b"), more=True),
        envelope(1, row("b"), row("c")),
    ]
    pages = await listed(client, access, deadline)
    assert [page.rows for page in pages] == [(row("a"), row("b")), (row("c"),)]


async def test_the_next_page_url_chooses_neither_host_nor_offset(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [
        envelope(0, row("a"), row("b"), more=True),
        envelope(1, row("b"), row("c")),
    ]
    await listed(client, access, deadline)
    assert not scripted_adapter.requests_to("evil.example")
    assert asked_for(scripted_adapter.requests[-1])["offset"] == ["1"]


async def test_an_item_other_than_an_object_is_returned_separately(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [envelope(0, row("a"), None, "x")]
    assert await listed(client, access, deadline) == [RowPage((row("a"),), (None, "x"))]


async def test_a_page_of_another_format_is_requested_again(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ScriptedResponse({"items": "none"}), envelope(0, row("a"))]
    assert len(await listed(client, access, deadline)) == 1


async def test_a_list_that_fails_midway_raises(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [
        envelope(0, row("a"), row("b"), more=True),
        ScriptedResponse(status=503),
    ]
    with pytest.raises(OpenTableUnavailableError):
        await listed(client, access, deadline)


async def test_discontinuous_pages_raise(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [envelope(0, row("a"), row("b"), more=True)]
    with pytest.raises(IncompleteListingError):
        await listed(client, access, deadline)


PAGE: dict[str, Any] = {"offset": 0, "limit": 2, "hasNextPage": False, "nextPageUrl": None}
ROW: dict[str, Any] = {"id": "1-ABC", "sequence_id": 4}


def test_an_envelope_is_a_page() -> None:
    assert parse_page({**PAGE, "items": [1, 2]}) == Page(0, (1, 2), has_next_page=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": None},
        {"items": {}},
        {"items": [], "offset": "0"},
        {"items": [], "offset": True},
        {"items": [], "hasNextPage": None},
        {"items": [], "hasNextPage": "false"},
    ],
)
def test_an_envelope_of_another_shape_is_unreadable(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableBodyError):
        parse_page({**PAGE, **wrong})


def test_a_bare_row_is_that_row() -> None:
    assert parse_row(ROW, "1", "1-ABC") == ROW


def test_an_envelope_around_one_row_is_that_row() -> None:
    assert parse_row({**PAGE, "items": [ROW]}, "1", "1-ABC") == ROW


def test_an_empty_envelope_is_no_row() -> None:
    assert parse_row({**PAGE, "items": []}, "1", "1-ABC") is None


def test_a_row_is_matched_with_or_without_prefix_and_in_either_case() -> None:
    assert parse_row({"id": "abc"}, "1", "1-ABC") == {"id": "abc"}


@pytest.mark.parametrize(
    "body",
    [{"items": [ROW, ROW]}, {"items": [7]}, {"items": 7}, {"error": "x"}, {"id": 7}, {"id": "1-X"}],
)
def test_any_other_row_is_not_the_requested_one(body: dict[str, object]) -> None:
    with pytest.raises(UnreadableBodyError):
        parse_row(body, "1", "1-ABC")


def test_a_missing_prefix_is_completed() -> None:
    assert build_api_id("1", "abc") == build_api_id("1", "1-abc") == "1-abc"
