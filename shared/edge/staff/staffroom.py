"""What a process keeps for the staff beside its other services."""

import asyncio
import time
from collections.abc import Callable
from functools import cache, partial

from msgspec import Struct

from shared.edge.services import AppContext
from shared.edge.staff.membership import StaffRoles
from shared.edge.staff.secret_stores import SecretStore, build_secret_store
from shared.edge.staff.tokens import IdTokenVerifier


class ApiContext(Struct, frozen=True):
    """The clients that the staff's calls work with.

    Attributes:
        app_context: What every function uses.
        token_verifier: Verifies who somebody is.
        staff_roles: Knows what they may do.
        get_secret_store: Where secrets are written; made on first use.
    """

    app_context: AppContext
    token_verifier: IdTokenVerifier
    staff_roles: StaffRoles
    get_secret_store: Callable[[], SecretStore]


def build_api_context(app_context: AppContext) -> ApiContext:
    """Make a staffroom.

    Raises:
        InvalidSettingsError: When no project is set.
    """
    project = app_context.environment.require_project()
    staff_roles = StaffRoles(app_context.firestore, time.monotonic)
    get_secret_store = cache(partial(build_secret_store, app_context.environment))
    return ApiContext(app_context, IdTokenVerifier(project), staff_roles, get_secret_store)


_api_contexts: dict[asyncio.AbstractEventLoop, ApiContext] = {}


def get_api_context(app_context: AppContext) -> ApiContext:
    """Return this process's staffroom.

    Raises:
        InvalidSettingsError: When no project is set.
    """
    loop = asyncio.get_running_loop()
    if loop not in _api_contexts:
        _api_contexts.clear()
        _api_contexts[loop] = build_api_context(app_context)
    return _api_contexts[loop]
