from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import Actor, ReservationEvent, Version
from shared.core.statements import FieldRegisters, RegisterValue, ReservationState
from tests.statements import envelope_event, row_event
from tests.strategies.histories import ArrivalSequence, arrival_sequences
from tests.strategies.objects import NOON

FIRST, SECOND, THIRD = (Version.from_sequence(number, NOON) for number in (1, 2, 3))


def merge_all(*changes: ReservationEvent) -> ReservationState:
    statements = ReservationState()
    for change in changes:
        statements = statements.merge(change)
    return statements


@given(arrival_sequences, st.randoms(use_true_random=False))
def test_merging_is_commutative(telling: ArrivalSequence, random: Random) -> None:
    other = random.sample(telling.arrival, len(telling.arrival))
    assert merge_all(*other) == merge_all(*telling.arrival)


@given(arrival_sequences)
def test_merging_is_idempotent(telling: ArrivalSequence) -> None:
    statements = merge_all(*telling.arrival)
    assert merge_all(*telling.arrival, *telling.arrival) == statements


def test_a_register_has_the_latest_value_of_each_field() -> None:
    register = FieldRegisters().merge(SECOND, {"a": 2}).merge(FIRST, {"a": 1, "b": 1})
    assert register == FieldRegisters(
        SECOND, {"a": RegisterValue(SECOND, 2), "b": RegisterValue(FIRST, 1)}
    )


def test_an_empty_event_updates_only_the_version() -> None:
    register = FieldRegisters().merge(FIRST, {"a": 1}).merge(SECOND, {})
    assert register == FieldRegisters(SECOND, {"a": RegisterValue(FIRST, 1)})


def test_none_is_a_value_like_any_other() -> None:
    assert (
        FieldRegisters().merge(FIRST, {"a": 1}).merge(SECOND, {"a": None}).fields["a"].value is None
    )


def test_another_value_at_the_same_version_is_a_conflict() -> None:
    assert FieldRegisters().merge(FIRST, {"a": 1, "b": 1}).has_conflict(FIRST, {"a": 1, "b": 2})


def test_the_same_value_at_the_same_version_is_no_conflict() -> None:
    assert not FieldRegisters().merge(FIRST, {"a": 1}).has_conflict(FIRST, {"a": 1, "b": 2})


def test_another_value_at_another_version_is_no_conflict() -> None:
    assert not FieldRegisters().merge(FIRST, {"a": 1}).has_conflict(SECOND, {"a": 2})


def test_another_format_of_the_opentable_id_is_no_conflict() -> None:
    assert (
        not FieldRegisters()
        .merge(FIRST, {"openTableId": "A"})
        .has_conflict(FIRST, {"openTableId": "a"})
    )


def test_opentable_takes_precedence_over_a_relay_with_any_clock() -> None:
    assert (
        merge_all(row_event(1, party_size=2), envelope_event(minute=30, partySize=9)).resolve_field(
            "partySize"
        )
        == 2
    )


def test_an_opentable_null_takes_precedence_over_a_relay_value() -> None:
    statements = merge_all(
        row_event(1, guest_request=None), envelope_event(minute=30, specialRequests="Nuts")
    )
    assert statements.resolve_field("specialRequests") is None


def test_a_relay_value_is_shown_without_an_opentable_value() -> None:
    assert (
        merge_all(row_event(1), envelope_event(dinerName="Ada")).resolve_field("dinerName") == "Ada"
    )


def test_a_relay_value_takes_precedence_over_lineup() -> None:
    ours = replace(envelope_event(minute=30, partySize=9), actor=Actor.LINEUP)
    assert merge_all(ours, envelope_event(partySize=2)).resolve_field("partySize") == 2


def test_an_unreported_field_is_none() -> None:
    assert merge_all(row_event(1)).resolve_field("dinerName") is None


def test_an_unknown_state_leaves_the_status_as_it_was() -> None:
    statements = merge_all(row_event(1, state="Seated"), row_event(2, state="bottle_service"))
    assert (statements.resolve_field("status"), statements.resolve_field("state")) == (
        "SEATED",
        "bottle_service",
    )


def test_a_late_older_event_does_not_restore_a_cancelled_reservation() -> None:
    cancelled = envelope_event("cancelled", minute=2)
    assert merge_all(cancelled, envelope_event(minute=1)).resolve_field("status") == "CANCELLED"


def test_a_newer_event_restores_a_cancelled_reservation() -> None:
    revived = envelope_event("updated", minute=3, status="confirmed")
    assert (
        merge_all(envelope_event("cancelled", minute=2), revived).resolve_field("status")
        == "CONFIRMED"
    )


def test_the_history_is_ordered_by_time_and_not_by_arrival() -> None:
    changes = [envelope_event("cancelled", minute=2), row_event(61), envelope_event(minute=0)]
    assert [item.event_id for item in merge_all(*changes).status_history] == [
        "evt-created_0",
        "seq-61",
        "evt-cancelled_2",
    ]


def test_the_history_contains_an_event_once() -> None:
    assert len(merge_all(row_event(1), row_event(1)).status_history) == 1


def test_an_event_without_a_status_is_not_in_the_history() -> None:
    assert merge_all(envelope_event("updated", partySize=2)).status_history == ()


def test_a_repair_changes_no_value_and_no_version() -> None:
    repair = replace(envelope_event("updated"), actor=Actor.LINEUP)
    assert merge_all(row_event(1), repair) == merge_all(row_event(1))
