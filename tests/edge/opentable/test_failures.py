from datetime import UTC, datetime

import pytest

from shared.edge.opentable.failures import RetryableError, raise_for_status
from shared.errors import OpenTableRequestRejectedError

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
HEADERS = {"OT-RequestId": "6f0c2a1e-5b7d"}


def test_a_success_is_silent() -> None:
    raise_for_status(200, HEADERS, NOW)


@pytest.mark.parametrize("status", [204, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_says_so(status: int) -> None:
    with pytest.raises(RetryableError, match=rf"{status}.*6f0c2a1e-5b7d"):
        raise_for_status(status, HEADERS, NOW)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 408, 418])
def test_what_will_not_pass_is_a_refusal(status: int) -> None:
    with pytest.raises(OpenTableRequestRejectedError, match=rf"{status}.*6f0c2a1e-5b7d") as caught:
        raise_for_status(status, HEADERS, NOW)
    assert caught.value.status == status


def test_a_wait_that_was_asked_for_is_kept() -> None:
    with pytest.raises(RetryableError) as caught:
        raise_for_status(429, {"Retry-After": "7"}, NOW)
    assert caught.value.retry_after == 7


def test_a_forged_request_id_is_not_quoted() -> None:
    with pytest.raises(RetryableError, match="not given"):
        raise_for_status(500, {"OT-RequestId": "x\nERROR all is lost"}, NOW)
