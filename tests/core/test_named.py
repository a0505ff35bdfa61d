from shared.core.guest import UNVERSIONED
from shared.core.joined import Joined, Unknown
from shared.core.named import Named

GONE = Joined(("a", "gone"), UNVERSIONED, forgotten=True)
HERE = Joined(("a", "b"), UNVERSIONED)


def test_whoever_is_named_stays_named() -> None:
    named = Named().add("a").add("b").add(None).add("a")
    assert named.keys == named.led_to == {"a", "b"}


def test_those_led_to_are_added_to_those_named() -> None:
    named = Named().add("a").follow([HERE], anew=False)
    assert named == Named(frozenset("a"), frozenset("ab"))


def test_what_was_found_before_is_void_where_all_was_found_anew() -> None:
    before = Named(frozenset("a"), frozenset({"a", "old"}))
    assert before.follow([HERE], anew=True).led_to == {"a", "b"}
    assert before.follow([HERE], anew=False).led_to == {"a", "b", "old"}


def test_somebody_unknown_is_led_to_all_the_same() -> None:
    found = Unknown(("a", "later"), was_read=True)
    assert Named().add("a").follow([found], anew=True).led_to == {"a", "later"}


def test_forgotten_once_is_forgotten_for_good() -> None:
    gone = Named().add("a").follow([GONE], anew=True)
    assert gone.forgotten
    assert gone.add("c").follow([HERE], anew=True).forgotten
