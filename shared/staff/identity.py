"""Verify the Firebase ID tokens of staff, and read their roles."""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import firebase_admin
from cachetools import TLRUCache
from firebase_admin import auth
from google.api_core import exceptions as google
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from msgspec import Struct

from shared.concurrency import SingleFlightTTLCache
from shared.domain.normalization.identifiers import is_document_id
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import translate_firestore_errors
from shared.staff.accounts import OPERATOR_CLAIM, UserAccounts

ROLE_CACHE_SECONDS = 55.0  # with the read, a removed member loses access within a minute
_TOKEN_CACHE_SECONDS = 60.0
_MAX_CACHED_TOKENS = 10_000
_MAX_CACHED_ROLES = 10_000
_READ_TIMEOUT_SECONDS = 3.0
_CERTIFICATE_TIMEOUT_SECONDS = 4.0
_CLOCK_SKEW_SECONDS = 10
_JWT_PARTS = 3


class UnauthenticatedError(Exception):
    """The ID token is missing or invalid."""


class AuthenticatedUser(Struct, frozen=True):
    """A user with a verified identity; operators are the group's own engineers."""

    uid: str
    is_operator: bool


class Role(IntEnum):
    """What a user may do in a restaurant; each role includes the rights of the lower ones."""

    HOST = 1
    MANAGER = 2
    OPERATOR = 3

    @property
    def code(self) -> str:
        """The name in documents and in the API."""
        return self.name.lower()


STAFF_ROLES = {role.code: role for role in (Role.HOST, Role.MANAGER)}


def staff_role_from_document(document: Mapping[str, Any]) -> Role | None:
    """Read the role of a staff member; another role grants no access."""
    return STAFF_ROLES.get(str(document.get("role")))


class IdTokenVerifier:
    """Verifies Firebase ID tokens of one Google Cloud project.

    While FIREBASE_AUTH_EMULATOR_HOST is set, the library also accepts the emulator's unsigned
    tokens. `shared.config` rejects that variable in a deployed function.
    """

    def __init__(
        self, project: str, accounts: UserAccounts, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` returns the seconds since 1970."""
        self._accounts = accounts
        self._app = firebase_admin.initialize_app(
            # Verification needs only Google's public keys, so the app gets no credential.
            AnonymousCredentials(),  # type: ignore[no-untyped-call] # google-auth has no types here
            {"projectId": project, "httpTimeout": _CERTIFICATE_TIMEOUT_SECONDS},
            name=f"staff-{secrets.token_hex(8)}",
        )
        # A page sends one token for an hour, several times a minute.
        self._claims: TLRUCache[bytes, Mapping[str, Any]] = TLRUCache(
            _MAX_CACHED_TOKENS,
            lambda _digest, claims, now: min(
                now + _TOKEN_CACHE_SECONDS, claims["exp"] + _CLOCK_SKEW_SECONDS
            ),
            clock,
        )

    async def verify(self, token: str) -> AuthenticatedUser:
        """Return the user of a token.

        Raises:
            UnauthenticatedError: The token is not valid in this project.
            ServiceUnavailableError: Google's public keys or an operator's account cannot be read.
        """
        # The cache keeps no usable token. A header may contain any bytes.
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        claims = self._claims.get(digest)
        if claims is None:
            # Most invented tokens end here: the library would take a thread and more time.
            if not _names_audience(token, self._app.project_id):
                raise UnauthenticatedError
            # The library may fetch keys with a blocking request.
            claims = self._claims[digest] = await asyncio.to_thread(self._verify_claims, token)
        uid = str(claims["uid"])
        is_operator = claims.get(OPERATOR_CLAIM) is True and await self._accounts.is_operator(
            uid, datetime.fromtimestamp(claims["iat"], UTC)
        )
        return AuthenticatedUser(uid, is_operator)

    def _verify_claims(self, token: str) -> Mapping[str, Any]:
        try:
            claims: dict[str, Any] = auth.verify_id_token(
                token, app=self._app, clock_skew_seconds=_CLOCK_SKEW_SECONDS
            )
            # The library does not check the times in the emulator's tokens.
            times = {name: float(claims[name]) for name in ("iat", "exp")}
        except auth.CertificateFetchError:
            raise ServiceUnavailableError("Google's public keys cannot be fetched") from None
        # A token's parts can be any JSON, and the library raises these errors for some of it.
        except (ValueError, TypeError, AttributeError, LookupError, auth.InvalidIdTokenError):
            raise UnauthenticatedError from None
        return claims | times


def _names_audience(token: str, audience: str) -> bool:
    """Return whether an unverified token is a JWT for the audience."""
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return False
    try:
        # JWT omits the padding of base64; too much of it is ignored.
        claims = json.loads(base64.urlsafe_b64decode(f"{parts[1]}=="))
    except (ValueError, RecursionError):
        return False
    return isinstance(claims, dict) and claims.get("aud") == audience


class StaffRoles:
    """Reads the roles of staff members, with a cache; `timer` returns monotonic seconds."""

    def __init__(self, client: AsyncClient, timer: Callable[[], float]) -> None:
        self._client = client
        self._cache = SingleFlightTTLCache(
            self._read_role, max_size=_MAX_CACHED_ROLES, ttl_seconds=ROLE_CACHE_SECONDS, timer=timer
        )

    async def get_role(self, restaurant_id: str, user: AuthenticatedUser) -> Role | None:
        """Return the user's role in a restaurant, or None.

        Raises:
            ServiceUnavailableError: Firestore cannot be read.
        """
        if user.is_operator:
            return Role.OPERATOR
        if not is_document_id(user.uid):
            return None
        return await self._cache.get((restaurant_id, user.uid))

    def invalidate(self, restaurant_id: str, uid: str) -> None:
        """Read a role again at its next use: it just changed."""
        self._cache.invalidate((restaurant_id, uid))

    async def _read_role(self, member: tuple[str, str]) -> Role | None:
        _, uid = member
        reference = paths.staff_member_document(self._client, *member)
        with translate_firestore_errors():
            snapshot = await reference.get(retry=None, timeout=_READ_TIMEOUT_SECONDS)
        fields = snapshot.to_dict() or {}
        role = staff_role_from_document(fields)
        if role is not None and fields.get("uid") != uid:
            # Written by hand or by another part of the application: without the user id, no query
            # finds it for the list of the user's restaurants. The next request repeats a failure.
            unmodified = self._client.write_option(last_update_time=snapshot.update_time)
            with suppress(google.GoogleAPIError):
                await reference.update(
                    {"uid": uid}, option=unmodified, retry=None, timeout=_READ_TIMEOUT_SECONDS
                )
        return role
