"""Whoever calls the staff API is let in here, with what they ask for read and checked."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from functions.api.replies import ApiError
from functions.api.routing import RequestContext, RouteMatch
from functions.http import MAX_REQUEST_BODY_BYTES, read_request_body
from shared.domain.normalization.strict_json import InvalidJsonError, parse_strict_json
from shared.staff.auth import ApiContext, AuthenticatedUser, Role, UnauthenticatedError

_MAX_TOKEN_LENGTH = 8_192

M = TypeVar("M", bound=BaseModel)


async def authorize_request(
    api_context: ApiContext, request: Request, route_match: RouteMatch
) -> RequestContext[Any, Any]:
    """Identify a caller, check what they may do, and read what they ask for.

    Raises:
        RefusalError: With what to do next.
        LedgerUnavailableError: When it cannot be told now who they are.
    """
    user = await _authenticate(api_context, request)
    role = await api_context.staff_roles.get_role(route_match.restaurant_id, user)
    _require_role(route_match.route.role, role)
    return RequestContext(
        api_context=api_context,
        restaurant_id=route_match.restaurant_id,
        id=route_match.id,
        user=user,
        role=role or Role.HOST,
        headers=dict(request.headers),
        query=validate_request(route_match.route.query, _parse_query(request)),
        body=validate_request(
            route_match.route.body,
            await _parse_body(request) if route_match.route.takes_body else {},
        ),
    )


async def _authenticate(api_context: ApiContext, request: Request) -> AuthenticatedUser:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= _MAX_TOKEN_LENGTH:
        raise _build_unauthenticated_error()
    try:
        return await api_context.token_verifier.verify(token.strip())
    except UnauthenticatedError:
        raise _build_unauthenticated_error() from None


def _build_unauthenticated_error() -> ApiError:
    return ApiError(
        401,
        "UNAUTHENTICATED",
        "Sign in again, and send the Firebase ID token as bearer token.",
        {"WWW-Authenticate": "Bearer"},
    )


def _require_role(required_role: Role, role: Role | None) -> None:
    if role is None:
        text = "You are not on this restaurant's staff; ask its manager to add you."
        raise ApiError(403, "FORBIDDEN", text)
    if role < required_role:
        text = f"This takes the role of {required_role.name.lower()}; ask one of the restaurant's."
        raise ApiError(403, "ROLE_REQUIRED", text)


def _parse_query(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise _build_invalid_request_error("Give each parameter once.")
    return parameters


async def _parse_body(request: Request) -> dict[str, Any]:
    raw_body = await read_request_body(request)
    if raw_body is None:
        text = f"The body must be at most {MAX_REQUEST_BODY_BYTES} bytes."
        raise ApiError(413, "TOO_LARGE", text)
    if not raw_body.strip():
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json.")
    try:
        return parse_strict_json(raw_body)
    except InvalidJsonError:
        raise _build_invalid_request_error("The body must be a JSON object.") from None


def validate_request(model: type[M], values: Mapping[str, Any]) -> M:
    """Read what a caller asks for.

    Args:
        model: What may be asked for.
        values: Parameters or body, under the documented names.

    Raises:
        RefusalError: 400, with what to correct; a value is never repeated.
    """
    try:
        return model.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        validation_errors = error.errors(
            include_input=False, include_context=False, include_url=False
        )
        raise _build_invalid_request_error(
            "; ".join(sorted({_describe_validation_error(item) for item in validation_errors}))
        ) from None


def _describe_validation_error(item: Any) -> str:
    # A key that we do not know is the caller's own text, which is not repeated.
    if item["type"] == "extra_forbidden":
        return "Remove the fields that are not documented"
    location = ".".join(map(str, item["loc"])) or "The request"
    return f"{location}: {item['msg'].removeprefix('Value error, ')}"


def _build_invalid_request_error(message: str) -> ApiError:
    return ApiError(400, "INVALID_REQUEST", message)
