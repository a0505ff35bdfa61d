"""OpenTable's words for a reservation's state, and the ledger's."""

from enum import StrEnum


class Status(StrEnum):
    """The ledger's statuses."""

    BOOKED = "BOOKED"
    CONFIRMED = "CONFIRMED"
    CHECKED_IN = "CHECKED_IN"
    SEATED = "SEATED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


_WORDS = {
    Status.BOOKED: "NotConfirmed LeftMessage WrongNumber NoAnswer pending booked",
    Status.CONFIRMED: "Confirmed Late",
    Status.CHECKED_IN: "PartiallyArrived AllArrived checked_in arrived",
    Status.SEATED: (
        "PartiallySeated Seated Appetizer Entree Dessert CheckDropped Paid Cleared BusTable"
    ),
    Status.COMPLETED: "Done AssumedDone AssumedSeated completed",
    Status.CANCELLED: "Cancelled canceled",
    Status.NO_SHOW: "NoShow no_show",
}
_IGNORED = str.maketrans("", "", " _-")


def _folded(word: str) -> str:
    return word.translate(_IGNORED).casefold()


_STATUS_BY_WORD = {
    _folded(word): status for status, words in _WORDS.items() for word in words.split()
}


def status_of(state: str) -> Status | None:
    """Return the ledger's status for OpenTable's or a relay's word, or None for an unknown one.

    Case, spaces, ``_`` and ``-`` do not matter: OpenTable's own pages write both
    ``PartiallySeated`` and ``Partially Seated``. The list is not closed (a point of sale may
    add course names), so an unknown word is no error.
    """
    return _STATUS_BY_WORD.get(_folded(state))
