"""Whose book is read at OpenTable, and with what right."""

from dataclasses import dataclass

from shared.core.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Access:
    """Whose book is read, and with what right.

    Attributes:
        rid: OpenTable's number for the restaurant, digits only.
        credentials: An API credential that OpenTable granted this restaurant to.
    """

    rid: str
    credentials: Credentials
