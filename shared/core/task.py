"""One restaurant's part of a run, handed over to a queue under a name that a repetition shares."""

import hashlib
import json
from collections.abc import Mapping

from msgspec import Struct

POLL = "opentable-poll"
RECONCILE = "opentable-reconcile"


class Task(Struct, frozen=True):
    """A call of one of the scheduled functions that is made later.

    Attributes:
        function: The deployed function's name, such as ``opentable-poll``.
        body: The call's JSON body; it names the restaurant.
        occasion: What the call is made for, such as the tick of the schedule.
    """

    function: str
    body: Mapping[str, object]
    occasion: str

    @property
    def name(self) -> str:
        """Its name: the same for a repetition, another one for anything else.

        A hash, as Cloud Tasks slows down over names that begin alike, such as with a time.
        """
        said = json.dumps([self.function, self.body, self.occasion], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return json.dumps(self.body).encode()
