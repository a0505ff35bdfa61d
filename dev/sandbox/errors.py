"""OpenTable's error bodies: at least three documented shapes, and one exception to carry them."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Literal

Shape = Literal["spring", "spring_message", "legacy", "family", "empty"]


class Refused(Exception):  # noqa: N818 - an answer, not a fault of the sandbox
    """A request that is answered with an error: its status, body shape, code and words."""

    def __init__(
        self,
        status: int,
        shape: Shape,
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


def error_body(refused: Refused, path: str, now: datetime, request_id: str) -> object:
    """Return the JSON body of an error in its documented shape; None for an empty body.

    Args:
        refused: The status, shape and words.
        path: Of the request, which the spring shapes repeat.
        now: OpenTable's time, aware.
        request_id: A UUID; the spring shapes show its first 8 hex digits.
    """
    spring = {
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "path": path,
        "status": refused.status,
        "error": HTTPStatus(refused.status).phrase,
        "requestId": request_id[:8],
    }
    stamp = int(now.timestamp() * 1000)
    bodies: dict[Shape, object] = {
        "spring": spring,
        "spring_message": spring | {"timestamp": stamp, "message": refused.message},
        "legacy": {"error": refused.code, "message": refused.message},
        "family": {"errors": [{"message": refused.message}], "requestid": request_id},
        "empty": None,
    }
    return bodies[refused.shape]
