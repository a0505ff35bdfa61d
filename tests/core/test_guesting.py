"""A statement meets the guest whom its reservation names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.core.change import Change, Source, Speaker, Version
from shared.core.erasure import PERSONAL_FIELDS
from shared.core.guest import Guest
from shared.core.guesting import GUEST_JOINED, GuestNeeded, Heard, hear_with_guest
from shared.core.statements import Statements
from tests.statements import RECEIVED, RID, relayed, shown

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
ADA = Guest("ada", Version.of_object(1, NOON), {"firstName": "Ada", "phones": []})
KING = Guest("ada", Version.of_object(2, NOON), {"firstName": "King", "phones": []})
GRACE = Guest("grace", Version.of_object(1, NOON), {"firstName": "Grace", "phones": []})
GONE = Guest("ada", forgotten_at=NOON)
INTO_ADA = Guest("loser", archived=True, survivor="ada", survivor_id=f"{RID}-ada")


def naming(key: str | None, sequence_id: int = 1, **fields: Any) -> Change:
    return shown(sequence_id, guest_id=key and f"{RID}-{key}", guest_request="Nuts", **fields)


def joined() -> Change:
    return Change(
        "ot_1",
        "guest-1",
        GUEST_JOINED,
        Speaker.LINEUP,
        Version.of_envelope(RECEIVED, "guest-1"),
        {},
        "{}",
        Source.POLL,
    )


def heard(*changes: Change, **guests: Guest | None) -> Heard:
    """Hear statements one after the other, the same guests being held all the while."""
    *earlier, last = changes
    before = heard(*earlier, **guests).after if earlier else Statements()
    found = hear_with_guest(last, before, guests)
    assert isinstance(found, Heard)
    return found


def personal(statements: Statements) -> list[object]:
    """Return what is said of a person."""
    return [
        said.value
        for register in statements.registers.values()
        for name, said in register.fields.items()
        if name in PERSONAL_FIELDS and said.value
    ]


def test_a_guest_who_was_not_read_is_asked_for() -> None:
    assert hear_with_guest(naming("ada"), Statements(), {}) == GuestNeeded("ada")


def test_a_survivor_who_was_not_read_is_asked_for() -> None:
    found = hear_with_guest(naming("loser"), Statements(), {"loser": INTO_ADA})
    assert found == GuestNeeded("ada")


def test_a_reservation_without_a_guest_asks_for_nobody() -> None:
    assert heard(relayed(), naming(None)).after.guest is None


def test_a_guest_of_whom_nothing_is_held_is_shown_as_nobody() -> None:
    after = heard(naming("ada"), ada=None).after
    assert after.guest is None
    assert after.named.led_to == {"ada"}


def test_a_guest_joined_before_is_not_asked_for_again() -> None:
    before = heard(naming("ada"), ada=ADA).after
    found = hear_with_guest(naming("ada", 2), before, {})
    assert isinstance(found, Heard)
    assert found.after.guest == before.guest


def test_a_statement_does_not_renew_a_join_and_news_of_the_guest_does() -> None:
    before = heard(naming("ada"), ada=ADA).after
    for change, name in ((naming("ada", 2), "Ada"), (joined(), "King")):
        found = hear_with_guest(change, before, {"ada": KING})
        assert isinstance(found, Heard)
        assert found.after.guest is not None
        assert found.after.guest.diner_name == name


def test_another_guest_is_shown_once_a_newer_statement_names_that_one() -> None:
    after = heard(naming("ada", 1), naming("grace", 2), ada=ADA, grace=GRACE).after
    assert after.guest is not None
    assert after.guest.key == "grace"
    assert after.named.keys == {"ada", "grace"}


def test_an_older_statement_names_a_guest_without_showing_that_one() -> None:
    after = heard(naming("grace", 2), naming("ada", 1), ada=ADA, grace=GRACE).after
    assert after.guest is not None
    assert after.guest.key == "grace"
    assert after.named.keys == {"ada", "grace"}


def test_a_forgotten_guests_statement_is_scrubbed() -> None:
    found = heard(naming("ada"), ada=GONE)
    assert personal(found.after) == []
    assert "Nuts" not in found.change.payload
    assert found.after.shown("partySize") == 4


def test_what_was_held_before_goes_with_the_guest() -> None:
    found = heard(relayed(dinerName="Ada", specialRequests="Nuts"), naming("ada"), ada=GONE)
    assert personal(found.before) == personal(found.after) == []


@pytest.mark.parametrize("later", [naming("grace", 2), naming(None, 2), relayed("updated", 9)])
def test_a_reservation_that_was_a_forgotten_guests_once_stays_scrubbed(later: Change) -> None:
    found = heard(naming("ada"), later, ada=GONE, grace=GRACE)
    assert found.after.named.forgotten
    assert personal(found.after) == []


def test_a_guest_who_was_named_before_and_is_forgotten_now_takes_all_along() -> None:
    before = heard(naming("ada"), naming("grace", 2), ada=ADA, grace=GRACE).after
    found = hear_with_guest(joined(), before, {"ada": GONE, "grace": GRACE})
    assert isinstance(found, Heard)
    assert personal(found.after) == []
    assert found.after.guest is not None
    assert found.after.guest.diner_name == "Grace"


def test_a_merge_into_a_forgotten_guest_forgets() -> None:
    found = heard(naming("loser"), loser=INTO_ADA, ada=GONE)
    assert found.after.named.forgotten
    assert found.tombstones == {"ada"}


def test_a_tombstone_is_told_of_once() -> None:
    first = heard(relayed(), naming("ada"), ada=GONE)
    again = hear_with_guest(naming("ada", 2), first.after, {"ada": GONE})
    assert isinstance(again, Heard)
    assert first.tombstones == {"ada"}
    assert again.tombstones == set()
