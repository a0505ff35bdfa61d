"""What requests to the staff API share: its clients, and the user and restaurant of a request."""

import time
from collections.abc import Iterable

from msgspec import Struct

from shared.context import AppContext
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import LogEvent, Severity, log_event
from shared.staff.accounts import UserAccounts
from shared.staff.identity import AuthenticatedUser, IdTokenVerifier, Role, StaffRoles


class ApiContext(Struct, frozen=True):
    """The clients of the staff API."""

    app_context: AppContext
    token_verifier: IdTokenVerifier
    staff_roles: StaffRoles
    accounts: UserAccounts


def build_api_context(app_context: AppContext) -> ApiContext:
    """Build the clients of the staff API.

    Raises:
        InvalidSettingsError: No Google Cloud project is set.
    """
    project = app_context.environment.require_project()
    accounts = UserAccounts(project, time.monotonic)
    return ApiContext(
        app_context,
        IdTokenVerifier(project, accounts),
        StaffRoles(app_context.firestore, time.monotonic),
        accounts,
    )


class UserContext(Struct, frozen=True):
    """A request of a user that concerns no single restaurant."""

    api_context: ApiContext
    user: AuthenticatedUser

    @property
    def app_context(self) -> AppContext:
        """The clients and settings common to all functions."""
        return self.api_context.app_context


class RequestContext(UserContext, frozen=True):
    """A request of a user with a role in the restaurant."""

    restaurant_id: str
    role: Role

    async def read_names(self, uids: Iterable[object]) -> dict[str, str]:
        """Return what to call the users among stored values; unknown ones are missing.

        Without Firebase there are no names, because a history is useful without them.
        """
        try:
            return await self.api_context.accounts.read_names(
                uid for uid in uids if isinstance(uid, str)
            )
        except (InvalidSettingsError, ServiceUnavailableError) as error:
            log_event(
                Severity.WARNING,
                LogEvent.STAFF_CALL,
                outcome="no_names",
                error=type(error).__name__,
            )
            return {}
