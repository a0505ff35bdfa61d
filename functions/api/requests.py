"""Read a request of the staff API: path, query, and a strict JSON body within a time limit."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from typing_extensions import override

from functions.api.responses import ApiError, build_failure_response
from functions.http import (
    MAX_REQUEST_BODY_BYTES,
    UNAVAILABLE_ERRORS,
    UNSUPPORTED_MEDIA_HEADERS,
    has_content_coding,
    read_request_body,
    set_request_trace,
)
from shared.domain.http_messages import InvalidJsonError, parse_strict_json
from shared.domain.normalization.identifiers import is_document_id
from shared.errors import InvalidCursorError, InvalidSettingsError

if TYPE_CHECKING:
    from functions.api.auth import ApiContext

API_PREFIX = "/api/restaurants/{restaurant_id}"
API_TIMEOUT_SECONDS = 25.0
_DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class RequestModel(BaseModel):
    """Base of query and body models: an unknown field is an error, because it would be ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # it contains personal data
    )


def _require_iso_date(value: object) -> object:
    # Pydantic also accepts a number of seconds, and explains a wrong month in its own words.
    with suppress(ValueError):
        if isinstance(value, str) and _DATE_PATTERN.fullmatch(value):
            return date.fromisoformat(value)
    raise ValueError("The calendar has no such date. Use a day such as 2027-01-16.")


def _reject_surrogates(text: str) -> str:
    # JSON can escape half a surrogate pair; Firestore cannot store it.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text that UTF-8 can encode") from None
    return text


def require_valid(is_valid: Callable[[Any], object], requirement: str) -> AfterValidator:
    """Return a validator that rejects other values.

    Args:
        requirement: A sentence for people, or the end of one that begins with the field's name.
    """

    def validate(value: Any) -> Any:
        if not is_valid(value):
            raise ValueError(requirement)
        return value

    return AfterValidator(validate)


LocalDate = Annotated[date, BeforeValidator(_require_iso_date)]
Utf8Text = Annotated[str, AfterValidator(_reject_surrogates)]
ReasonText = Annotated[Utf8Text, Field(min_length=1, max_length=500, pattern=r"\S")]
PageLimit = Annotated[int, Field(ge=1, le=200)]
RestaurantId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
DocumentId = Annotated[
    str, Field(min_length=1, max_length=300), require_valid(is_document_id, "must be an id")
]


# The app turns these into responses; in-process callers can receive them instead.
_ERRORS_WITH_HANDLER = (
    HTTPException,
    RequestValidationError,
    InvalidCursorError,
    InvalidSettingsError,
    *UNAVAILABLE_ERRORS,
)


class StaffRoute(APIRoute):
    """A route with a time limit, strict JSON, and a 503 response for every unexpected error."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_request(request: Request) -> Response:
            api_context: ApiContext = request.app.state.api_context
            set_request_trace(request, api_context.app_context.environment.project)
            try:
                async with asyncio.timeout(API_TIMEOUT_SECONDS):
                    return await handle(StrictJsonRequest(request.scope, request.receive))
            except _ERRORS_WITH_HANDLER:
                raise
            except Exception as error:  # noqa: BLE001 -- the server would log the request with its personal data
                return build_failure_response(error)

        return handle_request


class StrictJsonRequest(Request):
    """A request with a size limit and strict JSON parsing.

    FastAPI reads the body before it runs the dependencies. An invalid body is therefore returned
    as bytes: no model accepts them, but the error is raised only after the caller is authorized.
    """

    _bounded_body: bytes | None = None

    @override
    async def body(self) -> bytes:
        if self._bounded_body is None:
            if has_content_coding(self):
                text = "Send the body without a Content-Encoding."
                raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", text, UNSUPPORTED_MEDIA_HEADERS)
            body = await read_request_body(self)
            if body is None:
                text = f"The body must be at most {MAX_REQUEST_BODY_BYTES} bytes."
                raise ApiError(413, "TOO_LARGE", text)
            # Blank space counts as no body, so that the default of the model applies.
            self._bounded_body = body if body.strip() else b""
        return self._bounded_body

    @override
    async def json(self) -> Any:
        body = await self.body()
        if not has_json_content_type(self):  # FastAPI also accepts application/*+json
            return body
        try:
            return parse_strict_json(body)
        except InvalidJsonError:
            return body


def has_json_content_type(request: Request) -> bool:
    """Return whether the body is declared as application/json."""
    media_type = request.headers.get("content-type", "").partition(";")[0]
    return media_type.strip().lower() == "application/json"
