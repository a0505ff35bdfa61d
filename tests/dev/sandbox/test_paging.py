import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.sandbox.answers import OpenTableApi
from dev.sandbox.book import SandboxStore
from dev.sandbox.choices import ListOrder
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import ReservationActions
from dev.sandbox.populate import populate_store
from dev.sandbox.records import SandboxRestaurant
from dev.sandbox.tokens import Partner
from tests.dev.sandbox.caller import LIST_PATH, NEW_YORK, RID, SANDBOX_VISIT_TIME, SandboxClient

ORDERS = st.sampled_from(["updated", "id", "shuffled", "unstable"])


def all_pages(caller: SandboxClient, limit: int) -> list[str]:
    keys: list[str] = []
    payload: dict[str, Any] = {"nextPageUrl": f"{LIST_PATH}?rid={RID}&limit={limit}"}
    while payload["nextPageUrl"]:
        query = parse_qs(urlsplit(payload["nextPageUrl"]).query)
        payload = caller.payload(**{name: values[0] for name, values in query.items()})
        keys += [item["id"].removeprefix(f"{RID}-") for item in payload["items"]]
    return keys


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 40), order=ORDERS)
def test_the_pages_of_unchanging_reservations_are_the_complete_list(
    limit: int, order: ListOrder, sandbox_client: SandboxClient, thirty: list[str]
) -> None:
    sandbox_client.sandbox.choices.order = order
    assert sorted(all_pages(sandbox_client, limit)) == sorted(thirty)


def test_the_default_order_is_by_last_change(
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    three_reservations: list[str],
) -> None:
    reservation_actions.change_party_size(three_reservations[0], 6)
    assert sandbox_client.keys() == [
        three_reservations[1],
        three_reservations[2],
        three_reservations[0],
    ]


def test_rows_can_be_ordered_by_id(
    sandbox: OpenTableApi, sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    sandbox.choices.order = "id"
    assert sandbox_client.keys() == sorted(three_reservations)


def test_a_stable_shuffle_survives_a_write(
    sandbox: OpenTableApi, sandbox_client: SandboxClient, reservation_actions: ReservationActions
) -> None:
    keys = [reservation_actions.create(SANDBOX_VISIT_TIME, 2).key for _ in range(20)]
    sandbox.choices.order = "shuffled"
    before = sandbox_client.keys()
    reservation_actions.change_party_size(keys[0], 5)
    assert before == sandbox_client.keys() != keys


def test_an_unstable_order_changes_with_a_write(
    sandbox: OpenTableApi, sandbox_client: SandboxClient, reservation_actions: ReservationActions
) -> None:
    keys = [reservation_actions.create(SANDBOX_VISIT_TIME, 2).key for _ in range(20)]
    sandbox.choices.order = "unstable"
    before = sandbox_client.keys()
    reservation_actions.change_party_size(keys[0], 5)
    assert before != sandbox_client.keys()


def test_a_change_between_two_pages_shifts_the_offsets(
    sandbox: OpenTableApi,
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    three_reservations: list[str],
) -> None:
    sandbox.faults.on_page = lambda _: reservation_actions.change_party_size(
        three_reservations[0], 6
    )
    assert sandbox_client.keys(limit=1) == [three_reservations[0]]
    sandbox.faults.on_page = None
    assert sandbox_client.keys(limit=1, offset=1) == [three_reservations[2]]


@pytest.mark.usefixtures("three_reservations")
def test_the_next_page_url_contains_the_filters(sandbox_client: SandboxClient) -> None:
    url = sandbox_client.payload(limit=2, state="NotConfirmed")["nextPageUrl"]
    assert url == (
        f"https://platform.opentable.com{LIST_PATH}?rid={RID}&limit=2&state=NotConfirmed&offset=2"
    )


@pytest.mark.usefixtures("three_reservations")
def test_the_next_page_can_be_relative(
    sandbox: OpenTableApi, sandbox_client: SandboxClient
) -> None:
    sandbox.choices.next_page_url = "relative"
    url = sandbox_client.payload(limit=2)["nextPageUrl"]
    assert str(url).startswith(f"{LIST_PATH}?")


@pytest.mark.usefixtures("three_reservations")
def test_the_last_page_has_no_next(sandbox_client: SandboxClient) -> None:
    payload = sandbox_client.payload(limit=3)
    assert (payload["hasNextPage"], payload["nextPageUrl"]) == (False, None)


@pytest.mark.parametrize("query", [{}, {"updated_after": "2026-03-01T00:00:00Z"}])
def test_a_page_of_100000_reservations_is_fast(
    query: dict[str, str], large_store: SandboxClient
) -> None:
    large_store.keys(limit=1000, **query)
    start = time.perf_counter()
    large_store.keys(limit=1000, offset=5000, **query)
    assert time.perf_counter() - start < 0.3


@pytest.fixture(scope="module")
def large_store() -> SandboxClient:
    book = SandboxStore(ManualClock(SANDBOX_VISIT_TIME))
    book.add_restaurant(SandboxRestaurant(RID, "Demo", NEW_YORK))
    populate_store(book, RID, 100_000)
    return SandboxClient(
        OpenTableApi(book, [Partner("client", "secret", "gold", {RID}, api_key="key")])
    )


@pytest.fixture
def thirty(reservation_actions: ReservationActions) -> list[str]:
    return [reservation_actions.create(SANDBOX_VISIT_TIME, 2).key for _ in range(30)]
