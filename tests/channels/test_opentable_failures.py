"""OpenTable fails during a run: the run recovers, or reports the failure and concludes nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import pytest

from sandbox.api import OpenTableApi
from sandbox.fault_injection import FailureKind
from shared.firestore.raw_client import FirestoreClient
from tests.channels.two_restaurants import TwoRestaurants, open_two_restaurants

HOSTS = {"platform.opentable.com", "oauth.opentable.com"}
EVERY_REQUEST = 2_000
PAGE_SIZE = 4
pytestmark = pytest.mark.usefixtures("no_opentable_retry_pauses")


@dataclass(frozen=True, slots=True)
class OpenTableFailure:
    """A failure of OpenTable and the expected error message."""

    name: str
    kind: FailureKind
    words: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def _failed_status(status: int, words: str = "", **details: str) -> OpenTableFailure:
    name = "-".join([str(status), *details.values()])
    return OpenTableFailure(name, FailureKind.STATUS, words, {"status": status, **details})


TRANSIENT_FAILURES = [
    OpenTableFailure("401", FailureKind.REVOKED),
    _failed_status(429),
    _failed_status(429, retry_after="1"),
    _failed_status(429, retry_after="Sat, 14 Mar 2026 15:00:30 GMT"),
    _failed_status(500),
    _failed_status(503),
    OpenTableFailure("hangs", FailureKind.DELAY),
    OpenTableFailure("closes", FailureKind.CLOSE),
    OpenTableFailure("truncated", FailureKind.TRUNCATED),
    OpenTableFailure("html", FailureKind.HTML),
    OpenTableFailure("unknown-fields", FailureKind.UNKNOWN_FIELD),
    OpenTableFailure("repeated-page", FailureKind.REPEATED_PAGE),
    OpenTableFailure("foreign-next", FailureKind.FOREIGN_NEXT),
]
PERSISTENT_FAILURES = [
    *(_failed_status(status, f"answered {status}") for status in (401, 403, 404, 429, 500)),
    OpenTableFailure("hangs", FailureKind.DELAY, "ReadTimeout"),
    OpenTableFailure("closes", FailureKind.CLOSE, "ConnectionError"),
    OpenTableFailure("truncated", FailureKind.TRUNCATED, "is not JSON"),
    OpenTableFailure("html", FailureKind.HTML, "is not JSON"),
    OpenTableFailure("redirect", FailureKind.REDIRECT, "answered 302"),
    OpenTableFailure("repeated-page", FailureKind.REPEATED_PAGE, "may be incomplete"),
    OpenTableFailure("foreign-next", FailureKind.FOREIGN_NEXT, "may be incomplete"),
]
poll_or_reconcile = pytest.mark.parametrize("run", ["poll", "reconcile"])


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.sync_api.MAX_PAGE_LIMIT", PAGE_SIZE)


@pytest.fixture
async def two_restaurants(firestore: FirestoreClient) -> AsyncIterator[TwoRestaurants]:
    async with open_two_restaurants(firestore) as opened:
        opened.change()
        yield opened


def _start_failure(sandbox: OpenTableApi, trouble: OpenTableFailure, times: int) -> None:
    """Let trouble begin once two pages have been answered."""
    pages: list[object] = []

    def turn(store: object) -> None:
        pages.append(store)
        if len(pages) == 2:
            sandbox.faults.script_failure(trouble.kind, times=times, **trouble.details)

    sandbox.faults.on_page = turn


@poll_or_reconcile
@pytest.mark.parametrize("trouble", TRANSIENT_FAILURES, ids=attrgetter("name"))
async def test_a_transient_failure_does_not_fail_the_run(
    two_restaurants: TwoRestaurants, trouble: OpenTableFailure, run: str
) -> None:
    _start_failure(two_restaurants.failing_sandbox, trouble, times=1)
    result, _ = await two_restaurants.run(run)
    assert result["status"] in {"ok", "COMPLETED"}, result
    assert await two_restaurants.differing_keys_of(two_restaurants.world.restaurant) == []
    assert two_restaurants.adapter.hosts == HOSTS
    # It did happen.
    assert two_restaurants.failing_sandbox.faults.take_failure("/sync/v2/reservations") is None


@poll_or_reconcile
@pytest.mark.parametrize("trouble", PERSISTENT_FAILURES, ids=attrgetter("name"))
async def test_a_persistent_failure_is_reported_and_changes_no_other_field(
    two_restaurants: TwoRestaurants, trouble: OpenTableFailure, run: str
) -> None:
    before = (await two_restaurants.world.read_settings_document())["poll"]["cursor"]
    _start_failure(two_restaurants.failing_sandbox, trouble, times=EVERY_REQUEST)
    result, neighbours = await two_restaurants.run(run)
    assert result["status"] in {"error", "FAILED"}, result
    assert trouble.words in result["error"]
    assert (await two_restaurants.world.read_settings_document())["poll"]["cursor"] == before
    assert neighbours["status"] in {"ok", "COMPLETED"}, neighbours
    assert await two_restaurants.differing_keys_of(two_restaurants.healthy_restaurant) == []
    assert two_restaurants.adapter.hosts == HOSTS


@poll_or_reconcile
async def test_the_next_run_after_a_failure_makes_the_ledger_equal(
    two_restaurants: TwoRestaurants, run: str
) -> None:
    _start_failure(two_restaurants.failing_sandbox, PERSISTENT_FAILURES[0], times=EVERY_REQUEST)
    await two_restaurants.run(run)
    two_restaurants.failing_sandbox.faults.clear()
    await two_restaurants.run(run)
    assert await two_restaurants.differing_keys_of(two_restaurants.world.restaurant) == []


@poll_or_reconcile
async def test_a_restaurant_without_access_fails_without_affecting_others(
    two_restaurants: TwoRestaurants, run: str
) -> None:
    world = two_restaurants.world
    world.sandbox.tokens.partners[0].rids.discard(int(world.restaurant.rid))
    result, neighbours = await two_restaurants.run(run)
    assert "answered 403" in result["error"]
    assert neighbours["status"] in {"ok", "COMPLETED"}


@poll_or_reconcile
async def test_an_unknown_state_keeps_the_status_and_updates_other_fields(
    two_restaurants: TwoRestaurants, run: str
) -> None:
    faults = two_restaurants.failing_sandbox.faults
    faults.script_failure(FailureKind.UNKNOWN_STATE, times=EVERY_REQUEST)
    result, _ = await two_restaurants.run(run)
    assert result["status"] in {"ok", "COMPLETED"}
    documents = (await two_restaurants.world.ledger_documents()).values()
    assert {document["status"] for document in documents} == {"BOOKED"}
    assert [document["partySize"] for document in documents].count(3) == 2
