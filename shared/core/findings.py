"""What reconciliation itself says about a reservation, as changes like any other."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.core.change import Change, Source, Speaker, Value, Version
from shared.core.document import open_table_mark
from shared.core.report import Divergence
from shared.core.statements import Statements


def flagged(
    external_key: str,
    statements: Statements,
    divergence: Divergence | None,
    report_id: str,
    now: datetime,
) -> Change:
    """Return the flagging of a divergence, or with None its settling.

    It holds while OpenTable says nothing newer, so it needs no undoing when OpenTable does.
    """
    said: dict[str, Value] = {
        "divergence": divergence and divergence.value,
        "divergenceMark": open_table_mark(statements),
    }
    kind = "flagged" if divergence else "settled"
    return _finding(external_key, kind, said, report_id, _after(statements, now))


def repaired(external_key: str, statements: Statements, report_id: str, now: datetime) -> Change:
    """Return the repair of a document that does not show what was said.

    It says nothing: applying any change renders the document anew from all that is held.
    """
    return _finding(external_key, "repaired", {}, report_id, _after(statements, now))


def _after(statements: Statements, now: datetime) -> datetime:
    """Return the present, or just after our last finding where another clock ran ahead."""
    last = statements.register(Speaker.LINEUP).version
    return now if last is None else max(now, last.at + timedelta(microseconds=1))


def _finding(
    external_key: str, kind: str, said: Mapping[str, Value], report_id: str, at: datetime
) -> Change:
    event_id = f"{kind}-{report_id}"
    return Change(
        external_key=external_key,
        event_id=event_id,
        event_type=f"reconciliation.{kind}",
        speaker=Speaker.LINEUP,
        version=Version.of_envelope(at, event_id),
        said=said,
        payload=json.dumps({"reportId": report_id}),
        source=Source.RECONCILIATION,
    )
