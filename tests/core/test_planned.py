"""What a plan went by, and when it no longer holds."""

from datetime import timedelta

from shared.core.change import Change, Version
from shared.core.planned import (
    GONE,
    OPEN_TABLE_MOVED,
    Basis,
    Planned,
    held_versions,
    planned_from,
    version_text,
)
from shared.core.statements import Statements
from tests.statements import relayed, shown
from tests.strategies.objects import NOON

SEEN = Version.of_object(4, NOON)
BASIS = Basis("555001-a", "", version_text(SEEN))
MISSING = Basis("555001-a", "", None)


def held(*changes: Change) -> str:
    statements = Statements()
    for change in changes:
        statements = statements.hear(change)
    return held_versions(statements)


def test_nothing_held_is_empty() -> None:
    assert held() == ""


def test_a_newer_row_moves_what_is_held() -> None:
    assert held(shown(1)) != held(shown(1), shown(2))


def test_an_older_row_moves_nothing() -> None:
    assert held(shown(2)) == held(shown(2), shown(1))


def test_a_relays_word_moves_what_is_held() -> None:
    assert held(shown(1)) != held(shown(1), relayed("updated", 1))


def test_the_version_that_was_planned_is_no_obstacle() -> None:
    assert BASIS.obstacle(SEEN) is None


def test_a_newer_version_is_an_obstacle() -> None:
    assert BASIS.obstacle(Version.of_object(5, NOON)) == OPEN_TABLE_MOVED


def test_the_same_sequence_at_another_time_is_an_obstacle() -> None:
    assert BASIS.obstacle(Version.of_object(4, NOON + timedelta(seconds=1))) == OPEN_TABLE_MOVED


def test_a_row_that_is_gone_is_an_obstacle() -> None:
    assert BASIS.obstacle(None) == GONE


def test_a_row_that_the_plan_had_not_seen_may_say_anything() -> None:
    assert MISSING.obstacle(SEEN) is None


def test_an_item_is_read_back_as_it_was_stored() -> None:
    for basis in (BASIS, MISSING):
        entry = {"externalId": "a", "basis": basis.stored()}
        assert planned_from(entry) == Planned("a", basis)
