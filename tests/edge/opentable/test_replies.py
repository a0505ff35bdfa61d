from typing import Any

import pytest

from shared.core.paging import Page
from shared.edge.opentable.body import UnreadableBodyError
from shared.edge.opentable.replies import build_api_id, parse_page, parse_row

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
