from shared.core.guest import UNVERSIONED
from shared.core.joined import LinkedGuest, UnresolvedGuest
from shared.core.named import GuestReferences

LINK_TO_FORGOTTEN = LinkedGuest(("a", "gone"), UNVERSIONED, is_forgotten=True)
LINK_TO_KNOWN = LinkedGuest(("a", "b"), UNVERSIONED)


def test_a_referenced_guest_stays_referenced() -> None:
    named = GuestReferences().with_key("a").with_key("b").with_key(None).with_key("a")
    assert named.keys == named.resolved_keys == {"a", "b"}


def test_resolved_guests_are_added_to_referenced_guests() -> None:
    named = GuestReferences().with_key("a").with_resolved([LINK_TO_KNOWN], is_complete=False)
    assert named == GuestReferences(frozenset("a"), frozenset("ab"))


def test_a_full_resolution_replaces_earlier_results() -> None:
    before = GuestReferences(frozenset("a"), frozenset({"a", "old"}))
    assert before.with_resolved([LINK_TO_KNOWN], is_complete=True).resolved_keys == {"a", "b"}
    assert before.with_resolved([LINK_TO_KNOWN], is_complete=False).resolved_keys == {
        "a",
        "b",
        "old",
    }


def test_an_unknown_guest_is_still_a_resolved_key() -> None:
    found = UnresolvedGuest(("a", "later"), was_read=True)
    assert GuestReferences().with_key("a").with_resolved(
        [found], is_complete=True
    ).resolved_keys == {"a", "later"}


def test_a_forgotten_mark_is_permanent() -> None:
    gone = GuestReferences().with_key("a").with_resolved([LINK_TO_FORGOTTEN], is_complete=True)
    assert gone.has_forgotten_guest
    assert gone.with_key("c").with_resolved([LINK_TO_KNOWN], is_complete=True).has_forgotten_guest
