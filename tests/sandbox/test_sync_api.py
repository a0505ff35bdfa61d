import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.actions import GuestActions, ReservationActions
from sandbox.api import OpenTableApi
from sandbox.oauth import Partner
from sandbox.sync_rows import ListOrder
from tests.sandbox.client import LIST_PATH, RID, SANDBOX_VISIT_TIME, SandboxClient, new_store

DAY = "2026-03-14"
ROUND_COUNT = 3


@pytest.mark.parametrize(
    "query, positions",
    [
        ({"updated_after": "2026-03-14T15:00:00Z"}, [1, 2]),
        ({"updated_after": "2026-03-14T15:00:00.000Z"}, [1, 2]),
        ({"scheduled_time_to": f"{DAY}T19:00:00"}, [0, 1]),
        ({"scheduled_time_from": f"{DAY}T19:00:00"}, [1, 2]),
        ({"scheduled_time_from": f"{DAY}T20:00:00Z"}, [2]),
        ({"confirmation_id": "1002"}, [1]),
    ],
    ids=["strictly after", "millis", "last time", "first time", "zone read as local", "number"],
)
def test_a_filter_selects_its_rows(
    query: dict[str, str],
    positions: list[int],
    sandbox_client: SandboxClient,
    three_reservations: list[str],
) -> None:
    expected = [three_reservations[position] for position in positions]
    assert sandbox_client.keys(**query) == expected


def test_updated_after_can_be_inclusive(
    sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    sandbox_client.sandbox.choices.updated_after_inclusive = True
    assert sandbox_client.keys(updated_after="2026-03-14T15:00:00Z") == three_reservations


def test_the_scheduled_window_can_exclude_its_ends(
    sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    sandbox_client.sandbox.choices.window_inclusive = False
    window = {"scheduled_time_from": f"{DAY}T18:00:00", "scheduled_time_to": f"{DAY}T20:00:00"}
    assert sandbox_client.keys(**window) == [three_reservations[1]]


def test_the_state_filter_takes_one_state(
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    three_reservations: list[str],
) -> None:
    reservation_actions.cancel(three_reservations[1])
    assert sandbox_client.keys(state="Cancelled") == [three_reservations[1]]


def test_cancelled_rows_stay_listed(
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    three_reservations: list[str],
) -> None:
    reservation_actions.cancel(three_reservations[1])
    assert sorted(sandbox_client.keys()) == sorted(three_reservations)


def test_a_guest_is_named_without_prefix(
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    guest_actions: GuestActions,
) -> None:
    guest = guest_actions.add("Avery")
    row = reservation_actions.create(guest.created, 2, guest_key=guest.key)
    reservation_actions.create(guest.created, 2)
    assert sandbox_client.keys(guest_id=guest.key) == [row.key]


def test_filters_combine(
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    three_reservations: list[str],
) -> None:
    reservation_actions.cancel(three_reservations[0])
    reservation_actions.cancel(three_reservations[1])
    assert sandbox_client.keys(state="Cancelled", confirmation_id=1001) == [three_reservations[0]]


@pytest.mark.parametrize("optin,names", [("true", ["Avery"]), ("false", ["Blake"])])
def test_guests_can_be_filtered_by_mail_preference(
    optin: str, names: list[str], sandbox_client: SandboxClient, guest_actions: GuestActions
) -> None:
    guest_actions.set_preferences(
        guest_actions.add("Avery").key, email_opt_in=True, marketing_opt_out=False
    )
    guest_actions.add("Blake")
    items = sandbox_client.payload("/sync/v2/guests", email_optin=optin)["items"]
    assert [item["first_name"] for item in items] == names


@pytest.mark.parametrize(
    "name,text",
    [
        ("updated_after", "yesterday"),
        ("scheduled_time_from", "2026-03-14"),
        ("limit", "0"),
        ("limit", "many"),
        ("offset", "-1"),
        ("rid", "abc"),
    ],
)
def test_an_unreadable_value_gets_400(name: str, text: str, sandbox_client: SandboxClient) -> None:
    assert sandbox_client.listing(**{name: text}).status == 400


@pytest.mark.parametrize("asked,served", [(None, 1000), (10, 10), (2000, 2000), (5000, 2000)])
def test_the_limit_defaults_to_1000_and_is_clamped_to_2000(
    asked: int | None, served: int, sandbox_client: SandboxClient
) -> None:
    query = {} if asked is None else {"limit": asked}
    assert sandbox_client.payload(**query)["limit"] == served


def test_a_limit_above_the_maximum_can_be_refused(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.choices.above_limit = "refuse"
    assert sandbox_client.listing(limit=2001).status == 400


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
    sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    sandbox_client.sandbox.choices.order = "id"
    assert sandbox_client.keys() == sorted(three_reservations)


@pytest.mark.parametrize("order, is_stable", [("shuffled", True), ("unstable", False)])
def test_a_shuffled_order_changes_with_a_write_only_if_it_is_unstable(
    order: ListOrder,
    is_stable: bool,
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    thirty: list[str],
) -> None:
    sandbox_client.sandbox.choices.order = order
    before = sandbox_client.keys()
    reservation_actions.change_party_size(thirty[0], 5)
    assert before != thirty
    assert (sandbox_client.keys() == before) is is_stable


def test_a_change_between_two_pages_shifts_the_offsets(
    sandbox_client: SandboxClient,
    reservation_actions: ReservationActions,
    three_reservations: list[str],
) -> None:
    sandbox_client.sandbox.faults.on_page = lambda _: reservation_actions.change_party_size(
        three_reservations[0], 6
    )
    assert sandbox_client.keys(limit=1) == [three_reservations[0]]
    sandbox_client.sandbox.faults.on_page = None
    assert sandbox_client.keys(limit=1, offset=1) == [three_reservations[2]]


@pytest.mark.usefixtures("three_reservations")
def test_the_next_page_url_contains_the_filters(sandbox_client: SandboxClient) -> None:
    url = sandbox_client.payload(limit=2, state="NotConfirmed")["nextPageUrl"]
    assert url == (
        f"https://platform.opentable.com{LIST_PATH}?rid={RID}&limit=2&state=NotConfirmed&offset=2"
    )


@pytest.mark.usefixtures("three_reservations")
def test_the_next_page_can_be_relative(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.choices.next_page_url = "relative"
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
    # Processor time, and the best round: other processes of the machine add to the rest.
    rounds = []
    for _ in range(ROUND_COUNT):
        start = time.thread_time()
        large_store.keys(limit=1000, offset=5000, **query)
        rounds.append(time.thread_time() - start)
    assert min(rounds) < 0.3


@pytest.fixture(scope="module")
def large_store() -> SandboxClient:
    partner = Partner("client", "secret", "gold", {RID}, api_key="key")
    return SandboxClient(OpenTableApi(new_store(100_000), [partner]))


@pytest.fixture
def thirty(reservation_actions: ReservationActions) -> list[str]:
    return [reservation_actions.create(SANDBOX_VISIT_TIME, 2).key for _ in range(30)]
