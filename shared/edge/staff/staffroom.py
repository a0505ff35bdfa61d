"""What a process keeps for the staff beside its other services."""

import asyncio
import time
from collections.abc import Callable
from functools import cache, partial

from msgspec import Struct

from shared.edge.services import Services
from shared.edge.staff.membership import Memberships
from shared.edge.staff.secret_stores import SecretStore, secret_store
from shared.edge.staff.tokens import Tokens


class Staffroom(Struct, frozen=True):
    """The clients that the staff's calls work with.

    Attributes:
        services: What every function uses.
        tokens: Verifies who somebody is.
        memberships: Knows what they may do.
        secret_store: Where secrets are written; made on first use.
    """

    services: Services
    tokens: Tokens
    memberships: Memberships
    secret_store: Callable[[], SecretStore]


def open_staffroom(services: Services) -> Staffroom:
    """Make a staffroom.

    Raises:
        InvalidSettingsError: When no project is set.
    """
    project = services.environment.required_project()
    memberships = Memberships(services.firestore, time.monotonic)
    store = cache(partial(secret_store, services.environment))
    return Staffroom(services, Tokens(project), memberships, store)


_opened: dict[asyncio.AbstractEventLoop, Staffroom] = {}


def staffroom(services: Services) -> Staffroom:
    """Return this process's staffroom.

    Raises:
        InvalidSettingsError: When no project is set.
    """
    loop = asyncio.get_running_loop()
    if loop not in _opened:
        _opened.clear()
        _opened[loop] = open_staffroom(services)
    return _opened[loop]
