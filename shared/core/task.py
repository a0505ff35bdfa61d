"""One restaurant's part of a run, handed over to a queue under a name that a repetition shares."""

import hashlib
import json
from collections.abc import Mapping

from msgspec import Struct

POLL_FUNCTION = "opentable-poll"
RECONCILE_FUNCTION = "opentable-reconcile"


class QueuedTask(Struct, frozen=True):
    """A call of one of the scheduled functions that is made later.

    Attributes:
        function_name: The deployed function's name, such as ``opentable-poll``.
        body: The call's JSON body; it names the restaurant.
        trigger: What the call is made for, such as the tick of the schedule.
    """

    function_name: str
    body: Mapping[str, object]
    trigger: str

    @property
    def name(self) -> str:
        """Its name: the same for a repetition, another one for anything else.

        A hash, as Cloud Tasks slows down over names that begin alike, such as with a time.
        """
        identity = json.dumps([self.function_name, self.body, self.trigger], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()

    @property
    def body_bytes(self) -> bytes:
        """The body as it is sent."""
        return json.dumps(self.body).encode()
