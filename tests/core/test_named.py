from shared.core.guest import UNVERSIONED
from shared.core.joined import LinkedGuest, UnresolvedGuest
from shared.core.named import GuestReferences

GONE = LinkedGuest(("a", "gone"), UNVERSIONED, is_forgotten=True)
HERE = LinkedGuest(("a", "b"), UNVERSIONED)


def test_whoever_is_named_stays_named() -> None:
    named = GuestReferences().with_key("a").with_key("b").with_key(None).with_key("a")
    assert named.keys == named.resolved_keys == {"a", "b"}


def test_those_led_to_are_added_to_those_named() -> None:
    named = GuestReferences().with_key("a").with_resolved([HERE], is_complete=False)
    assert named == GuestReferences(frozenset("a"), frozenset("ab"))


def test_what_was_found_before_is_void_where_all_was_found_anew() -> None:
    before = GuestReferences(frozenset("a"), frozenset({"a", "old"}))
    assert before.with_resolved([HERE], is_complete=True).resolved_keys == {"a", "b"}
    assert before.with_resolved([HERE], is_complete=False).resolved_keys == {"a", "b", "old"}


def test_somebody_unknown_is_led_to_all_the_same() -> None:
    found = UnresolvedGuest(("a", "later"), was_read=True)
    assert GuestReferences().with_key("a").with_resolved(
        [found], is_complete=True
    ).resolved_keys == {"a", "later"}


def test_forgotten_once_is_forgotten_for_good() -> None:
    gone = GuestReferences().with_key("a").with_resolved([GONE], is_complete=True)
    assert gone.has_forgotten_guest
    assert gone.with_key("c").with_resolved([HERE], is_complete=True).has_forgotten_guest
