"""What OpenTable leaves undocumented about its answers, each with the default taken here."""

from dataclasses import dataclass
from typing import Literal

PrimaryGuestFormat = Literal["url", "key"]
ListOrder = Literal["updated", "id", "shuffled", "unstable"]


@dataclass(slots=True)
class BehaviorSwitches:
    """Switches over the Sync answers; the defaults are the likeliest readings.

    Args:
        order: Of the rows in a list: by ``updated_at_utc``, by id, in a stable shuffle, or in a
            shuffle that changes with every write to the book.
        updated_after_inclusive: Whether a row stamped exactly then is listed.
        window_inclusive: Whether both ends of the scheduled window belong to it.
        above_limit: What a ``limit`` above the maximum does: clamp, or refuse with 400.
        next_page_url: Whether it carries scheme and host.
        single_get: A single GET's body: the object itself, or a list's envelope around it.
        primary_guest: How a merged guest names its survivor: by URL, or by key without rid.
    """

    order: ListOrder = "updated"
    updated_after_inclusive: bool = False
    window_inclusive: bool = True
    above_limit: Literal["clamp", "refuse"] = "clamp"
    next_page_url: Literal["absolute", "relative"] = "absolute"
    single_get: Literal["bare", "envelope"] = "bare"
    primary_guest: PrimaryGuestFormat = "url"
