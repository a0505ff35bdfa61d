"""Whose book is read at OpenTable, and with what right."""

from msgspec import Struct

from shared.core.credentials import Credentials


class OpenTableAccess(Struct, frozen=True):
    """Whose book is read, and with what right.

    Attributes:
        rid: OpenTable's number for the restaurant, digits only.
        credentials: An API credential that OpenTable granted this restaurant to.
    """

    rid: str
    credentials: Credentials
