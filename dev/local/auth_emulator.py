"""A stand-in for the Auth emulator: the accounts of a local run, in memory.

It answers the calls of `shared.staff.accounts`, as documented for the Identity Toolkit API.
Firebase's own emulator needs node and about 20 s to start.
"""

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_ACCOUNTS_PATH = "/identitytoolkit.googleapis.com/v1/projects/{project}/accounts"
_UID_BYTES = 14


@dataclass(slots=True)
class LocalAccounts:
    """The accounts, as Firebase's API returns them, by user id; and how often they were read.

    Attributes:
        failure_status: The HTTP status of every response, None for accounts.
    """

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    lookup_count: int = 0
    failure_status: int | None = None

    def add(self, uid: str, email: str, **fields: object) -> None:
        """Add an account; `fields` are those of Firebase's API."""
        self.users[uid] = {
            "localId": uid,
            "email": email.lower(),
            "emailVerified": False,
            **fields,
        }

    def build_routes(self) -> list[Route]:
        """Return the routes of the API."""
        calls = {
            "": self.create_account,
            ":lookup": self.look_up_accounts,
            ":update": self.update_account,
            ":sendOobCode": self.send_password_code,
        }
        return [
            Route(f"{_ACCOUNTS_PATH}{suffix}", endpoint, methods=["POST"])
            for suffix, endpoint in calls.items()
        ]

    async def look_up_accounts(self, request: Request) -> JSONResponse:
        """Return the accounts of the given user ids and e-mail addresses."""
        query = await request.json()
        self.lookup_count += 1
        if self.failure_status is not None:
            return _build_error("FAILURE", self.failure_status)
        users = [
            user
            for user in self.users.values()
            if user["localId"] in query.get("localId", [])
            or user["email"] in map(str.lower, query.get("email", []))
        ]
        # Firebase leaves the list out if there is no account.
        return JSONResponse({"users": users} if users else {})

    async def create_account(self, request: Request) -> JSONResponse:
        """Create an account with a new user id."""
        fields = await request.json()
        if self._find_by_email(fields["email"]):
            return _build_error("EMAIL_EXISTS")
        uid = secrets.token_urlsafe(_UID_BYTES)
        self.add(uid, **fields)
        return JSONResponse({"localId": uid})

    async def update_account(self, request: Request) -> JSONResponse:
        """Change fields of an account."""
        fields: dict[str, Any] = await request.json()
        user = self.users.get(fields["localId"])
        if user is None:
            return _build_error("USER_NOT_FOUND")
        if "disableUser" in fields:  # responses have another name for it
            user["disabled"] = fields.pop("disableUser")
        user |= fields
        return JSONResponse({"localId": user["localId"]})

    async def send_password_code(self, request: Request) -> JSONResponse:
        """Return the link to set a password. Firebase would send it by e-mail."""
        fields = await request.json()
        if not self._find_by_email(fields["email"]):
            return _build_error("EMAIL_NOT_FOUND")
        link = f"http://{request.url.netloc}/_local/password?code={secrets.token_urlsafe()}"
        return JSONResponse({"email": fields["email"], "oobLink": link})

    def _find_by_email(self, email: str) -> dict[str, Any] | None:
        return next((user for user in self.users.values() if user["email"] == email.lower()), None)


def _build_error(code: str, status: int = HTTPStatus.BAD_REQUEST) -> JSONResponse:
    return JSONResponse({"error": {"code": int(status), "message": code}}, status)
