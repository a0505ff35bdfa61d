"""Who somebody is: Firebase ID tokens, verified.

Who may do what in a restaurant: its staff, cached for less than a minute.

What a process keeps for the staff beside its other services.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import cache, partial
from typing import Any

import firebase_admin
from firebase_admin import auth
from google.api_core import exceptions as google
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from msgspec import Struct

from shared.concurrency import SingleFlightTTLCache
from shared.context import AppContext
from shared.domain.normalization.identifiers import is_document_id
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.restaurants.secrets import SecretStore, build_secret_store

_CERTIFICATE_TIMEOUT_SECONDS = 4.0
_CLOCK_SKEW_SECONDS = 10


class UnauthenticatedError(Exception):
    """A request did not prove who sends it."""


class AuthenticatedUser(Struct, frozen=True):
    """Somebody who proved who they are.

    Attributes:
        uid: Firebase's id of the account.
        is_operator: Whether they are one of the group's own engineers.
    """

    uid: str
    is_operator: bool


class IdTokenVerifier:
    """Verifies Firebase ID tokens of one project.

    Beside the Auth emulator, and only there, the library takes the emulator's unsigned tokens;
    `shared.config` keeps a deployed function from ever starting so.

    Args:
        project: The Google Cloud project.
    """

    def __init__(self, project: str) -> None:
        # To verify takes Google's public keys alone, so the app is given no credential.
        self._app = firebase_admin.initialize_app(
            AnonymousCredentials(),  # type: ignore[no-untyped-call] # google-auth has no types here
            {"projectId": project, "httpTimeout": _CERTIFICATE_TIMEOUT_SECONDS},
            name=f"staff-{secrets.token_hex(8)}",
        )

    async def verify(self, token: str) -> AuthenticatedUser:
        """Return who a token speaks for.

        Args:
            token: The token's text, however hostile.

        Raises:
            UnidentifiedError: When it is not a valid token of this project.
            LedgerUnavailableError: When Google's public keys cannot be had now.
        """
        # The library fetches keys without asyncio, so it is given a thread.
        claims = await asyncio.to_thread(self._verify_claims, token)
        return AuthenticatedUser(str(claims["uid"]), is_operator=claims.get("operator") is True)

    def _verify_claims(self, token: str) -> Mapping[str, Any]:
        try:
            claims: Mapping[str, Any] = auth.verify_id_token(  # type: ignore[no-untyped-call] # theirs
                token, app=self._app, clock_skew_seconds=_CLOCK_SKEW_SECONDS
            )
        except auth.CertificateFetchError:
            raise ServiceUnavailableError("Google's public keys cannot be fetched") from None
        # A token's parts may be any JSON, which the library does not expect.
        except (ValueError, TypeError, AttributeError, LookupError, auth.InvalidIdTokenError):
            raise UnauthenticatedError from None
        return claims


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
