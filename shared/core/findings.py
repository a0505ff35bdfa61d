"""What reconciliation itself says about a reservation, as changes like any other."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.core.change import Actor, Channel, FieldValue, ReservationEvent, Version
from shared.core.document import format_opentable_version
from shared.core.report import DivergenceType
from shared.core.statements import ReservationState


def build_divergence_event(
    external_key: str,
    state: ReservationState,
    divergence: DivergenceType | None,
    report_id: str,
    now: datetime,
) -> ReservationEvent:
    """Return the flagging of a divergence, or with None its settling.

    It holds while OpenTable says nothing newer, so it needs no undoing when OpenTable does.
    """
    fields: dict[str, FieldValue] = {
        "divergence": divergence and divergence.value,
        "divergenceVersion": format_opentable_version(state),
    }
    kind = "flagged" if divergence else "settled"
    return _build_reconciliation_event(
        external_key, kind, fields, report_id, _next_timestamp(state, now)
    )


def build_repair_event(
    external_key: str, state: ReservationState, report_id: str, now: datetime
) -> ReservationEvent:
    """Return the repair of a document that does not show what was said.

    It says nothing: applying any change renders the document anew from all that is held.
    """
    return _build_reconciliation_event(
        external_key, "repaired", {}, report_id, _next_timestamp(state, now)
    )


def _next_timestamp(state: ReservationState, now: datetime) -> datetime:
    """Return the present, or just after our last finding where another clock ran ahead."""
    last_version = state.get_registers(Actor.LINEUP).version
    return (
        now
        if last_version is None
        else max(now, last_version.occurred_at + timedelta(microseconds=1))
    )


def _build_reconciliation_event(
    external_key: str,
    kind: str,
    fields: Mapping[str, FieldValue],
    report_id: str,
    occurred_at: datetime,
) -> ReservationEvent:
    event_id = f"{kind}-{report_id}"
    return ReservationEvent(
        external_key=external_key,
        event_id=event_id,
        event_type=f"reconciliation.{kind}",
        actor=Actor.LINEUP,
        version=Version.from_timestamp(occurred_at, event_id),
        fields=fields,
        payload=json.dumps({"reportId": report_id}),
        channel=Channel.RECONCILIATION,
    )
