"""Whoever calls the staff API is let in here, with what they ask for read and checked."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from functions.http import MOST_BODY_BYTES, read_bounded
from functions.staff.replies import RefusalError
from functions.staff.routing import Found, Visit
from shared.core.body import InvalidJsonError, parse_object
from shared.edge.staff.membership import Role
from shared.edge.staff.staffroom import Staffroom
from shared.edge.staff.tokens import Person, UnidentifiedError

_LONGEST_TOKEN = 8_192

M = TypeVar("M", bound=BaseModel)


async def let_in(staffroom: Staffroom, request: Request, found: Found) -> Visit[Any, Any]:
    """Identify a caller, check what they may do, and read what they ask for.

    Raises:
        RefusalError: With what to do next.
        LedgerUnavailableError: When it cannot be told now who they are.
    """
    person = await _identify(staffroom, request)
    role = await staffroom.memberships.role(found.restaurant_id, person)
    _refuse_below(found.route.role, role)
    return Visit(
        staffroom=staffroom,
        restaurant_id=found.restaurant_id,
        id=found.id,
        person=person,
        role=role or Role.HOST,
        headers=dict(request.headers),
        query=read_asked(found.route.query, _query(request)),
        body=read_asked(found.route.body, await _body(request) if found.route.takes_body else {}),
    )


async def _identify(staffroom: Staffroom, request: Request) -> Person:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
        raise _unauthenticated()
    try:
        return await staffroom.tokens.person(token.strip())
    except UnidentifiedError:
        raise _unauthenticated() from None


def _unauthenticated() -> RefusalError:
    return RefusalError(
        401,
        "UNAUTHENTICATED",
        "Sign in again, and send the Firebase ID token as bearer token.",
        {"WWW-Authenticate": "Bearer"},
    )


def _refuse_below(least: Role, role: Role | None) -> None:
    if role is None:
        text = "You are not on this restaurant's staff; ask its manager to add you."
        raise RefusalError(403, "FORBIDDEN", text)
    if role < least:
        text = f"This takes the role of {least.name.lower()}; ask one of the restaurant's."
        raise RefusalError(403, "ROLE_REQUIRED", text)


def _query(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    asked = dict(pairs)
    if len(asked) != len(pairs):
        raise _invalid("Give each parameter once.")
    return asked


async def _body(request: Request) -> dict[str, Any]:
    raw = await read_bounded(request)
    if raw is None:
        text = f"The body must be at most {MOST_BODY_BYTES} bytes."
        raise RefusalError(413, "TOO_LARGE", text)
    if not raw.strip():
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RefusalError(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json.")
    try:
        return parse_object(raw)
    except InvalidJsonError:
        raise _invalid("The body must be a JSON object.") from None


def read_asked(model: type[M], asked: Mapping[str, Any]) -> M:
    """Read what a caller asks for.

    Args:
        model: What may be asked for.
        asked: Parameters or body, under the documented names.

    Raises:
        RefusalError: 400, with what to correct; a value is never repeated.
    """
    try:
        return model.model_validate(asked, by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_input=False, include_context=False, include_url=False)
        raise _invalid("; ".join(sorted({_words(item) for item in found}))) from None


def _words(item: Any) -> str:
    # A key that we do not know is the caller's own text, which is not repeated.
    if item["type"] == "extra_forbidden":
        return "Remove the fields that are not documented"
    place = ".".join(map(str, item["loc"])) or "The request"
    return f"{place}: {item['msg'].removeprefix('Value error, ')}"


def _invalid(message: str) -> RefusalError:
    return RefusalError(400, "INVALID_REQUEST", message)
