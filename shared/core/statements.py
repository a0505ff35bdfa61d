"""What has been said about one reservation, and the law by which statements are joined.

The law. Everything that was ever said about a reservation is kept as one register a speaker:
for each field the value that this speaker said at its highest version. Hearing a statement
takes, field by field, the greater of the two by version. That is the least upper bound of a
total order a field, so it is commutative, associative and idempotent: **any permutation of any
statements, with any duplicates, ends in the same registers**, as long as one version has one
content. Nothing else decides: not the order of arrival, not the way a statement came, not a
clock of ours. What is shown is a pure function of the registers (`shared.core.document`).

The history of statuses is the newest `HISTORY_LENGTH` of a set in a total order, and the
newest n of a union is the newest n of the newest n of its parts, so it obeys the same law.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from shared.core.change import Change, Speaker, Value, Version
from shared.core.joined import Joined
from shared.core.named import Named
from shared.core.states import Status

HISTORY_LENGTH = 100


class Said(NamedTuple):
    """A value and the version at which it was last said; a tuple, for each event makes dozens."""

    version: Version
    value: Value


class Register(Struct, frozen=True):
    """All that one speaker said: the highest version heard, and each field's latest value."""

    version: Version | None = None
    fields: Mapping[str, Said] = field(default_factory=dict)

    def hear(self, version: Version, said: Mapping[str, Value]) -> "Register":
        """Return this register with a statement taken in, field by field."""
        taken = {
            name: Said(version, value)
            for name, value in said.items()
            if name not in self.fields or self.fields[name].version < version
        }
        highest = version if self.version is None else max(self.version, version)
        return Register(highest, {**self.fields, **taken})

    def contradicts(self, version: Version, said: Mapping[str, Value]) -> bool:
        """Whether another value is held at this very version for a field that both speak of.

        The id's spelling is left out: OpenTable's pages write one id in either case.
        """
        return any(
            held.version == version and held.value != value
            for name, value in said.items()
            if name != "openTableId" and (held := self.fields.get(name)) is not None
        )


class StatusStatement(Struct, frozen=True, order=True):
    """One statement of a status; the field order is the history's order (time, kind, version)."""

    at: datetime
    speaker: Speaker
    sequence_id: int
    event_id: str
    status: Status


class Statements(Struct, frozen=True):
    """Everything that is held about one reservation.

    Attributes:
        registers: What each speaker said.
        statuses: The newest statements of a status, oldest first.
        guest: The guest that the shown ``guestKey`` leads to, None where none is held.
        named: Whom any statement named.
    """

    registers: Mapping[Speaker, Register] = field(default_factory=dict)
    statuses: tuple[StatusStatement, ...] = ()
    guest: Joined | None = None
    named: Named = field(default_factory=Named)

    def register(self, speaker: Speaker) -> Register:
        """Return a speaker's register, empty where it has not spoken."""
        return self.registers.get(speaker, _SILENT)

    def hear(self, change: Change) -> "Statements":
        """Return these statements joined with one more, by the law of this module."""
        if not change.said and change.speaker is Speaker.LINEUP:
            return self  # A repair says nothing: it must not move a version, or it never rests.
        register = self.register(change.speaker).hear(change.version, change.said)
        return replace(
            self,
            registers={**self.registers, change.speaker: register},
            statuses=_with_status(self.statuses, change),
            named=self.named.add(change.said.get("guestKey")),
        )

    def shown(self, name: str) -> Value:
        """Return a field's value: OpenTable's where it ever spoke of it, else a relay's, else ours.

        OpenTable's own word beats a relay's whatever either clock says.
        """
        for speaker in Speaker:
            said = self.register(speaker).fields.get(name)
            if said is not None:
                return said.value
        return None


_SILENT = Register()


def _with_status(held: tuple[StatusStatement, ...], change: Change) -> tuple[StatusStatement, ...]:
    status = change.said.get("status")
    if not isinstance(status, str):
        return held
    version = change.version
    statement = StatusStatement(
        version.at, change.speaker, version.sequence_id, change.event_id, Status(status)
    )
    if statement in held:
        return held
    return tuple(sorted((*held, statement)))[-HISTORY_LENGTH:]
