"""Who may do what in a restaurant: its staff, cached for less than a minute."""

from collections.abc import Callable
from enum import IntEnum

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient

from shared.core.keys import is_document_id
from shared.edge import paths
from shared.edge.cached import SingleFlightTTLCache
from shared.edge.staff.tokens import AuthenticatedUser
from shared.errors import ServiceUnavailableError

ROLE_CACHE_SECONDS = 55.0  # a removed member is out within a minute, the read included
_MAX_CACHED_ROLES = 10_000
_READ_TIMEOUT_SECONDS = 3.0


class Role(IntEnum):
    """What somebody may do; each role may also do all that the ones before it may."""

    HOST = 1
    MANAGER = 2
    OPERATOR = 3


_ROLES_BY_NAME = {"host": Role.HOST, "manager": Role.MANAGER}


class StaffRoles:
    """The staff of every restaurant.

    Args:
        client: The process's Firestore client.
        timer: A clock in seconds that never goes back.
    """

    def __init__(self, client: AsyncClient, timer: Callable[[], float]) -> None:
        self._client = client
        self._cache = SingleFlightTTLCache(
            self._read_role, max_size=_MAX_CACHED_ROLES, ttl_seconds=ROLE_CACHE_SECONDS, timer=timer
        )

    async def get_role(self, restaurant_id: str, user: AuthenticatedUser) -> Role | None:
        """Return somebody's role in a restaurant, None for none.

        Args:
            restaurant_id: Lineup's id.
            user: Whose role.

        Raises:
            LedgerUnavailableError: When it cannot be looked up now.
        """
        if user.is_operator:
            return Role.OPERATOR
        if not is_document_id(user.uid):
            return None
        return await self._cache.get((restaurant_id, user.uid))

    async def _read_role(self, member: tuple[str, str]) -> Role | None:
        try:
            reference = paths.staff_member_document(self._client, *member)
            fields = (await reference.get(retry=None, timeout=_READ_TIMEOUT_SECONDS)).to_dict()
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None
        return _ROLES_BY_NAME.get(str((fields or {}).get("role")))
