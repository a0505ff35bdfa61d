from datetime import UTC, datetime

import pytest

from shared.core.change import Version
from shared.core.guest import UNVERSIONED, Guest
from shared.core.joined import MOST_MERGES, Joined, Unknown, join, join_from, stored_join

VERSION = Version.of_object(3, datetime(2026, 3, 9, 12, tzinfo=UTC))
ADA = Guest(
    "ada",
    VERSION,
    {"firstName": "Ada", "lastName": "King", "phones": ["+1212", "+44"], "email": "a@example.com"},
)
GONE = Guest("gone", forgotten_at=datetime(2026, 3, 9, 12, tzinfo=UTC))


def merged(key: str, survivor: str) -> Guest:
    return Guest(key, archived=True, survivor=survivor, survivor_id=f"555001-{survivor}")


def test_a_guest_is_joined_with_name_first_number_and_address() -> None:
    assert join("ada", {"ada": ADA}) == Joined(
        ("ada",), VERSION, diner_name="Ada King", phone="+1212", email="a@example.com"
    )


def test_a_guest_without_details_is_joined_with_none() -> None:
    assert join("x", {"x": Guest("x")}) == Joined(("x",), UNVERSIONED)


def test_a_guest_who_was_not_read_is_told_from_one_who_is_not_there() -> None:
    assert join("x", {}) == Unknown(("x",), was_read=False)
    assert join("x", {"x": None}) == Unknown(("x",), was_read=True)


def test_merges_lead_to_the_survivor() -> None:
    found = join("a", {"a": merged("a", "b"), "b": merged("b", "ada"), "ada": ADA})
    assert isinstance(found, Joined)
    assert (found.path, found.named, found.key) == (("a", "b", "ada"), "a", "ada")
    assert found.details == ("Ada King", "+1212", "a@example.com")


def test_a_merge_asks_for_the_survivor_next() -> None:
    found = join("a", {"a": merged("a", "b")})
    assert isinstance(found, Unknown)
    assert (found.key, found.was_read) == ("b", False)


def test_a_merge_without_a_survivor_leads_to_nobody_known() -> None:
    found = join("a", {"a": Guest("a", archived=True)})
    assert isinstance(found, Joined)
    assert found.details == (None, None, None)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_merges_in_a_circle_end(length: int) -> None:
    keys = [f"g{number}" for number in range(length)]
    guests = {key: merged(key, after) for key, after in zip(keys, [*keys[1:], "g0"], strict=True)}
    assert join("g0", guests) == Unknown(tuple(keys), was_read=True)


def test_a_chain_is_followed_so_far_and_no_farther() -> None:
    chain = {f"g{n}": merged(f"g{n}", f"g{n + 1}") for n in range(99)}
    found = join("g0", chain)
    assert isinstance(found, Unknown)
    assert (len(found.path), found.was_read) == (MOST_MERGES + 1, True)


def test_of_a_forgotten_guest_only_the_keys_are_joined() -> None:
    found = join("a", {"a": merged("a", "gone"), "gone": GONE})
    assert found == Joined(("a", "gone"), UNVERSIONED, forgotten=True)
    assert isinstance(found, Joined)
    assert stored_join(found) == {"path": ["a", "gone"], "forgotten": True}


@pytest.mark.parametrize("key", ["ada", "x", "gone"])
def test_a_join_is_read_back_as_it_was_stored(key: str) -> None:
    found = join(key, {"ada": ADA, "x": Guest("x"), "gone": GONE})
    assert isinstance(found, Joined)
    assert join_from(stored_join(found)) == found
