"""Define the demo staff and their ID tokens in the Auth emulator's format.

These tokens are unsigned. Only functions with the Auth emulator's variable accept them, such as the
local gateway's. A deployed function with this variable refuses to start.
"""

import base64
import json
import os
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse

from dev.local.auth_emulator import LocalAccounts
from shared.staff.accounts import OPERATOR_CLAIM

DEMO_TOKEN_PATH = "/_local/token"  # noqa: S105 -- the address of a token
DEMO_STAFF_UIDS = {"host": "demo-host", "manager": "demo-manager"}
DEMO_STAFF_EMAILS = {role: f"{uid}@example.com" for role, uid in DEMO_STAFF_UIDS.items()}
_DEMO_UIDS = {**DEMO_STAFF_UIDS, "operator": "demo-operator"}
_DEMO_NAMES = {"host": "Hanna Host", "manager": "Mara Manager", "operator": "Olga Operator"}
_EMULATOR_VARIABLES = ("FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST")
_LIFETIME_SECONDS = 3600


def build_demo_accounts() -> LocalAccounts:
    """Return the accounts of the demo staff and the demo operator."""
    accounts = LocalAccounts()
    for role, uid in _DEMO_UIDS.items():
        providers = [{"providerId": "password", "rawId": uid}]
        accounts.add(
            uid,
            f"{uid}@example.com",
            displayName=_DEMO_NAMES[role],
            emailVerified=True,
            providerUserInfo=providers,
            customAttributes=json.dumps(_build_custom_claims(uid)),
        )
    return accounts


async def handle_token_request(request: Request) -> JSONResponse:
    """Answer with the demo's ID token of ``?role=host``, ``manager`` or ``operator``.

    Without both emulators there is no such address.
    """
    if not all(map(os.environ.get, _EMULATOR_VARIABLES)):
        return JSONResponse({"error": "There is nothing at this address."}, status_code=404)
    uid = _DEMO_UIDS.get(request.query_params.get("role", ""))
    if uid is None:
        body = {"error": f"Ask for a role: {' or '.join(_DEMO_UIDS)}."}
        return JSONResponse(body, status_code=400)
    token = build_unsigned_token(os.environ["GOOGLE_CLOUD_PROJECT"], uid, int(time.time()))
    return JSONResponse({"token": token}, headers={"Cache-Control": "no-store"})


def build_unsigned_token(project: str, uid: str, now: int) -> str:
    """Return an unsigned ID token in the Auth emulator's format.

    It is valid for an hour from `now`, in seconds since 1970.
    """
    claims = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "sub": uid,
        "auth_time": now,
        "iat": now,
        "exp": now + _LIFETIME_SECONDS,
        **_build_custom_claims(uid),
    }
    parts = (_encode_part({"alg": "none", "typ": "JWT"}), _encode_part(claims), "")
    return ".".join(parts)


def _build_custom_claims(uid: str) -> dict[str, bool]:
    return {OPERATOR_CLAIM: True} if uid == _DEMO_UIDS["operator"] else {}


def _encode_part(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
