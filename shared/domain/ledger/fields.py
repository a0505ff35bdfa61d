"""Declare the reported fields of a reservation: names at each source, place, kind and privacy.

Normalization, rendering, comparison, erasure, masking and the export follow from this table. Fields
that are derived from others, such as `localDate`, are in `shared.domain.ledger.document`.
Outside it are `ReservationResponse` of the staff API, the staff page and the data model page: see
CONTRIBUTING.md, "Add a field".
"""

from enum import StrEnum

from msgspec import Struct


class FieldKind(StrEnum):
    """How a value is parsed.

    TEXT, TEXT_LIST, TEXT_SET (in any order) and INSTANT need no code of their own. START_TIME and
    CUSTOM (ids, numbers and states) are parsed by name in `shared.domain.normalization`.
    """

    TEXT = "TEXT"
    TEXT_LIST = "TEXT_LIST"
    TEXT_SET = "TEXT_SET"
    INSTANT = "INSTANT"
    START_TIME = "START_TIME"
    CUSTOM = "CUSTOM"


class PersonalData(StrEnum):
    """The person identified by a value. Free text counts as the diner's: it may name anyone."""

    NONE = "NONE"
    STAFF = "STAFF"  # masked and never exported, but not erased with a diner
    DINER = "DINER"  # erased when the diner is forgotten
    DINER_CONTACT = "DINER_CONTACT"  # erased too; the linked guest's record replaces it


class ReservationField(Struct, frozen=True):
    """One field of a reservation.

    Attributes:
        path: Dotted path in the document. Its last part is the field's name in events and
            registers. Paths under ``metadata`` are written only once an event reports the field.
        opentable_name: The key in OpenTable's rows, None without one. INSTANT and START_TIME have a
            second key, ``{opentable_name}_utc``.
        relay_names: The spellings in a relay's envelopes, the canonical one first.
    """

    path: str
    kind: FieldKind
    personal_data: PersonalData
    opentable_name: str | None = None
    relay_names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name in events and registers."""
        return self.path.rpartition(".")[2]

    @property
    def is_compared(self) -> bool:
        """Whether reconciliation compares it: OpenTable is the source of every such field."""
        return self.opentable_name is not None

    @property
    def opentable_names(self) -> tuple[str, ...]:
        """Every key in OpenTable's rows."""
        if self.opentable_name is None:
            return ()
        if self.kind in {FieldKind.INSTANT, FieldKind.START_TIME}:
            return self.opentable_name, f"{self.opentable_name}_utc"
        return (self.opentable_name,)


_TEXT, _LIST, _SET = FieldKind.TEXT, FieldKind.TEXT_LIST, FieldKind.TEXT_SET
_INSTANT, _START_TIME, _CUSTOM = FieldKind.INSTANT, FieldKind.START_TIME, FieldKind.CUSTOM
_NONE, _STAFF = PersonalData.NONE, PersonalData.STAFF
_DINER, _CONTACT = PersonalData.DINER, PersonalData.DINER_CONTACT

# Columns: path, kind, personal data, OpenTable's key, the relay's spellings.
RESERVATION_FIELDS = (
    ReservationField("source.openTableId", _CUSTOM, _NONE, "id"),
    ReservationField("source.confirmationId", _CUSTOM, _NONE, "confirmation_id"),
    ReservationField("source.guestId", _CUSTOM, _NONE, "guest_id"),
    ReservationField("source.state", _CUSTOM, _NONE, "state", ("status",)),
    # The ledger's word for OpenTable's state.
    ReservationField("status", _CUSTOM, _NONE, "state", ("status",)),
    ReservationField(
        "startAt",
        _START_TIME,
        _NONE,
        "scheduled_time",
        ("reservationDateTime", "reservation_date_time", "datetime"),
    ),
    # Set by the parser of the start time, not by OpenTable.
    ReservationField("metadata.startAtNote", _CUSTOM, _NONE),
    ReservationField(
        "partySize", _CUSTOM, _NONE, "party_size", ("partySize", "party_size", "guest_count")
    ),
    ReservationField("bookedAt", _INSTANT, _NONE, "created_date"),
    ReservationField("arrivedAt", _INSTANT, _NONE, "arrived_time"),
    ReservationField("seatedAt", _INSTANT, _NONE, "seated_time"),
    ReservationField("completedAt", _INSTANT, _NONE, "done_time"),
    # OpenTable's rows have no name and no contact: the linked guest has them.
    ReservationField(
        "dinerName", _TEXT, _CONTACT, relay_names=("dinerName", "diner_name", "guest_name", "name")
    ),
    ReservationField("email", _TEXT, _CONTACT, relay_names=("dinerEmail", "diner_email", "email")),
    ReservationField("phone", _TEXT, _CONTACT, relay_names=("dinerPhone", "diner_phone", "phone")),
    ReservationField(
        "metadata.specialRequests",
        _TEXT,
        _DINER,
        "guest_request",
        ("specialRequests", "special_requests", "notes"),
    ),
    ReservationField("metadata.venueNotes", _TEXT, _DINER, "venue_notes"),
    ReservationField("metadata.openTableNotes", _TEXT, _DINER, "opentable_notes"),
    ReservationField("metadata.tableNumbers", _LIST, _NONE, "table_number"),
    ReservationField("metadata.tableCategory", _TEXT, _NONE, "table_category"),
    ReservationField("metadata.server", _TEXT, _STAFF, "server"),
    ReservationField("metadata.origin", _TEXT, _NONE, "origin"),
    ReservationField("metadata.visitTags", _SET, _DINER, "visit_tags"),
    ReservationField(
        "metadata.cancellationReason",
        _TEXT,
        _DINER,
        relay_names=("cancellationReason", "cancellation_reason"),
    ),
    ReservationField(
        "metadata.restaurantName", _TEXT, _NONE, relay_names=("restaurantName", "restaurant_name")
    ),
    # Why the staff kept or removed a reservation that OpenTable does not know.
    ReservationField("metadata.reviewReason", _TEXT, _DINER),
    # The names of shown texts that were too long; rendered, not reported.
    ReservationField("metadata.cutTexts", _CUSTOM, _NONE),
)

PATHS_BY_NAME = {field.name: field.path for field in RESERVATION_FIELDS}
