"""Who somebody is: Firebase ID tokens, verified."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import firebase_admin
from firebase_admin import auth
from google.auth.credentials import AnonymousCredentials
from msgspec import Struct

from shared.errors import ServiceUnavailableError

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
    `shared.edge.environment` keeps a deployed function from ever starting so.

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
