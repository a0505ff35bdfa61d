"""OpenTable's error bodies: at least three documented shapes, and one exception to carry them."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Literal

ErrorShape = Literal["spring", "spring_message", "legacy", "family", "empty"]


class SandboxHttpError(Exception):
    """A request that is answered with an error: its status, body shape, code and words."""

    def __init__(
        self,
        status: int,
        shape: ErrorShape,
        code: str = "invalid_request",
        message: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Carry what the body will say, and further ``headers``."""
        super().__init__(status, code, message)
        self.status = status
        self.shape = shape
        self.code = code
        self.message = message
        self.headers = headers


def build_error_body(error: SandboxHttpError, path: str, now: datetime, request_id: str) -> object:
    """Return the JSON body of an error in its documented shape; None for an empty body.

    Args:
        error: The status, shape and words.
        path: Of the request, which the spring shapes repeat.
        now: OpenTable's time, aware.
        request_id: A UUID; the spring shapes show its first 8 hex digits.
    """
    spring = {
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "path": path,
        "status": error.status,
        "error": HTTPStatus(error.status).phrase,
        "requestId": request_id[:8],
    }
    stamp = int(now.timestamp() * 1000)
    bodies: dict[ErrorShape, object] = {
        "spring": spring,
        "spring_message": spring | {"timestamp": stamp, "message": error.message},
        "legacy": {"error": error.code, "message": error.message},
        "family": {"errors": [{"message": error.message}], "requestid": request_id},
        "empty": None,
    }
    return bodies[error.shape]
