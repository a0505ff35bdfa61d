"""Flag differences that need a person, and store the decisions of the staff about them.

A flag belongs to OpenTable's present version of the reservation: its next version settles the flag.
A decision is about one flag and ends with it, or when a reconciliation finds the reservation at
OpenTable again. Nothing is ever deleted.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from shared.domain.ledger.events import (
    Actor,
    Channel,
    FieldValue,
    ReservationEvent,
    build_lineup_event,
)
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.field_values import canonicalize_text, format_utc
from shared.domain.validation import typed_or_none


class DivergenceType(StrEnum):
    """A difference for a person to resolve; reconciliation does not correct it."""

    MISSING_IN_OPENTABLE = "MISSING_IN_OPENTABLE"
    UNREADABLE = "UNREADABLE"
    CONFLICTING_VERSION = "CONFLICTING_VERSION"
    VERSION_BEHIND = "VERSION_BEHIND"
    WRONG_TIME_ZONE = "WRONG_TIME_ZONE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"


class ReviewDecision(StrEnum):
    """What the staff decided about a reservation that OpenTable does not know."""

    KEPT = "KEPT"
    REMOVED = "REMOVED"


class ReviewRequest(Struct, frozen=True):
    """A decision on some reservations, with its reason and user."""

    decision: ReviewDecision
    reason: str
    user_uid: str


def find_open_divergence(state: ReservationState) -> str | None:
    """Return the type of a flagged and unresolved divergence."""
    # A newer OpenTable version settles the flag by itself.
    if state.resolve_field("divergenceVersion") != format_opentable_version(state):
        return None
    return typed_or_none(str, state.resolve_field("divergence"))


def find_review_decision(state: ReservationState) -> str | None:
    """Return the staff's decision on an open divergence; a newer OpenTable version ends it."""
    if find_open_divergence(state) is None:
        return None
    if state.resolve_field("reviewVersion") != format_opentable_version(state):
        return None
    return typed_or_none(str, state.resolve_field("reviewDecision"))


def is_reviewable(state: ReservationState) -> bool:
    """Whether the staff may decide: only about reservations that OpenTable does not know."""
    return find_open_divergence(state) == DivergenceType.MISSING_IN_OPENTABLE


def build_divergence_event(
    external_key: str,
    state: ReservationState,
    divergence: DivergenceType | None,
    report_id: str,
    now: datetime,
) -> ReservationEvent:
    """Return the event that flags a divergence, or settles the flag if `divergence` is None.

    A flag belongs to OpenTable's present version, so OpenTable's next event settles it, too.
    """
    fields: dict[str, FieldValue] = {
        "divergence": divergence.value if divergence else None,
        "divergenceVersion": format_opentable_version(state),
    }
    if state.resolve_field("reviewDecision") is not None:
        # The decision was about the earlier flag.
        fields["reviewDecision"] = None
    kind = "flagged" if divergence else "resolved"
    return _build_reconciliation_event(
        external_key, kind, fields, report_id, state.next_timestamp(Actor.LINEUP, now)
    )


def build_repair_event(
    external_key: str, state: ReservationState, report_id: str, now: datetime
) -> ReservationEvent:
    """Return an event without fields: applying it renders the document again from the registers."""
    return _build_reconciliation_event(
        external_key, "repaired", {}, report_id, state.next_timestamp(Actor.LINEUP, now)
    )


def _build_reconciliation_event(
    external_key: str,
    kind: str,
    fields: Mapping[str, FieldValue],
    report_id: str,
    occurred_at: datetime,
) -> ReservationEvent:
    return build_lineup_event(
        external_key,
        event_id=f"{kind}-{report_id}",
        event_type=f"reconciliation.{kind}",
        occurred_at=occurred_at,
        channel=Channel.RECONCILIATION,
        fields=fields,
        payload=json.dumps({"reportId": report_id}),
    )


def build_review_event(
    external_key: str,
    state: ReservationState,
    request: ReviewRequest,
    *,
    event_id: str,
    now: datetime,
) -> ReservationEvent:
    """Return the event of a decision."""
    return build_lineup_event(
        external_key,
        event_id=event_id,
        event_type=f"staff.{request.decision.lower()}",
        occurred_at=state.next_timestamp(Actor.LINEUP, now),
        channel=Channel.STAFF,
        fields={
            "reviewDecision": request.decision.value,
            "reviewVersion": format_opentable_version(state),
            "reviewReason": canonicalize_text(request.reason),
        },
        requested_by=request.user_uid,
    )


def format_opentable_version(state: ReservationState) -> str:
    """Return OpenTable's version as text, empty without one."""
    version = state.get_registers(Actor.OPENTABLE).version
    return f"{version.sequence_id}@{format_utc(version.occurred_at)}" if version else ""
