"""A new webhook credential beside the old one; the old one goes once it is not used any more."""

import json

import pytest
from google.cloud.firestore import AsyncClient

from dev.operating.endings import ExitCode
from tests.dev.operating.hearing import Heard
from tests.dev.operating.shop import Shop


@pytest.fixture
async def heard(shop: Shop, firestore: AsyncClient) -> Heard:
    """The webhooks of the shop, which is onboarded."""
    await shop.onboard()
    return Heard(firestore, shop.id, shop.rid)


def tokens(shop: Shop) -> list[str]:
    return list((shop.own_secret() or {})["bearerTokens"])


async def rotate(shop: Shop) -> None:
    assert (await shop.operate("rotate", "--save-to", shop.new_file())).code == ExitCode.SUCCESS


@pytest.mark.usefixtures("heard")
async def test_the_new_one_stands_before_the_old_one(shop: Shop) -> None:
    [old] = tokens(shop)
    file = shop.new_file()
    done = await shop.operate("rotate", "--save-to", file)
    new, kept = tokens(shop)
    assert (kept, json.loads(shop.text_of(file))) == (old, {"bearerTokens": [new]})
    assert new not in done.out + done.errors


async def test_it_is_told_whether_the_new_one_is_in_use(shop: Shop, heard: Heard) -> None:
    await rotate(shop)
    assert (await shop.operate("rotate", "--check")).code == ExitCode.ACTION_REQUIRED
    await heard.row(1, position=1)
    told = await shop.operate("rotate", "--check")
    assert (told.code, "with an older key" in told.out) == (ExitCode.ACTION_REQUIRED, True)
    await heard.row(2, position=0, minutes=1)
    assert "it seems" in (await shop.operate("rotate", "--check")).out
    await heard.row(3, position=0, minutes=6)
    told = await shop.operate("rotate", "--check")
    assert (told.code, "with the newest key" in told.out) == (ExitCode.SUCCESS, True)


async def test_the_old_one_is_retired_once_the_new_one_is_in_use(shop: Shop, heard: Heard) -> None:
    await rotate(shop)
    await heard.row(1, position=0, minutes=6)
    new, _ = tokens(shop)
    assert (await shop.operate("rotate", "--retire")).code == ExitCode.SUCCESS
    assert tokens(shop) == [new]


async def test_retiring_one_that_is_used_is_confirmed_first(shop: Shop, heard: Heard) -> None:
    await rotate(shop)
    await heard.row(1, position=1, minutes=6)
    before = tokens(shop)
    refused = await shop.operate("rotate", "--retire")
    assert (refused.code, "--yes" in refused.errors, tokens(shop)) == (
        ExitCode.FAILED,
        True,
        before,
    )
    assert (await shop.operate("rotate", "--retire", "--yes")).code == ExitCode.SUCCESS
    assert tokens(shop) == before[:1]


@pytest.mark.usefixtures("heard")
async def test_a_leaked_one_is_revoked_at_once(shop: Shop) -> None:
    [old] = tokens(shop)
    await shop.operate("rotate", "--at-once", "--yes", "--save-to", shop.new_file())
    [new] = tokens(shop)
    assert new != old


@pytest.mark.usefixtures("heard")
async def test_one_of_another_scheme_is_not_made_from_nothing(shop: Shop) -> None:
    refused = await shop.operate("rotate", "--scheme", "basic", "--save-to", shop.new_file())
    assert refused.code == ExitCode.FAILED
    assert "no credential for basic" in refused.errors


async def test_the_partners_is_not_replaced_by_one_of_the_restaurants(shop: Shop) -> None:
    shop.partner_issues("shared-token")
    await shop.onboard()
    refused = await shop.operate("rotate", "--save-to", shop.new_file())
    assert (refused.code, shop.own_secret()) == (ExitCode.FAILED, None)
    assert "partner" in refused.errors
