"""OpenTable's words for a reservation's state, and the ledger's."""

from enum import StrEnum


class ReservationStatus(StrEnum):
    """The ledger's statuses."""

    BOOKED = "BOOKED"
    CONFIRMED = "CONFIRMED"
    CHECKED_IN = "CHECKED_IN"
    SEATED = "SEATED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


_STATES_BY_STATUS = {
    ReservationStatus.BOOKED: "NotConfirmed LeftMessage WrongNumber NoAnswer pending booked",
    ReservationStatus.CONFIRMED: "Confirmed Late",
    ReservationStatus.CHECKED_IN: "PartiallyArrived AllArrived checked_in arrived",
    ReservationStatus.SEATED: (
        "PartiallySeated Seated Appetizer Entree Dessert CheckDropped Paid Cleared BusTable"
    ),
    ReservationStatus.COMPLETED: "Done AssumedDone AssumedSeated completed",
    ReservationStatus.CANCELLED: "Cancelled canceled",
    ReservationStatus.NO_SHOW: "NoShow no_show",
}
_IGNORED_CHARACTERS = str.maketrans("", "", " _-")


def _normalize_state(state: str) -> str:
    return state.translate(_IGNORED_CHARACTERS).casefold()


_STATUS_BY_STATE = {
    _normalize_state(word): status
    for status, words in _STATES_BY_STATUS.items()
    for word in words.split()
}


def parse_status(state: str) -> ReservationStatus | None:
    """Return the ledger's status for OpenTable's or a relay's word, or None for an unknown one.

    Case, spaces, ``_`` and ``-`` do not matter: OpenTable's own pages write both
    ``PartiallySeated`` and ``Partially Seated``. The list is not closed (a point of sale may
    add course names), so an unknown word is no error.
    """
    return _STATUS_BY_STATE.get(_normalize_state(state))
