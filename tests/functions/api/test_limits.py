"""What unauthenticated and excessive requests cost, and how they are refused."""

import pytest

from functions.api.auth import RequestLimiter
from functions.api.responses import ApiError
from shared.staff.identity import AuthenticatedUser
from tests.support.clocks import FakeTimer
from tests.support.staff_api import StaffApiClient, error_code

HANNA = AuthenticatedUser("hanna", is_operator=False)
MARA = AuthenticatedUser("mara", is_operator=False)


@pytest.fixture
def limiter(timer: FakeTimer) -> RequestLimiter:
    """A limit of two requests a second, with a burst of ten."""
    return RequestLimiter(2, timer)


def make_requests(limiter: RequestLimiter, user: AuthenticatedUser, count: int) -> None:
    for _ in range(count):
        limiter.check(user)


def test_a_burst_of_five_seconds_is_allowed(limiter: RequestLimiter) -> None:
    make_requests(limiter, HANNA, 10)
    with pytest.raises(ApiError) as refused:
        limiter.check(HANNA)
    assert (refused.value.status_code, refused.value.code) == (429, "TOO_MANY_REQUESTS")


def test_the_allowance_returns_with_time(limiter: RequestLimiter, timer: FakeTimer) -> None:
    make_requests(limiter, HANNA, 10)
    timer.advance(2)
    make_requests(limiter, HANNA, 4)
    with pytest.raises(ApiError):
        limiter.check(HANNA)


def test_a_request_after_retry_after_is_allowed(timer: FakeTimer) -> None:
    limiter = RequestLimiter(0.1, timer)
    limiter.check(HANNA)
    with pytest.raises(ApiError) as refused:
        limiter.check(HANNA)
    timer.advance(int((refused.value.headers or {})["Retry-After"]))
    limiter.check(HANNA)


def test_users_have_allowances_of_their_own(limiter: RequestLimiter) -> None:
    make_requests(limiter, HANNA, 10)
    limiter.check(MARA)


def test_the_allowances_of_the_newest_ten_thousand_users_are_kept(limiter: RequestLimiter) -> None:
    make_requests(limiter, HANNA, 10)
    make_requests(limiter, MARA, 10)
    for number in range(9_999):
        limiter.check(AuthenticatedUser(f"user-{number}", is_operator=False))
    with pytest.raises(ApiError):
        limiter.check(MARA)
    limiter.check(HANNA)


async def test_too_many_requests_get_429_and_retry_after(host: StaffApiClient) -> None:
    client = host.with_environment(api_requests_per_second=0.2)
    assert (await client.get("me")).status_code == 200
    response = await client.get("me")
    assert error_code(response) == (429, "TOO_MANY_REQUESTS")
    assert int(response.headers["retry-after"]) > 0


async def test_an_unknown_path_without_a_token_is_unauthenticated(
    emulator_client: StaffApiClient,
) -> None:
    answer = await emulator_client.get("nothing/at/all")
    assert error_code(answer) == (401, "UNAUTHENTICATED")
