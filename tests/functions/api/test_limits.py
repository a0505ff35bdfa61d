"""What unauthenticated and excessive requests cost, and how they are refused."""

import pytest
from msgspec.structs import replace

from functions.api.auth import ApiContext, RequestLimiter
from functions.api.responses import ApiError
from shared.staff.identity import AuthenticatedUser
from tests.support.clocks import FakeTimer
from tests.support.staff_api import (
    StaffApiClient,
    api_transport,
    error_code,
)

HANNA = AuthenticatedUser("hanna", is_operator=False)
MARA = AuthenticatedUser("mara", is_operator=False)


@pytest.fixture
def limiter() -> tuple[RequestLimiter, FakeTimer]:
    """A limit of two requests a second, with a burst of ten."""
    timer = FakeTimer()
    return RequestLimiter(2, timer), timer


def make_requests(limiter: RequestLimiter, user: AuthenticatedUser, count: int) -> None:
    for _ in range(count):
        limiter.check(user)


def test_a_burst_of_five_seconds_is_allowed(limiter: tuple[RequestLimiter, FakeTimer]) -> None:
    make_requests(limiter[0], HANNA, 10)
    with pytest.raises(ApiError) as refused:
        limiter[0].check(HANNA)
    assert (refused.value.status_code, refused.value.code) == (429, "TOO_MANY_REQUESTS")


def test_the_allowance_returns_with_time(limiter: tuple[RequestLimiter, FakeTimer]) -> None:
    make_requests(limiter[0], HANNA, 10)
    limiter[1].advance(2)
    make_requests(limiter[0], HANNA, 4)
    with pytest.raises(ApiError):
        limiter[0].check(HANNA)


def test_a_request_after_retry_after_is_allowed() -> None:
    timer = FakeTimer()
    limiter = RequestLimiter(0.1, timer)
    limiter.check(HANNA)
    with pytest.raises(ApiError) as refused:
        limiter.check(HANNA)
    timer.advance(int((refused.value.headers or {})["Retry-After"]))
    limiter.check(HANNA)


def test_users_have_allowances_of_their_own(limiter: tuple[RequestLimiter, FakeTimer]) -> None:
    make_requests(limiter[0], HANNA, 10)
    limiter[0].check(MARA)


def test_the_allowances_of_the_newest_ten_thousand_users_are_kept(
    limiter: tuple[RequestLimiter, FakeTimer],
) -> None:
    make_requests(limiter[0], HANNA, 10)
    make_requests(limiter[0], MARA, 10)
    for number in range(9_999):
        limiter[0].check(AuthenticatedUser(f"user-{number}", is_operator=False))
    with pytest.raises(ApiError):
        limiter[0].check(MARA)
    limiter[0].check(HANNA)


async def test_too_many_requests_get_429_and_retry_after(
    api_context: ApiContext, host: StaffApiClient
) -> None:
    environment = replace(api_context.app_context.environment, api_requests_per_second=0.2)
    limited = replace(api_context.app_context, environment=environment)
    transport = api_transport(replace(api_context, app_context=limited))
    client = replace(host, transport=transport)
    assert (await client.get("me")).status_code == 200
    response = await client.get("me")
    assert error_code(response) == (429, "TOO_MANY_REQUESTS")
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["reservations", "integration", "nothing/at/all"])
async def test_a_refusal_is_the_same_for_every_address(
    path: str, client_accepting_emulator_tokens: StaffApiClient
) -> None:
    answer = await client_accepting_emulator_tokens.get(path)
    assert error_code(answer) == (401, "UNAUTHENTICATED")
