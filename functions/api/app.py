"""The `api` function: the staff API on FastAPI, behind functions-framework."""

import asyncio
import hashlib
import json
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any

import functions_framework.aio
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from functions.api import (
    analytics,
    integration,
    integration_settings,
    quarantine,
    quarantine_actions,
    reports,
    reservation_actions,
    reservations,
    restaurants,
    staff,
    webhooks,
)
from functions.api.auth import ApiContext, AuthenticationMiddleware, build_api_context
from functions.api.requests import has_json_content_type
from functions.api.responses import (
    ERROR_RESPONSES,
    ApiError,
    build_failure_response,
    build_invalid_request_error,
    build_not_found_error,
)
from functions.http import UNAVAILABLE_ERRORS, UNSUPPORTED_MEDIA_HEADERS
from shared.context import get_app_context
from shared.domain.http_messages import list_entity_tags
from shared.errors import InvalidCursorError, InvalidSettingsError
from shared.staff.identity import AuthenticatedUser

OPENAPI_PATH = "/api/openapi.json"
_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# The clients of a context belong to one event loop.
_apps: dict[asyncio.AbstractEventLoop, FastAPI] = {}


@functions_framework.aio.http
async def api(_request: Request) -> Response:
    """Serve the staff API and its OpenAPI document."""
    loop = asyncio.get_running_loop()
    try:
        if loop not in _apps:
            _apps.clear()
            _apps[loop] = build_app(build_api_context(get_app_context()))
    except InvalidSettingsError as error:
        return build_failure_response(error)
    return _AsgiResponse(_apps[loop])


class _AsgiResponse(Response):
    """Hands the request of functions-framework over to an ASGI app."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def build_app(api_context: ApiContext, user: AuthenticatedUser | None = None) -> FastAPI:
    """Build the API for one context.

    Each request needs an ID token, unless the app is built for calls by `user` in this process.
    """
    app = _StaffApi(
        title="Lineup reservations: staff API",
        version="1",
        openapi_url=None,  # FastAPI would encode the document again for each request
        # These pages load scripts from other servers, which `_SECURITY_HEADERS` forbids.
        docs_url=None,
        redoc_url=None,
        # A redirect would drop the bearer token in many clients.
        redirect_slashes=False,
        routes=[*_build_routes()],
        exception_handlers={
            HTTPException: _handle_http_exception,
            RequestValidationError: _handle_validation_error,
            InvalidCursorError: _handle_invalid_cursor,
            **dict.fromkeys((InvalidSettingsError, *UNAVAILABLE_ERRORS), _handle_failure),
        },
    )
    app.state.api_context = api_context
    app.state.user = user
    if user is None:
        app.add_middleware(
            AuthenticationMiddleware, api_context=api_context, public_path=OPENAPI_PATH
        )
    # The last one added is the outermost: it also sees the responses of the authentication.
    app.add_middleware(_SecurityHeadersMiddleware)
    app.add_route(OPENAPI_PATH, app.get_openapi, include_in_schema=False)
    return app


@cache
def _build_routes() -> list[BaseRoute]:
    """Build the routes of every resource once: the first request to new ones takes 150 ms."""
    router = APIRouter(
        responses=ERROR_RESPONSES,
        # By default the ids contain the address too, and so do the names in generated clients.
        generate_unique_id_function=lambda route: route.name,
    )
    for module in (
        restaurants,
        reservations,
        reservation_actions,
        integration,
        integration_settings,
        reports,
        quarantine,
        quarantine_actions,
        analytics,
        staff,
        webhooks,
    ):
        router.include_router(module.router)
    return router.routes


class _StaffApi(FastAPI):
    """FastAPI with its OpenAPI document encoded once, and without its own validation errors."""

    @override
    def openapi(self) -> dict[str, Any]:
        document = super().openapi()  # built once, then cached
        # An invalid request is a documented 400 error here, not FastAPI's 422.
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        return document

    @cached_property
    def _encoded_openapi(self) -> tuple[bytes, str]:
        body = json.dumps(self.openapi()).encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    async def get_openapi(self, request: Request) -> Response:
        """Respond with the OpenAPI document, or with 304 if the caller has it."""
        body, etag = self._encoded_openapi
        headers = {"Cache-Control": "public, max-age=3600", "ETag": etag}
        if etag in list_entity_tags(request.headers.get("if-none-match", "")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(body, headers=headers, media_type="application/json")


class _SecurityHeadersMiddleware:
    """Adds headers against caching, framing and content sniffing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _handle_http_exception(request: Request, error: HTTPException) -> Response:
    """Return an API error, or an error of the framework in the shape of one."""
    if isinstance(error, ApiError):
        return error.to_response()
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _build_unknown_address_response()
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names only the methods of the first route at the address.
        allowed = sorted(
            {
                method
                for route in iter_route_contexts(request.app.routes)
                if route.matches(request.scope)[0] is not Match.NONE
                for method in route.methods or ()
            }
        )
        text = f"Use {' or '.join(allowed)} at this address."
        headers = {"Allow": ", ".join(allowed)}
        return ApiError(405, "METHOD_NOT_ALLOWED", text, headers).to_response()
    return build_invalid_request_error(str(error.detail)).to_response()


async def _handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Return a 400 error with what to correct; no value of the request is repeated."""
    errors = error.errors()
    # An impossible id names nothing, like an unknown path.
    if any(item["loc"][0] == "path" for item in errors):
        return _build_unknown_address_response()
    # StrictJsonRequest returns an invalid body as bytes.
    if isinstance(error.body, bytes):
        if not has_json_content_type(request):
            text = "Send the body as application/json."
            headers = UNSUPPORTED_MEDIA_HEADERS
            return ApiError(415, "UNSUPPORTED_MEDIA_TYPE", text, headers).to_response()
        return build_invalid_request_error("The body must be a JSON object.").to_response()
    descriptions = set()
    for item in errors:
        # The name of an unknown field is the caller's own text, so it is not repeated.
        if item["type"] == "extra_forbidden":
            descriptions.add("Remove the undocumented fields.")
        else:
            location = ".".join(map(str, item["loc"][1:])) or "The request"
            message = item["msg"].removeprefix("Value error, ")
            # Our own validators may return a sentence, for people without knowledge of field names.
            is_sentence = message.endswith(".")
            descriptions.add(message if is_sentence else f"{location}: {message}.")
    return build_invalid_request_error(" ".join(sorted(descriptions))).to_response()


async def _handle_invalid_cursor(_request: Request, _error: Exception) -> Response:
    text = "The cursor must come from an earlier page of the same list."
    return build_invalid_request_error(text).to_response()


async def _handle_failure(_request: Request, error: Exception) -> Response:
    return build_failure_response(error)


def _build_unknown_address_response() -> Response:
    text = f"There is nothing at this address. {OPENAPI_PATH} lists the calls."
    return build_not_found_error(text).to_response()
