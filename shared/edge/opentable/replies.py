"""The shapes that Sync answers come in."""

from typing import Any

from shared.core.paging import Page
from shared.edge.opentable.body import UnreadableBodyError

OpenTableRow = dict[str, Any]
"""A reservation or guest as OpenTable sent it, parsed from JSON and not yet checked."""


def parse_page(body: dict[str, object]) -> Page:
    """Return the page that a listing's envelope holds.

    Raises:
        UnreadableBodyError: When ``offset``, ``hasNextPage`` or ``items`` is not of its kind.
    """
    offset, has_next_page, items = body.get("offset"), body.get("hasNextPage"), body.get("items")
    if isinstance(offset, bool) or not isinstance(offset, int):
        raise UnreadableBodyError("does not say its offset")
    if not isinstance(has_next_page, bool):
        raise UnreadableBodyError("does not say whether it has a next page")
    if not isinstance(items, list):
        raise UnreadableBodyError("has no list of items")
    return Page(offset, tuple(items), has_next_page)


def parse_row(body: dict[str, object], rid: str, requested_id: str) -> OpenTableRow | None:
    """Return the one row that was asked for by id.

    OpenTable documents no sample of this answer, so an envelope around it is accepted too.

    Args:
        body: The bare row, or an envelope whose ``items`` hold it alone or nothing.
        rid: The restaurant's number, which ids carry as a prefix or not.
        requested_id: The id asked for.

    Returns:
        The row, or None for an envelope with no items.

    Raises:
        UnreadableBodyError: When the body is neither, or is some other row.
    """
    items = body.get("items", [body])
    if items == []:
        return None
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise UnreadableBodyError("is not one row")
    row: OpenTableRow = items[0]
    if not isinstance(row.get("id"), str) or _normalize_id(rid, row["id"]) != _normalize_id(
        rid, requested_id
    ):
        raise UnreadableBodyError("is not the row that was asked for")
    return row


def build_api_id(rid: str, open_table_id: str) -> str:
    """Return an id with its restaurant's number in front, as the API's addresses want it."""
    return f"{rid}-{open_table_id.removeprefix(f'{rid}-')}"


def _normalize_id(rid: str, open_table_id: str) -> str:
    return open_table_id.removeprefix(f"{rid}-").lower()
