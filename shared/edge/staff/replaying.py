"""Replaying a quarantined statement: in by the front door, only later.

Its sender proved who it is when it came; that verdict stays with the item and is not judged
anew, as its signature has long expired. Its place in time is the one that it had then.
"""

from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions as google

from shared.core.body import InvalidJsonError, Shape, parse_object, shape_of
from shared.core.change import Change, Source
from shared.core.settings import Settings
from shared.edge.batches import decide_group
from shared.edge.intake import Statement, read_statement
from shared.edge.ledger import Applied, Ledger, applied_by
from shared.edge.services import Services
from shared.errors import LedgerUnavailableError, RejectedStatementError


async def replay(services: Services, settings: Settings, item: Mapping[str, Any]) -> Applied:
    """Apply a quarantined statement as if it came now, dated by when it first came.

    Args:
        services: The process's services.
        settings: The restaurant's.
        item: The quarantine item.

    Raises:
        RejectedStatementError: When it still cannot be applied; it stays where it is.
        LedgerUnavailableError: When it could not be committed now.
    """
    change = _change(settings, item)
    return await services.ledger(settings).apply(change)


async def rehearse(services: Services, settings: Settings, item: Mapping[str, Any]) -> Applied:
    """Return what `replay` would do, writing nothing; it raises the same."""
    change = _change(settings, item)
    return await _decided(services.ledger(settings), change)


async def _decided(ledger: Ledger, change: Change) -> Applied:
    try:
        _, decisions = await decide_group(ledger, [change], ledger.writing())
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None
    return applied_by(change, decisions[change.external_key])


def _change(settings: Settings, item: Mapping[str, Any]) -> Change:
    text = item["body"]
    try:
        body = parse_object(text.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        raise _no_statement() from None
    shape = shape_of(body)
    if shape is None or (shape is Shape.ENVELOPE and not isinstance(body["data"], dict)):
        raise _no_statement()
    content_type, received_at = item["contentType"], item["receivedAt"]
    statement = Statement(shape, body, text, content_type, received_at, Source.REPLAY, vouched=True)
    return read_statement(settings, statement)


def _no_statement() -> RejectedStatementError:
    return RejectedStatementError(
        "not_a_statement", "The body is neither an envelope nor OpenTable's object."
    )
