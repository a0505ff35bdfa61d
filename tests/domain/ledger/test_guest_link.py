from datetime import UTC, datetime

import pytest

from shared.domain.ledger.events import Version
from shared.domain.ledger.guest_link import (
    MAX_MERGES,
    UNVERSIONED,
    Guest,
    GuestReferences,
    LinkedGuest,
    UnresolvedGuest,
    guest_references_from_document,
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

FORGOTTEN_GUEST = Guest("gone", forgotten_at=datetime(2026, 3, 9, 12, tzinfo=UTC))
LINK_TO_FORGOTTEN = LinkedGuest(("a", "gone"), UNVERSIONED, is_forgotten=True)
LINK_TO_KNOWN = LinkedGuest(("a", "b"), UNVERSIONED)


def merged_guest(key: str, survivor: str) -> Guest:
    return Guest(key, is_merged=True, survivor_key=survivor, survivor_id=f"555001-{survivor}")


def test_a_linked_guest_has_name_first_phone_and_email() -> None:
    assert resolve_guest("ada", {"ada": ADA}) == LinkedGuest(
        ("ada",), VERSION, diner_name="Ada King", phone="+1212", email="a@example.com"
    )


def test_a_guest_without_details_is_linked_without_them() -> None:
    assert resolve_guest("x", {"x": Guest("x")}) == LinkedGuest(("x",), UNVERSIONED)


def test_an_unread_guest_differs_from_a_missing_one() -> None:
    assert resolve_guest("x", {}) == UnresolvedGuest(("x",), was_read=False)
    assert resolve_guest("x", {"x": None}) == UnresolvedGuest(("x",), was_read=True)


def test_merges_lead_to_the_survivor() -> None:
    guests = {"a": merged_guest("a", "b"), "b": merged_guest("b", "ada"), "ada": ADA}
    resolved = resolve_guest("a", guests)
    assert isinstance(resolved, LinkedGuest)
    assert (resolved.path, resolved.referenced_key, resolved.key) == (("a", "b", "ada"), "a", "ada")
    assert resolved.details == ("Ada King", "+1212", "a@example.com")


def test_a_merge_requires_the_survivor_next() -> None:
    resolved = resolve_guest("a", {"a": merged_guest("a", "b")})
    assert resolved == UnresolvedGuest(("a", "b"), was_read=False)


def test_a_merge_without_a_survivor_has_no_details() -> None:
    resolved = resolve_guest("a", {"a": Guest("a", is_merged=True)})
    assert resolved == LinkedGuest(("a",), UNVERSIONED)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_circular_merges_end(length: int) -> None:
    keys = [f"g{number}" for number in range(length)]
    guests = dict(zip(keys, map(merged_guest, keys, [*keys[1:], "g0"]), strict=True))
    assert resolve_guest("g0", guests) == UnresolvedGuest(tuple(keys), was_read=True)


def test_a_merge_chain_is_followed_up_to_a_limit() -> None:
    chain = {f"g{n}": merged_guest(f"g{n}", f"g{n + 1}") for n in range(99)}
    resolved = resolve_guest("g0", chain)
    assert isinstance(resolved, UnresolvedGuest)
    assert (len(resolved.path), resolved.was_read) == (MAX_MERGES + 1, True)


def test_a_forgotten_guest_is_linked_by_keys_only() -> None:
    resolved = resolve_guest("a", {"a": merged_guest("a", "gone"), "gone": FORGOTTEN_GUEST})
    assert resolved == LINK_TO_FORGOTTEN
    assert linked_guest_to_map(LINK_TO_FORGOTTEN) == {"path": ["a", "gone"], "forgotten": True}


@pytest.mark.parametrize("key", ["ada", "x", "gone"])
def test_a_stored_guest_link_is_read_back_unchanged(key: str) -> None:
    resolved = resolve_guest(key, {"ada": ADA, "x": Guest("x"), "gone": FORGOTTEN_GUEST})
    assert isinstance(resolved, LinkedGuest)
    assert linked_guest_from_map(linked_guest_to_map(resolved)) == resolved


def test_a_referenced_guest_stays_referenced() -> None:
    references = GuestReferences().with_key("a").with_key("b").with_key(None).with_key("a")
    assert references.keys == references.resolved_keys == {"a", "b"}


def test_resolved_guests_are_added_to_referenced_guests() -> None:
    references = GuestReferences().with_key("a").with_resolved([LINK_TO_KNOWN], is_complete=False)
    assert references == GuestReferences(frozenset("a"), frozenset("ab"))


def test_a_full_resolution_replaces_earlier_results() -> None:
    before = GuestReferences(frozenset("a"), frozenset({"a", "old"}))
    assert before.with_resolved([LINK_TO_KNOWN], is_complete=True).resolved_keys == {"a", "b"}
    added = before.with_resolved([LINK_TO_KNOWN], is_complete=False)
    assert added.resolved_keys == {"a", "b", "old"}


def test_an_unknown_guest_is_still_a_resolved_key() -> None:
    unknown = UnresolvedGuest(("a", "later"), was_read=True)
    references = GuestReferences().with_key("a").with_resolved([unknown], is_complete=True)
    assert references.resolved_keys == {"a", "later"}


def test_a_forgotten_mark_is_permanent() -> None:
    references = GuestReferences().with_key("a")
    forgotten = references.with_resolved([LINK_TO_FORGOTTEN], is_complete=True)
    assert forgotten.has_forgotten_guest
    later = forgotten.with_key("c").with_resolved([LINK_TO_KNOWN], is_complete=True)
    assert later.has_forgotten_guest


@pytest.mark.parametrize("named", ["g1", [1]])
def test_references_of_another_form_are_an_error(named: object) -> None:
    with pytest.raises(TypeError, match="list of keys"):
        guest_references_from_document({"guests.referencedKeys": named})
