from datetime import UTC, datetime

import pytest

from shared.edge.opentable.failures import RetryableError, raise_for_status
from shared.errors import OpenTableRequestRejectedError

FAILURE_TIME = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
HEADERS = {"OT-RequestId": "6f0c2a1e-5b7d"}


def test_a_success_is_silent() -> None:
    raise_for_status(200, HEADERS, FAILURE_TIME)


@pytest.mark.parametrize("status", [204, 429, 500, 502, 503, 504, 599])
def test_transient_failures_are_retryable(status: int) -> None:
    with pytest.raises(RetryableError, match=rf"{status}.*6f0c2a1e-5b7d"):
        raise_for_status(status, HEADERS, FAILURE_TIME)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 408, 418])
def test_permanent_failures_are_not_retryable(status: int) -> None:
    with pytest.raises(OpenTableRequestRejectedError, match=rf"{status}.*6f0c2a1e-5b7d") as caught:
        raise_for_status(status, HEADERS, FAILURE_TIME)
    assert caught.value.status == status


def test_a_requested_wait_is_preserved() -> None:
    with pytest.raises(RetryableError) as caught:
        raise_for_status(429, {"Retry-After": "7"}, FAILURE_TIME)
    assert caught.value.retry_after == 7


def test_a_forged_request_id_is_not_quoted() -> None:
    with pytest.raises(RetryableError, match="not given"):
        raise_for_status(500, {"OT-RequestId": "x\nERROR all is lost"}, FAILURE_TIME)
