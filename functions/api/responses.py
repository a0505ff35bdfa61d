"""Build the responses of the staff API: the base model, one shape of error, the error codes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.http import RETRY_AFTER_SECONDS, log_request_failure
from shared.domain.normalization.field_values import format_utc
from shared.domain.validation import replace_unreadable_values
from shared.log import LogEvent, Severity, log_event, log_unreadable_document


class ResponseModel(BaseModel):
    """Base of the response models; JSON names are in camel case."""

    # Building all schemas takes long, and a request needs few: each is built on first use.
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, defer_build=True
    )


class StructResponseModel(ResponseModel):
    """Base of the models that `model_validate` fills from a struct with the same field names."""

    model_config = ConfigDict(from_attributes=True)


ResponseModelT = TypeVar("ResponseModelT", bound=ResponseModel)


UtcInstant = Annotated[
    datetime, PlainSerializer(lambda moment: format_utc(moment.astimezone(UTC)), return_type=str)
]


# A value that only a person can have written, such as a location, is no JSON.
StoredMap = Annotated[dict[str, Any], BeforeValidator(replace_unreadable_values)]


class ErrorDetail(ResponseModel):
    """The cause of an error."""

    code: str
    message: str


class ErrorResponse(ResponseModel):
    """The body of every error response."""

    error: ErrorDetail


def _document_errors(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status_code: {"model": ErrorResponse, "description": description}
        for status_code, description in descriptions.items()
    }


ERROR_RESPONSES = _document_errors(
    {
        400: "The request is invalid.",
        401: "The ID token is missing or invalid.",
        403: "The caller has no role in the restaurant, or the role is not sufficient.",
        404: "The resource does not exist.",
        409: "The current state does not allow the call.",
        429: "The user makes too many requests; retry after the seconds in `Retry-After`.",
        503: "The service is temporarily unavailable; retry.",
    }
)
BODY_ERROR_RESPONSES = _document_errors(
    {413: "The body is too large.", 415: "The body is not JSON, or it is compressed."}
)
PRECONDITION_ERROR_RESPONSES = _document_errors({412: "The resource is not the one in If-Match."})


class ApiError(HTTPException):
    """An error response with a stable `code` for programs, and what to do next for people."""

    def __init__(
        self,
        status_code: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code, message, headers)
        self.code = code

    def to_response(self) -> Response:
        """Return the HTTP response."""
        body = ErrorResponse(error=ErrorDetail(code=self.code, message=str(self.detail)))
        return Response(
            body.model_dump_json(), self.status_code, self.headers, media_type="application/json"
        )


def build_invalid_request_error(message: str) -> ApiError:
    """Return a 400 error."""
    return ApiError(400, "INVALID_REQUEST", message)


def build_not_found_error(message: str) -> ApiError:
    """Return a 404 error."""
    return ApiError(404, "NOT_FOUND", message)


def build_failure_response(error: Exception) -> Response:
    """Log why a request cannot be answered now, and return the 503 response."""

    def log_unavailable(error: Exception) -> None:
        log_event(
            Severity.WARNING, LogEvent.STAFF_CALL, outcome="unavailable", error=type(error).__name__
        )

    log_request_failure(error, log_unavailable)
    return ApiError(
        503,
        "UNAVAILABLE",
        "The service is temporarily unavailable. Try again in a few seconds.",
        {"Retry-After": str(RETRY_AFTER_SECONDS)},
    ).to_response()


def build_readable_responses(
    model: type[ResponseModelT],
    stored: Iterable[Mapping[str, Any]],
    restaurant_id: str,
    collection: str,
) -> list[ResponseModelT]:
    """Return stored documents as responses; one damaged by hand must not hide the others."""
    responses = []
    for document in stored:
        try:
            responses.append(model.model_validate(document))
        except ValidationError:
            log_unreadable_document(restaurant_id, collection)
    return responses
