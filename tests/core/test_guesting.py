"""A statement meets the guest whom its reservation names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.erasure import PERSONAL_FIELDS
from shared.core.guest import Guest
from shared.core.guesting import (
    GUEST_LINKED_EVENT_TYPE,
    GuestRequired,
    MergeResult,
    merge_with_guest,
)
from shared.core.statements import ReservationState
from tests.statements import RECEIVED, RID, relayed, shown

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
ADA = Guest("ada", Version.from_sequence(1, NOON), {"firstName": "Ada", "phones": []})
KING = Guest("ada", Version.from_sequence(2, NOON), {"firstName": "King", "phones": []})
GRACE = Guest("grace", Version.from_sequence(1, NOON), {"firstName": "Grace", "phones": []})
GONE = Guest("ada", forgotten_at=NOON)
INTO_ADA = Guest("loser", is_merged=True, survivor_key="ada", survivor_id=f"{RID}-ada")


def naming(key: str | None, sequence_id: int = 1, **fields: Any) -> ReservationEvent:
    return shown(sequence_id, guest_id=key and f"{RID}-{key}", guest_request="Nuts", **fields)


def joined() -> ReservationEvent:
    return ReservationEvent(
        "ot_1",
        "guest-1",
        GUEST_LINKED_EVENT_TYPE,
        Actor.LINEUP,
        Version.from_timestamp(RECEIVED, "guest-1"),
        {},
        "{}",
        Channel.POLL,
    )


def heard(*changes: ReservationEvent, **guests: Guest | None) -> MergeResult:
    """Hear statements one after the other, the same guests being held all the while."""
    *earlier, last = changes
    before = heard(*earlier, **guests).state_after if earlier else ReservationState()
    found = merge_with_guest(last, before, guests)
    assert isinstance(found, MergeResult)
    return found


def personal(statements: ReservationState) -> list[object]:
    """Return what is said of a person."""
    return [
        said.value
        for register in statements.registers_by_actor.values()
        for name, said in register.fields.items()
        if name in PERSONAL_FIELDS and said.value
    ]


def test_a_guest_who_was_not_read_is_asked_for() -> None:
    assert merge_with_guest(naming("ada"), ReservationState(), {}) == GuestRequired("ada")


def test_a_survivor_who_was_not_read_is_asked_for() -> None:
    found = merge_with_guest(naming("loser"), ReservationState(), {"loser": INTO_ADA})
    assert found == GuestRequired("ada")


def test_a_reservation_without_a_guest_asks_for_nobody() -> None:
    assert heard(relayed(), naming(None)).state_after.linked_guest is None


def test_a_guest_of_whom_nothing_is_held_is_shown_as_nobody() -> None:
    after = heard(naming("ada"), ada=None).state_after
    assert after.linked_guest is None
    assert after.guest_references.resolved_keys == {"ada"}


def test_a_guest_joined_before_is_not_asked_for_again() -> None:
    before = heard(naming("ada"), ada=ADA).state_after
    found = merge_with_guest(naming("ada", 2), before, {})
    assert isinstance(found, MergeResult)
    assert found.state_after.linked_guest == before.linked_guest


def test_a_statement_does_not_renew_a_join_and_news_of_the_guest_does() -> None:
    before = heard(naming("ada"), ada=ADA).state_after
    for change, name in ((naming("ada", 2), "Ada"), (joined(), "King")):
        found = merge_with_guest(change, before, {"ada": KING})
        assert isinstance(found, MergeResult)
        assert found.state_after.linked_guest is not None
        assert found.state_after.linked_guest.diner_name == name


def test_another_guest_is_shown_once_a_newer_statement_names_that_one() -> None:
    after = heard(naming("ada", 1), naming("grace", 2), ada=ADA, grace=GRACE).state_after
    assert after.linked_guest is not None
    assert after.linked_guest.key == "grace"
    assert after.guest_references.keys == {"ada", "grace"}


def test_an_older_statement_names_a_guest_without_showing_that_one() -> None:
    after = heard(naming("grace", 2), naming("ada", 1), ada=ADA, grace=GRACE).state_after
    assert after.linked_guest is not None
    assert after.linked_guest.key == "grace"
    assert after.guest_references.keys == {"ada", "grace"}


def test_a_forgotten_guests_statement_is_scrubbed() -> None:
    found = heard(naming("ada"), ada=GONE)
    assert personal(found.state_after) == []
    assert "Nuts" not in found.event.payload
    assert found.state_after.resolve_field("partySize") == 4


def test_what_was_held_before_goes_with_the_guest() -> None:
    found = heard(relayed(dinerName="Ada", specialRequests="Nuts"), naming("ada"), ada=GONE)
    assert personal(found.state_before) == personal(found.state_after) == []


@pytest.mark.parametrize("later", [naming("grace", 2), naming(None, 2), relayed("updated", 9)])
def test_a_reservation_that_was_a_forgotten_guests_once_stays_scrubbed(
    later: ReservationEvent,
) -> None:
    found = heard(naming("ada"), later, ada=GONE, grace=GRACE)
    assert found.state_after.guest_references.has_forgotten_guest
    assert personal(found.state_after) == []


def test_a_guest_who_was_named_before_and_is_forgotten_now_takes_all_along() -> None:
    before = heard(naming("ada"), naming("grace", 2), ada=ADA, grace=GRACE).state_after
    found = merge_with_guest(joined(), before, {"ada": GONE, "grace": GRACE})
    assert isinstance(found, MergeResult)
    assert personal(found.state_after) == []
    assert found.state_after.linked_guest is not None
    assert found.state_after.linked_guest.diner_name == "Grace"


def test_a_merge_into_a_forgotten_guest_forgets() -> None:
    found = heard(naming("loser"), loser=INTO_ADA, ada=GONE)
    assert found.state_after.guest_references.has_forgotten_guest
    assert found.forgotten_guest_keys == {"ada"}


def test_a_tombstone_is_told_of_once() -> None:
    first = heard(relayed(), naming("ada"), ada=GONE)
    again = merge_with_guest(naming("ada", 2), first.state_after, {"ada": GONE})
    assert isinstance(again, MergeResult)
    assert first.forgotten_guest_keys == {"ada"}
    assert again.forgotten_guest_keys == set()
