"""Who may do what in a restaurant: its staff, cached for less than a minute."""

from collections.abc import Callable
from enum import IntEnum

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient

from shared.core.keys import is_document_id
from shared.edge import paths
from shared.edge.cached import Cached
from shared.edge.staff.tokens import Person
from shared.errors import LedgerUnavailableError

CACHE_SECONDS = 55.0  # a removed member is out within a minute, the read included
_MOST_CACHED = 10_000
_READ_SECONDS = 3.0


class Role(IntEnum):
    """What somebody may do; each role may also do all that the ones before it may."""

    HOST = 1
    MANAGER = 2
    OPERATOR = 3


_ROLES = {"host": Role.HOST, "manager": Role.MANAGER}


class Memberships:
    """The staff of every restaurant.

    Args:
        client: The process's Firestore client.
        timer: A clock in seconds that never goes back.
    """

    def __init__(self, client: AsyncClient, timer: Callable[[], float]) -> None:
        self._client = client
        self._cache = Cached(self._read, size=_MOST_CACHED, seconds=CACHE_SECONDS, timer=timer)

    async def role(self, restaurant_id: str, person: Person) -> Role | None:
        """Return somebody's role in a restaurant, None for none.

        Args:
            restaurant_id: Lineup's id.
            person: Whose role.

        Raises:
            LedgerUnavailableError: When it cannot be looked up now.
        """
        if person.is_operator:
            return Role.OPERATOR
        if not is_document_id(person.uid):
            return None
        return await self._cache.get((restaurant_id, person.uid))

    async def _read(self, member: tuple[str, str]) -> Role | None:
        try:
            reference = paths.staff(self._client, *member)
            found = (await reference.get(retry=None, timeout=_READ_SECONDS)).to_dict()
        except google.GoogleAPIError as error:
            raise LedgerUnavailableError(type(error).__name__) from None
        return _ROLES.get(str((found or {}).get("role")))
