"""OpenTable has trouble in the middle of a run: the run copes, or concludes nothing in words."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import pytest
import stamina
from google.cloud.firestore import AsyncClient

from dev.sandbox.answers import OpenTableApi
from dev.sandbox.faults import FailureKind
from shared.edge.opentable.retrying import MAX_CALL_ATTEMPTS
from tests.behaviour.two_houses import Houses, two_houses

HOSTS = {"platform.opentable.com", "oauth.opentable.com"}
FOR_EVER = 2_000
ROWS_A_PAGE = 4


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong, and the words in which a run that cannot go on says so."""

    name: str
    kind: FailureKind
    words: str = ""
    details: dict[str, Any] = field(default_factory=dict)


PASSING = [
    Trouble("401", FailureKind.REVOKED),
    Trouble("429", FailureKind.STATUS, details={"status": 429}),
    Trouble("429-seconds", FailureKind.STATUS, details={"status": 429, "retry_after": "1"}),
    Trouble(
        "429-date",
        FailureKind.STATUS,
        details={"status": 429, "retry_after": "Sat, 14 Mar 2026 15:00:30 GMT"},
    ),
    Trouble("500", FailureKind.STATUS, details={"status": 500}),
    Trouble("503", FailureKind.STATUS, details={"status": 503}),
    Trouble("hangs", FailureKind.DELAY),
    Trouble("closes", FailureKind.CLOSE),
    Trouble("truncated", FailureKind.TRUNCATED),
    Trouble("html", FailureKind.HTML),
    Trouble("unknown-fields", FailureKind.UNKNOWN_FIELD),
    Trouble("repeated-page", FailureKind.REPEATED_PAGE),
    Trouble("foreign-next", FailureKind.FOREIGN_NEXT),
]
LASTING = [
    Trouble("401", FailureKind.STATUS, "answered 401", {"status": 401}),
    Trouble("403", FailureKind.STATUS, "answered 403", {"status": 403}),
    Trouble("404", FailureKind.STATUS, "answered 404", {"status": 404}),
    Trouble("429", FailureKind.STATUS, "answered 429", {"status": 429}),
    Trouble("500", FailureKind.STATUS, "answered 500", {"status": 500}),
    Trouble("hangs", FailureKind.DELAY, "ReadTimeout"),
    Trouble("closes", FailureKind.CLOSE, "ConnectionError"),
    Trouble("truncated", FailureKind.TRUNCATED, "is not JSON"),
    Trouble("html", FailureKind.HTML, "is not JSON"),
    Trouble("redirect", FailureKind.REDIRECT, "answered 302"),
    Trouble("repeated-page", FailureKind.REPEATED_PAGE, "could not be shown to be whole"),
    Trouble("foreign-next", FailureKind.FOREIGN_NEXT, "could not be shown to be whole"),
]
either_run = pytest.mark.parametrize("run", ["poll", "reconcile"])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("dev.sandbox.query.MAX_PAGE_LIMIT", ROWS_A_PAGE)
    with stamina.set_testing(True, attempts=MAX_CALL_ATTEMPTS, cap=True):
        yield


@pytest.fixture
async def houses(firestore: AsyncClient) -> AsyncIterator[Houses]:
    async with two_houses(firestore) as opened:
        opened.change()
        yield opened


def _begin(sandbox: OpenTableApi, trouble: Trouble, times: int) -> None:
    """Let trouble begin once two pages have been answered."""
    pages: list[object] = []

    def turn(book: object) -> None:
        pages.append(book)
        if len(pages) == 2:
            sandbox.faults.script_failure(trouble.kind, times=times, **trouble.details)

    sandbox.faults.on_page = turn


@either_run
@pytest.mark.parametrize("trouble", PASSING, ids=attrgetter("name"))
async def test_trouble_that_passes_is_not_even_felt(
    houses: Houses, trouble: Trouble, run: str
) -> None:
    _begin(houses.troubled, trouble, times=1)
    result, _ = await houses.run(run)
    assert result["status"] in {"ok", "COMPLETED"}, result
    assert await houses.behind(houses.world.restaurant) == []
    assert houses.switchboard.hosts == HOSTS
    assert houses.troubled.faults.take_failure("/sync/v2/reservations") is None  # it did happen


@either_run
@pytest.mark.parametrize("trouble", LASTING, ids=attrgetter("name"))
async def test_trouble_that_lasts_is_told_in_words_and_moves_nothing_but_itself(
    houses: Houses, trouble: Trouble, run: str
) -> None:
    before = (await houses.state())["poll"]["cursor"]
    _begin(houses.troubled, trouble, times=FOR_EVER)
    result, neighbours = await houses.run(run)
    assert result["status"] in {"error", "FAILED"}, result
    assert trouble.words in result["error"]
    assert (await houses.state())["poll"]["cursor"] == before
    assert neighbours["status"] in {"ok", "COMPLETED"}, neighbours
    assert await houses.behind(houses.neighbour) == []
    assert houses.switchboard.hosts == HOSTS


@either_run
async def test_once_the_trouble_is_over_the_next_run_levels_the_ledger(
    houses: Houses, run: str
) -> None:
    _begin(houses.troubled, LASTING[0], times=FOR_EVER)
    await houses.run(run)
    houses.troubled.faults.clear()
    await houses.run(run)
    assert await houses.behind(houses.world.restaurant) == []


@either_run
async def test_a_restaurant_that_was_taken_away_fails_alone(houses: Houses, run: str) -> None:
    houses.world.sandbox.tokens.partners[0].rids.discard(int(houses.world.restaurant.rid))
    result, neighbours = await houses.run(run)
    assert "answered 403" in result["error"]
    assert neighbours["status"] in {"ok", "COMPLETED"}


@either_run
async def test_unknown_states_leave_the_statuses_and_bring_the_rest(
    houses: Houses, run: str
) -> None:
    houses.troubled.faults.script_failure(FailureKind.UNKNOWN_STATE, times=FOR_EVER)
    result, _ = await houses.run(run)
    assert result["status"] in {"ok", "COMPLETED"}
    documents = (await houses.world.ledger()).values()
    assert {document["status"] for document in documents} == {"BOOKED"}
    assert [document["partySize"] for document in documents].count(3) == 2
