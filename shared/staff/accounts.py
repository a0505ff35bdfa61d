"""The accounts of Firebase Authentication: names and e-mail addresses of staff, and operators.

Firestore stores only the user ids of staff. Their names and addresses are read here when they are
shown, so deleting an account removes them everywhere.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, TypeVar

import firebase_admin
from cachetools import TTLCache
from firebase_admin import auth
from firebase_admin.exceptions import FirebaseError, PermissionDeniedError, UnauthenticatedError
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from msgspec import Struct

from shared.concurrency import SingleFlightTTLCache, batched
from shared.errors import InvalidSettingsError, ServiceUnavailableError

OPERATOR_CLAIM = "operator"
COMMAND_LINE_PREFIX = "operator:"  # the user id of an operator at the command line
OPERATOR_CACHE_SECONDS = 55.0  # with the request, a revoked operator loses access within a minute
NAME_CACHE_SECONDS = 300.0
_NAME_TIMEOUT_SECONDS = 1.5
_NAME_PAUSE_SECONDS = 30.0
_REQUEST_TIMEOUT_SECONDS = 4.0
_MAX_THREADS = 4
_MAX_CACHED_ACCOUNTS = 10_000
_MAX_ACCOUNTS_PER_REQUEST = 100  # Firebase's limit
_MAX_UID_LENGTH = 128  # Firebase's limit
_MILLISECONDS = 1000
T = TypeVar("T")


class UserAccount(Struct, frozen=True):
    """An account of Firebase Authentication.

    Attributes:
        is_email_confirmed: Whether the person proved to receive mail at the address.
        has_sign_in_method: Whether anybody ever set a password or connected a provider.
        sessions_valid_from: ID tokens issued before this time are revoked, UTC.
    """

    uid: str
    email: str | None
    display_name: str | None
    is_disabled: bool
    is_email_confirmed: bool
    has_sign_in_method: bool
    is_operator: bool
    sessions_valid_from: datetime

    @property
    def name(self) -> str:
        """What to call the person."""
        return self.display_name or self.email or self.uid


class UserAccounts:
    """Reads and changes the accounts of one Google Cloud project.

    All methods raise `ServiceUnavailableError` if Firebase does not answer, and
    `InvalidSettingsError` if this process may not use it. `timer` is a monotonic clock in seconds.
    """

    def __init__(self, project: str, timer: Callable[[], float]) -> None:
        self._project = project
        # Threads of its own: those of the event loop verify tokens, also while Firebase hangs.
        self._executor = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="accounts")
        self._timer = timer
        self._names_paused_until = timer()
        self._operators = SingleFlightTTLCache(
            self.find_by_uid,
            max_size=_MAX_CACHED_ACCOUNTS,
            ttl_seconds=OPERATOR_CACHE_SECONDS,
            timer=timer,
        )
        self._names: TTLCache[str, str | None] = TTLCache(
            _MAX_CACHED_ACCOUNTS, NAME_CACHE_SECONDS, timer
        )

    @cached_property
    def _app(self) -> Any:
        return firebase_admin.initialize_app(
            options={"projectId": self._project, "httpTimeout": _REQUEST_TIMEOUT_SECONDS},
            name=f"accounts-{secrets.token_hex(8)}",
        )

    async def is_operator(self, uid: str, token_issued_at: datetime) -> bool:
        """Return whether a user is still an operator, at most `OPERATOR_CACHE_SECONDS` old.

        A claim in an ID token outlives its removal by up to an hour, so the account is read.
        """
        account = await self._operators.get(uid)
        return (
            account is not None
            and account.is_operator
            and not account.is_disabled
            and token_issued_at >= account.sessions_valid_from
        )

    async def read_names(self, uids: Iterable[str]) -> dict[str, str]:
        """Return what to call users, at most `NAME_CACHE_SECONDS` old; unknown ones are missing.

        Fails after `_NAME_TIMEOUT_SECONDS`, and then at once for `_NAME_PAUSE_SECONDS`: a page must
        not wait long for names.
        """
        names: dict[str, str | None] = {}
        missing = []
        for uid in set(uids):
            if uid.startswith(COMMAND_LINE_PREFIX):
                names[uid] = f"{uid.removeprefix(COMMAND_LINE_PREFIX)} (command line)"
                continue
            try:
                names[uid] = self._names[uid]
            except KeyError:  # not `in` before: the entry may expire in between
                missing.append(uid)
        if missing:
            if self._timer() < self._names_paused_until:
                raise ServiceUnavailableError("Firebase did not answer a moment ago")
            try:
                async with asyncio.timeout(_NAME_TIMEOUT_SECONDS):
                    accounts = await self.read_accounts(missing)
            except (TimeoutError, ServiceUnavailableError):
                self._names_paused_until = self._timer() + _NAME_PAUSE_SECONDS
                raise ServiceUnavailableError("Firebase does not answer") from None
            for uid in missing:
                # Deleted accounts are cached too: every page would look them up again.
                names[uid] = self._names[uid] = accounts[uid].name if uid in accounts else None
        return {uid: name for uid, name in names.items() if name is not None}

    async def read_accounts(self, uids: Sequence[str]) -> dict[str, UserAccount]:
        """Return the existing accounts by user id."""
        accounts: dict[str, UserAccount] = {}
        # A document written by hand may have any id, but Firebase rejects the whole request.
        valid_uids = [uid for uid in uids if 0 < len(uid) <= _MAX_UID_LENGTH]
        for batch in batched(valid_uids, _MAX_ACCOUNTS_PER_REQUEST):
            identifiers = [auth.UidIdentifier(uid) for uid in batch]
            result = await self._call(auth.get_users, identifiers)
            accounts |= {user.uid: _read_account(user) for user in result.users}
        return accounts

    async def find_by_uid(self, uid: str) -> UserAccount | None:
        """Return an account by its user id, None if there is none."""
        return (await self.read_accounts([uid])).get(uid)

    async def find_by_email(self, email: str) -> UserAccount | None:
        """Return an account by its e-mail address, None if there is none."""
        result = await self._call(auth.get_users, [auth.EmailIdentifier(email)])
        return _read_account(result.users[0]) if result.users else None

    async def create(self, email: str) -> UserAccount:
        """Create an account without a password; only the owner of the address can set one."""
        try:
            user = await self._call(auth.create_user, email=email)
        except auth.EmailAlreadyExistsError:
            # Another request created it in between.
            account = await self.find_by_email(email)
            if account is None:
                raise ServiceUnavailableError(
                    "Another request is changing this account. Try again."
                ) from None
            return account
        return _read_account(user)

    async def set_operator(self, account: UserAccount, *, is_operator: bool) -> None:
        """Make a user an operator, or end it together with the user's sessions."""
        user = await self._call(auth.get_user, account.uid)
        claims: dict[str, Any] = dict(user.custom_claims or {})
        claims.pop(OPERATOR_CLAIM, None)
        if is_operator:
            claims[OPERATOR_CLAIM] = True
        await self._call(auth.set_custom_user_claims, account.uid, claims or None)
        if not is_operator:
            # The claim in the present tokens would be valid for up to an hour.
            await self._call(auth.revoke_refresh_tokens, account.uid)
        self._operators.invalidate(account.uid)

    async def build_password_link(self, email: str) -> str:
        """Return a link with which the owner of an account sets a password."""
        link: str = await self._call(auth.generate_password_reset_link, email)
        return link

    async def _call(self, function: Callable[..., T], *arguments: object, **keywords: object) -> T:
        """Make one blocking call of the library, with the app, in a thread."""
        request = partial(function, *arguments, app=self._app, **keywords)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, request)
        except (PermissionDeniedError, UnauthenticatedError, DefaultCredentialsError):
            raise InvalidSettingsError(
                "This process may not read the accounts of Firebase Authentication: grant its "
                "service account the role in docs/security.md."
            ) from None
        except auth.EmailAlreadyExistsError:
            raise
        except (FirebaseError, GoogleAuthError) as error:
            raise ServiceUnavailableError(f"Firebase: {type(error).__name__}") from None


def _read_account(user: Any) -> UserAccount:
    claims: Mapping[str, Any] = user.custom_claims or {}
    valid_from = datetime.fromtimestamp(user.tokens_valid_after_timestamp / _MILLISECONDS, UTC)
    return UserAccount(
        uid=user.uid,
        email=user.email,
        display_name=user.display_name,
        is_disabled=user.disabled,
        is_email_confirmed=user.email_verified,
        has_sign_in_method=bool(user.provider_data),
        is_operator=claims.get(OPERATOR_CLAIM) is True,
        sessions_valid_from=valid_from,
    )
