from datetime import UTC, datetime

import pytest

from shared.core.change import Version
from shared.core.guest import UNVERSIONED, Guest
from shared.core.joined import (
    MAX_MERGES,
    LinkedGuest,
    UnresolvedGuest,
    linked_guest_from_map,
    linked_guest_to_map,
    resolve_guest,
)

VERSION = Version.from_sequence(3, datetime(2026, 3, 9, 12, tzinfo=UTC))
ADA = Guest(
    "ada",
    VERSION,
    {"firstName": "Ada", "lastName": "King", "phones": ["+1212", "+44"], "email": "a@example.com"},
)
GONE = Guest("gone", forgotten_at=datetime(2026, 3, 9, 12, tzinfo=UTC))


def merged(key: str, survivor: str) -> Guest:
    return Guest(key, is_merged=True, survivor_key=survivor, survivor_id=f"555001-{survivor}")


def test_a_guest_is_joined_with_name_first_number_and_address() -> None:
    assert resolve_guest("ada", {"ada": ADA}) == LinkedGuest(
        ("ada",), VERSION, diner_name="Ada King", phone="+1212", email="a@example.com"
    )


def test_a_guest_without_details_is_joined_with_none() -> None:
    assert resolve_guest("x", {"x": Guest("x")}) == LinkedGuest(("x",), UNVERSIONED)


def test_a_guest_who_was_not_read_is_told_from_one_who_is_not_there() -> None:
    assert resolve_guest("x", {}) == UnresolvedGuest(("x",), was_read=False)
    assert resolve_guest("x", {"x": None}) == UnresolvedGuest(("x",), was_read=True)


def test_merges_lead_to_the_survivor() -> None:
    found = resolve_guest("a", {"a": merged("a", "b"), "b": merged("b", "ada"), "ada": ADA})
    assert isinstance(found, LinkedGuest)
    assert (found.path, found.referenced_key, found.key) == (("a", "b", "ada"), "a", "ada")
    assert found.details == ("Ada King", "+1212", "a@example.com")


def test_a_merge_asks_for_the_survivor_next() -> None:
    found = resolve_guest("a", {"a": merged("a", "b")})
    assert isinstance(found, UnresolvedGuest)
    assert (found.key, found.was_read) == ("b", False)


def test_a_merge_without_a_survivor_leads_to_nobody_known() -> None:
    found = resolve_guest("a", {"a": Guest("a", is_merged=True)})
    assert isinstance(found, LinkedGuest)
    assert found.details == (None, None, None)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_merges_in_a_circle_end(length: int) -> None:
    keys = [f"g{number}" for number in range(length)]
    guests = {key: merged(key, after) for key, after in zip(keys, [*keys[1:], "g0"], strict=True)}
    assert resolve_guest("g0", guests) == UnresolvedGuest(tuple(keys), was_read=True)


def test_a_chain_is_followed_so_far_and_no_farther() -> None:
    chain = {f"g{n}": merged(f"g{n}", f"g{n + 1}") for n in range(99)}
    found = resolve_guest("g0", chain)
    assert isinstance(found, UnresolvedGuest)
    assert (len(found.path), found.was_read) == (MAX_MERGES + 1, True)


def test_of_a_forgotten_guest_only_the_keys_are_joined() -> None:
    found = resolve_guest("a", {"a": merged("a", "gone"), "gone": GONE})
    assert found == LinkedGuest(("a", "gone"), UNVERSIONED, is_forgotten=True)
    assert isinstance(found, LinkedGuest)
    assert linked_guest_to_map(found) == {"path": ["a", "gone"], "forgotten": True}


@pytest.mark.parametrize("key", ["ada", "x", "gone"])
def test_a_join_is_read_back_as_it_was_stored(key: str) -> None:
    found = resolve_guest(key, {"ada": ADA, "x": Guest("x"), "gone": GONE})
    assert isinstance(found, LinkedGuest)
    assert linked_guest_from_map(linked_guest_to_map(found)) == found
