from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import Change, Speaker, Version
from shared.core.statements import Register, Said, Statements
from tests.statements import relayed, shown
from tests.strategies.histories import Telling, tellings
from tests.strategies.objects import NOON

FIRST, SECOND, THIRD = (Version.of_object(number, NOON) for number in (1, 2, 3))


def heard(*changes: Change) -> Statements:
    statements = Statements()
    for change in changes:
        statements = statements.hear(change)
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
    register = Register().hear(SECOND, {"a": 2}).hear(FIRST, {"a": 1, "b": 1})
    assert register == Register(SECOND, {"a": Said(SECOND, 2), "b": Said(FIRST, 1)})


def test_a_statement_that_says_nothing_moves_the_version_alone() -> None:
    register = Register().hear(FIRST, {"a": 1}).hear(SECOND, {})
    assert register == Register(SECOND, {"a": Said(FIRST, 1)})


def test_none_is_a_value_like_any_other() -> None:
    assert Register().hear(FIRST, {"a": 1}).hear(SECOND, {"a": None}).fields["a"].value is None


def test_another_value_at_the_same_version_contradicts() -> None:
    assert Register().hear(FIRST, {"a": 1, "b": 1}).contradicts(FIRST, {"a": 1, "b": 2})


def test_the_same_value_at_the_same_version_does_not() -> None:
    assert not Register().hear(FIRST, {"a": 1}).contradicts(FIRST, {"a": 1, "b": 2})


def test_another_value_at_another_version_does_not() -> None:
    assert not Register().hear(FIRST, {"a": 1}).contradicts(SECOND, {"a": 2})


def test_another_spelling_of_opentables_id_does_not() -> None:
    assert not Register().hear(FIRST, {"openTableId": "A"}).contradicts(FIRST, {"openTableId": "a"})


def test_opentables_word_is_shown_whatever_a_relays_clock_says() -> None:
    assert heard(shown(1, party_size=2), relayed(minute=30, partySize=9)).shown("partySize") == 2


def test_opentables_none_is_shown_before_a_relays_word() -> None:
    statements = heard(shown(1, guest_request=None), relayed(minute=30, specialRequests="Nuts"))
    assert statements.shown("specialRequests") is None


def test_a_relays_word_is_shown_where_opentable_never_spoke_of_it() -> None:
    assert heard(shown(1), relayed(dinerName="Ada")).shown("dinerName") == "Ada"


def test_a_relays_word_is_shown_before_our_own() -> None:
    ours = replace(relayed(minute=30, partySize=9), speaker=Speaker.LINEUP)
    assert heard(ours, relayed(partySize=2)).shown("partySize") == 2


def test_what_nobody_said_is_none() -> None:
    assert heard(shown(1)).shown("dinerName") is None


def test_an_unknown_state_leaves_the_status_as_it_was() -> None:
    statements = heard(shown(1, state="Seated"), shown(2, state="bottle_service"))
    assert (statements.shown("status"), statements.shown("state")) == ("SEATED", "bottle_service")


def test_a_late_older_statement_does_not_revive_a_cancelled_reservation() -> None:
    cancelled = relayed("cancelled", minute=2)
    assert heard(cancelled, relayed(minute=1)).shown("status") == "CANCELLED"


def test_a_newer_statement_revives_a_cancelled_reservation() -> None:
    revived = relayed("updated", minute=3, status="confirmed")
    assert heard(relayed("cancelled", minute=2), revived).shown("status") == "CONFIRMED"


def test_the_history_is_ordered_by_time_and_not_by_arrival() -> None:
    changes = [relayed("cancelled", minute=2), shown(61), relayed(minute=0)]
    assert [item.event_id for item in heard(*changes).statuses] == [
        "evt-created_0",
        "seq-61",
        "evt-cancelled_2",
    ]


def test_the_history_holds_a_statement_once() -> None:
    assert len(heard(shown(1), shown(1)).statuses) == 1


def test_a_statement_of_no_status_is_no_history() -> None:
    assert heard(relayed("updated", partySize=2)).statuses == ()


def test_a_repair_says_nothing_and_moves_no_version() -> None:
    repair = replace(relayed("updated"), speaker=Speaker.LINEUP)
    assert heard(shown(1), repair) == heard(shown(1))
