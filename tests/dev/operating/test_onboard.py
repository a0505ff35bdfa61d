"""From nothing to a level ledger; run again, it goes on and changes nothing that is right."""

from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from dev.operating.endings import ExitCode
from shared.edge import paths
from tests.dev.operating.conftest import BOOKED
from tests.dev.operating.shop import Shop


async def stored(firestore: AsyncClient, shop: Shop) -> dict[str, Any]:
    return (await paths.integration_document(firestore, shop.id).get()).to_dict() or {}


async def count(firestore: AsyncClient, shop: Shop) -> int:
    reservations = paths.reservations_collection(firestore, shop.id)
    return len([one async for one in reservations.stream()])


async def test_the_settings_are_written_and_the_rid_is_claimed(shop: Shop) -> None:
    told = (await shop.onboard("--country", "US", "--json")).told
    integration = told["integration"]
    assert (integration["enabled"], integration["restaurantId"]) == (True, shop.rid)
    assert (integration["country"], integration["webhookAuth"]) == ("US", ["bearer"])


async def test_the_rid_is_claimed(shop: Shop, firestore: AsyncClient) -> None:
    await shop.onboard()
    claim = (await paths.rid_claim_document(firestore, shop.rid).get()).to_dict()
    assert claim == {"restaurantId": shop.id}


async def test_the_book_is_brought_in(shop: Shop, firestore: AsyncClient) -> None:
    told = (await shop.onboard("--json")).told
    assert (told["backfill"]["status"], told["backfill"]["created"]) == ("COMPLETED", BOOKED)
    assert (told["report"]["status"], told["report"]["unchangedCount"]) == ("COMPLETED", BOOKED)
    assert await count(firestore, shop) == BOOKED


async def test_done_again_it_changes_nothing(shop: Shop, firestore: AsyncClient) -> None:
    await shop.onboard()
    settings, secrets = await stored(firestore, shop), shop.secrets()
    again = await shop.operate("onboard", "--rid", shop.rid, "--time-zone", "America/New_York")
    assert again.code == ExitCode.SUCCESS
    assert "as wanted already" in again.out
    held = await stored(firestore, shop)
    assert held.keys() == settings.keys()
    assert held["updatedAt"] == settings["updatedAt"]
    assert held["backfill"] == settings["backfill"]
    assert shop.secrets() == secrets


async def test_a_connection_that_does_not_work_is_not_switched_on(
    shop: Shop, firestore: AsyncClient
) -> None:
    shop.spoil_partner()
    failed = await shop.onboard()
    assert failed.code == ExitCode.FAILED
    assert failed.errors.startswith("OpenTable cannot be asked.")
    assert failed.errors.count("\n") == 1
    assert (await stored(firestore, shop)).get("enabled") is not True


async def test_what_stopped_is_taken_up_again_where_it_stopped(shop: Shop) -> None:
    shop.spoil_partner()
    await shop.onboard()
    kept = shop.own_secret()
    shop.mend_partner()
    again = await shop.operate("onboard", "--rid", shop.rid, "--time-zone", "America/New_York")
    assert (again.code, shop.own_secret()) == (ExitCode.SUCCESS, kept)


async def test_without_a_place_for_a_new_credential_nothing_is_written(
    shop: Shop, firestore: AsyncClient
) -> None:
    refused = await shop.operate("onboard", "--rid", shop.rid, "--time-zone", "America/New_York")
    assert (refused.code, "--save-to" in refused.errors) == (ExitCode.FAILED, True)
    assert await stored(firestore, shop) == {}


async def test_no_webhook_needs_no_credential(shop: Shop) -> None:
    told = (await shop.onboard("--webhook-auth", "none", "--json")).told
    assert told["integration"]["webhookAuth"] == []
    assert shop.own_secret() is None


async def test_every_scheme_gets_its_credential(shop: Shop) -> None:
    schemes = ("standard-webhooks", "bearer", "basic")
    await shop.onboard(*(word for scheme in schemes for word in ("--webhook-auth", scheme)))
    made = shop.own_secret() or {}
    assert made.keys() == {"webhookSecrets", "bearerTokens", "basicCredentials"}


async def test_a_rid_that_another_restaurant_holds_is_refused(
    shop: Shop, firestore: AsyncClient
) -> None:
    await paths.rid_claim_document(firestore, shop.rid).set({"restaurantId": "elsewhere"})
    refused = await shop.onboard("--webhook-auth", "none")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.startswith("Another restaurant holds this OpenTable number")


async def test_another_rid_is_confirmed_first(shop: Shop, firestore: AsyncClient) -> None:
    await shop.onboard()
    before = await stored(firestore, shop)
    shop.opentable.soon("777001", 2)
    words = ("--rid", "777001", "--time-zone", "America/New_York")
    refused = await shop.operate("onboard", *words)
    assert (refused.code, "--yes" in refused.errors) == (ExitCode.FAILED, True)
    assert await stored(firestore, shop) == before
    told = (await shop.operate("onboard", *words, "--yes", "--json")).told
    assert (told["integration"]["restaurantId"], told["backfill"]["created"]) == ("777001", 1)


@pytest.mark.parametrize("rid", ["12a", "", "٣"])
async def test_a_rid_that_is_none_is_refused_by_the_command_line(rid: str, shop: Shop) -> None:
    with pytest.raises(SystemExit) as ended:
        await shop.operate("onboard", "--rid", rid, "--time-zone", "America/New_York")
    assert ended.value.code == ExitCode.USAGE_ERROR
