"""The quarantine keeps a statement whole, once, however often it comes."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions as google

from shared.core.signature import Verification
from shared.edge.paths import quarantine_collection
from shared.edge.quarantine import QuarantineStore, build_quarantine_id
from shared.errors import InvalidEventError, ServiceUnavailableError
from tests.page import Page
from tests.restaurants import Restaurant
from tests.wire import Wire, failing

BODY = '{"id": "\\ud800 Zoë", "partySize": 0}'
REJECTION = InvalidEventError("invalid_partySize", "partySize must be a whole number.")
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


class Clock:
    """Noon, and an hour later each time."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(self) -> datetime:
        self._asked += 1
        return NOON + timedelta(hours=self._asked - 1)


@pytest.fixture
def kept_aside(wire: Wire, restaurant: Restaurant) -> QuarantineStore:
    return QuarantineStore(wire.client, restaurant.id, Clock(), timedelta(days=90))


async def keep(into: QuarantineStore, body: str = BODY) -> str:
    return (await into.add(body, "application/json", REJECTION)).id


async def test_a_statement_is_kept_whole_with_its_reason(
    kept_aside: QuarantineStore, page: Page
) -> None:
    await keep(kept_aside)
    assert await page.quarantined() == [
        {
            "reason": "invalid_partySize",
            "detail": "partySize must be a whole number.",
            "receivedAt": NOON,
            "lastSeenAt": NOON,
            "count": 1,
            "contentType": "application/json",
            "body": BODY,
            "verdict": None,
            "status": "OPEN",
            "quarantineExpireAt": NOON + timedelta(days=90),
        }
    ]


async def test_how_its_sender_proved_who_it_is_stays_with_it(
    kept_aside: QuarantineStore, page: Page
) -> None:
    verdict = Verification(is_accepted=True, reason="bearer", credential_index=1)
    await kept_aside.add(BODY, "application/json", REJECTION, verdict)
    [item] = await page.quarantined()
    assert item["verdict"] == {"scheme": "bearer", "keyPosition": 1}


async def test_the_same_again_is_one_item_counted_twice(
    kept_aside: QuarantineStore, page: Page
) -> None:
    await keep(kept_aside)
    await keep(kept_aside)
    [item] = await page.quarantined()
    assert (item["count"], item["receivedAt"], item["lastSeenAt"]) == (
        2,
        NOON,
        NOON + timedelta(hours=1),
    )


async def test_only_the_first_is_new(kept_aside: QuarantineStore) -> None:
    first = await kept_aside.add(BODY, "application/json", REJECTION)
    again = await kept_aside.add(BODY, "application/json", REJECTION)
    assert (first.is_new, again.is_new) == (True, False)


@pytest.mark.parametrize("status", ["DISMISSED", "REPLAYED"])
async def test_a_settled_item_stays_settled(
    status: str, kept_aside: QuarantineStore, page: Page
) -> None:
    id_ = await keep(kept_aside)
    await (
        quarantine_collection(page.client, page.settings.restaurant_id)
        .document(id_)
        .update({"status": status})
    )
    await keep(kept_aside)
    assert [item["status"] for item in await page.quarantined()] == [status]


async def test_another_body_is_another_item(kept_aside: QuarantineStore, page: Page) -> None:
    await keep(kept_aside)
    await keep(kept_aside, BODY + " ")
    assert len(await page.quarantined()) == 2


def test_another_reason_is_another_item() -> None:
    assert build_quarantine_id("a", BODY) != build_quarantine_id("b", BODY)


async def test_a_first_statement_is_one_round_trip(kept_aside: QuarantineStore, wire: Wire) -> None:
    await keep(kept_aside)
    assert wire.counted() == ["commit"]


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_what_could_not_be_kept_is_not_acknowledged(
    error: type[Exception], kept_aside: QuarantineStore, wire: Wire
) -> None:
    wire.refusal = error
    with pytest.raises(ServiceUnavailableError, match=error.__name__):
        await keep(kept_aside)


async def test_a_count_that_could_not_be_kept_is_not_acknowledged(
    kept_aside: QuarantineStore, wire: Wire
) -> None:
    await keep(kept_aside)
    wire.before.append(failing(google.AlreadyExists))
    wire.before.append(failing(google.ServiceUnavailable))
    with pytest.raises(ServiceUnavailableError):
        await keep(kept_aside)


async def test_of_a_body_that_no_document_can_hold_the_beginning_is_kept(
    kept_aside: QuarantineStore, page: Page
) -> None:
    await keep(kept_aside, "é" * 600_000)
    [item] = await page.quarantined()
    assert item["body"] == "é" * 450_000
    assert item["detail"].endswith(
        "Only its first 900000 bytes are kept: a document holds no more."
    )
