"""Accounts of Firebase Authentication: operators, invitations, and failures of Firebase."""

from datetime import UTC, datetime

import pytest

from dev.local.auth_emulator import LocalAccounts
from dev.local.processes import LOOPBACK, find_free_port
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.staff.accounts import UserAccount, UserAccounts
from tests.support.clocks import FakeTimer

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def user_accounts(project: str, timer: FakeTimer) -> UserAccounts:
    return UserAccounts(project, timer)


async def find_account(user_accounts: UserAccounts, email: str) -> UserAccount:
    account = await user_accounts.find_by_email(email)
    assert account is not None
    return account


async def test_an_operator_is_made_and_ended(
    local_accounts: LocalAccounts, user_accounts: UserAccounts
) -> None:
    local_accounts.add("olga", "olga@example.com", customAttributes='{"region": "west"}')
    olga = await find_account(user_accounts, "olga@example.com")
    await user_accounts.set_operator(olga, is_operator=True)
    assert await user_accounts.is_operator("olga", LONG_AGO)
    assert (
        local_accounts.users["olga"]["customAttributes"] == '{"region": "west", "operator": true}'
    )
    await user_accounts.set_operator(olga, is_operator=False)
    assert not await user_accounts.is_operator("olga", LONG_AGO)
    assert local_accounts.users["olga"]["customAttributes"] == '{"region": "west"}'


async def test_ending_an_operator_revokes_the_sessions(
    local_accounts: LocalAccounts, user_accounts: UserAccounts
) -> None:
    local_accounts.add("olga", "olga@example.com")
    olga = await find_account(user_accounts, "olga@example.com")
    await user_accounts.set_operator(olga, is_operator=True)
    await user_accounts.set_operator(olga, is_operator=False)
    await user_accounts.set_operator(olga, is_operator=True)
    assert not await user_accounts.is_operator("olga", LONG_AGO)
    assert await user_accounts.is_operator("olga", NOW)


@pytest.mark.parametrize("attributes", ['{"operator": "true"}', '{"operator": 1}', "{}"])
async def test_a_claim_other_than_true_makes_no_operator(
    attributes: str, local_accounts: LocalAccounts, user_accounts: UserAccounts
) -> None:
    local_accounts.add("eve", "eve@example.com", customAttributes=attributes)
    assert not await user_accounts.is_operator("eve", NOW)


async def test_an_address_is_found_in_any_case(
    local_accounts: LocalAccounts, user_accounts: UserAccounts
) -> None:
    local_accounts.add("olga", "Olga@Example.com")
    assert (await find_account(user_accounts, "OLGA@example.COM")).uid == "olga"
    assert await user_accounts.find_by_email("nobody@example.com") is None


@pytest.mark.usefixtures("local_accounts")
async def test_an_account_that_another_request_created_is_used(user_accounts: UserAccounts) -> None:
    first = await user_accounts.create("new@example.com")
    assert await user_accounts.create("new@example.com") == first
    assert not first.has_sign_in_method


@pytest.mark.usefixtures("local_accounts")
async def test_the_owner_of_an_account_gets_a_link_for_a_password(
    user_accounts: UserAccounts,
) -> None:
    await user_accounts.create("new@example.com")
    assert (await user_accounts.build_password_link("new@example.com")).startswith("http")


async def test_more_accounts_than_one_request_allows_are_read(
    local_accounts: LocalAccounts, user_accounts: UserAccounts
) -> None:
    uids = [f"user-{number}" for number in range(205)]
    for uid in uids:
        local_accounts.add(uid, f"{uid}@example.com")
    assert (await user_accounts.read_accounts(uids)).keys() == set(uids)
    assert local_accounts.lookup_count == 3


async def test_the_user_of_the_command_line_needs_no_account(
    local_accounts: LocalAccounts, user_accounts: UserAccounts
) -> None:
    assert await user_accounts.read_names(["operator:olga"]) == {
        "operator:olga": "olga (command line)"
    }
    assert local_accounts.lookup_count == 0


async def test_a_failure_of_firebase_is_reported_and_not_cached(
    local_accounts: LocalAccounts,
    user_accounts: UserAccounts,
    monkeypatch: pytest.MonkeyPatch,
    project: str,
) -> None:
    local_accounts.add("olga", "olga@example.com", displayName="Olga")
    with monkeypatch.context() as patch:
        patch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"{LOOPBACK}:{find_free_port()}")
        unreachable = UserAccounts(project, FakeTimer())
        for _ in range(2):
            with pytest.raises(ServiceUnavailableError):
                await unreachable.read_names(["olga"])
            with pytest.raises(ServiceUnavailableError):
                await unreachable.is_operator("olga", NOW)
    assert await user_accounts.read_names(["olga"]) == {"olga": "Olga"}


@pytest.mark.parametrize(
    "status, error",
    [(403, InvalidSettingsError), (401, InvalidSettingsError), (429, ServiceUnavailableError)],
)
async def test_a_missing_right_is_a_problem_of_the_settings(
    status: int, error: type[Exception], local_accounts: LocalAccounts, user_accounts: UserAccounts
) -> None:
    local_accounts.failure_status = status
    with pytest.raises(error):
        await user_accounts.find_by_email("olga@example.com")
