from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import Actor, ReservationEvent, Version
from shared.core.statements import FieldRegisters, RegisterValue, ReservationState
from tests.statements import relayed, shown
from tests.strategies.histories import Telling, tellings
from tests.strategies.objects import NOON

FIRST, SECOND, THIRD = (Version.from_sequence(number, NOON) for number in (1, 2, 3))


def heard(*changes: ReservationEvent) -> ReservationState:
    statements = ReservationState()
    for change in changes:
        statements = statements.merge(change)
    return statements


@given(tellings, st.randoms(use_true_random=False))
def test_hearing_is_the_same_in_any_order(telling: Telling, random: Random) -> None:
    other = random.sample(telling.arrival, len(telling.arrival))
    assert heard(*other) == heard(*telling.arrival)


@given(tellings)
def test_hearing_again_changes_nothing(telling: Telling) -> None:
    statements = heard(*telling.arrival)
    assert heard(*telling.arrival, *telling.arrival) == statements


def test_a_register_keeps_each_fields_latest_value() -> None:
    register = FieldRegisters().merge(SECOND, {"a": 2}).merge(FIRST, {"a": 1, "b": 1})
    assert register == FieldRegisters(
        SECOND, {"a": RegisterValue(SECOND, 2), "b": RegisterValue(FIRST, 1)}
    )


def test_a_statement_that_says_nothing_moves_the_version_alone() -> None:
    register = FieldRegisters().merge(FIRST, {"a": 1}).merge(SECOND, {})
    assert register == FieldRegisters(SECOND, {"a": RegisterValue(FIRST, 1)})


def test_none_is_a_value_like_any_other() -> None:
    assert (
        FieldRegisters().merge(FIRST, {"a": 1}).merge(SECOND, {"a": None}).fields["a"].value is None
    )


def test_another_value_at_the_same_version_contradicts() -> None:
    assert FieldRegisters().merge(FIRST, {"a": 1, "b": 1}).has_conflict(FIRST, {"a": 1, "b": 2})


def test_the_same_value_at_the_same_version_does_not() -> None:
    assert not FieldRegisters().merge(FIRST, {"a": 1}).has_conflict(FIRST, {"a": 1, "b": 2})


def test_another_value_at_another_version_does_not() -> None:
    assert not FieldRegisters().merge(FIRST, {"a": 1}).has_conflict(SECOND, {"a": 2})


def test_another_spelling_of_opentables_id_does_not() -> None:
    assert (
        not FieldRegisters()
        .merge(FIRST, {"openTableId": "A"})
        .has_conflict(FIRST, {"openTableId": "a"})
    )


def test_opentables_word_is_shown_whatever_a_relays_clock_says() -> None:
    assert (
        heard(shown(1, party_size=2), relayed(minute=30, partySize=9)).resolve_field("partySize")
        == 2
    )


def test_opentables_none_is_shown_before_a_relays_word() -> None:
    statements = heard(shown(1, guest_request=None), relayed(minute=30, specialRequests="Nuts"))
    assert statements.resolve_field("specialRequests") is None


def test_a_relays_word_is_shown_where_opentable_never_spoke_of_it() -> None:
    assert heard(shown(1), relayed(dinerName="Ada")).resolve_field("dinerName") == "Ada"


def test_a_relays_word_is_shown_before_our_own() -> None:
    ours = replace(relayed(minute=30, partySize=9), actor=Actor.LINEUP)
    assert heard(ours, relayed(partySize=2)).resolve_field("partySize") == 2


def test_what_nobody_said_is_none() -> None:
    assert heard(shown(1)).resolve_field("dinerName") is None


def test_an_unknown_state_leaves_the_status_as_it_was() -> None:
    statements = heard(shown(1, state="Seated"), shown(2, state="bottle_service"))
    assert (statements.resolve_field("status"), statements.resolve_field("state")) == (
        "SEATED",
        "bottle_service",
    )


def test_a_late_older_statement_does_not_revive_a_cancelled_reservation() -> None:
    cancelled = relayed("cancelled", minute=2)
    assert heard(cancelled, relayed(minute=1)).resolve_field("status") == "CANCELLED"


def test_a_newer_statement_revives_a_cancelled_reservation() -> None:
    revived = relayed("updated", minute=3, status="confirmed")
    assert heard(relayed("cancelled", minute=2), revived).resolve_field("status") == "CONFIRMED"


def test_the_history_is_ordered_by_time_and_not_by_arrival() -> None:
    changes = [relayed("cancelled", minute=2), shown(61), relayed(minute=0)]
    assert [item.event_id for item in heard(*changes).status_history] == [
        "evt-created_0",
        "seq-61",
        "evt-cancelled_2",
    ]


def test_the_history_holds_a_statement_once() -> None:
    assert len(heard(shown(1), shown(1)).status_history) == 1


def test_a_statement_of_no_status_is_no_history() -> None:
    assert heard(relayed("updated", partySize=2)).status_history == ()


def test_a_repair_says_nothing_and_moves_no_version() -> None:
    repair = replace(relayed("updated"), actor=Actor.LINEUP)
    assert heard(shown(1), repair) == heard(shown(1))
