import pytest

from dev.sandbox.answers import OpenTableApi
from dev.sandbox.desk import ReservationActions
from dev.sandbox.guestbook import GuestActions
from tests.dev.sandbox.caller import SandboxClient


@pytest.mark.parametrize("text", ["2026-03-14T15:00:00Z", "2026-03-14T15:00:00.000Z"])
def test_updated_after_is_strict_with_and_without_millis(
    text: str, sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    assert sandbox_client.keys(updated_after=text) == three_reservations[1:]


def test_updated_after_can_be_inclusive(
    sandbox: OpenTableApi, sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    sandbox.choices.updated_after_inclusive = True
    assert sandbox_client.keys(updated_after="2026-03-14T15:00:00Z") == three_reservations


def test_the_scheduled_window_includes_both_ends(
    sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    window = {"from": "2026-03-14T18:00:00", "to": "2026-03-14T19:00:00"}
    asked = {f"scheduled_time_{end}": text for end, text in window.items()}
    assert sandbox_client.keys(**asked) == three_reservations[:2]


def test_the_scheduled_window_can_exclude_its_ends(
    sandbox: OpenTableApi, sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    sandbox.choices.window_inclusive = False
    window = {"from": "2026-03-14T18:00:00", "to": "2026-03-14T20:00:00"}
    asked = {f"scheduled_time_{end}": text for end, text in window.items()}
    assert sandbox_client.keys(**asked) == [three_reservations[1]]


def test_a_zone_in_the_window_is_read_as_local(
    sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    assert sandbox_client.keys(scheduled_time_from="2026-03-14T20:00:00Z") == [
        three_reservations[2]
    ]


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


def test_a_confirmation_number_finds_its_row(
    sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    assert sandbox_client.keys(confirmation_id=1002) == [three_reservations[1]]


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


def test_a_limit_above_the_maximum_can_be_refused(
    sandbox: OpenTableApi, sandbox_client: SandboxClient
) -> None:
    sandbox.choices.above_limit = "refuse"
    assert sandbox_client.listing(limit=2001).status == 400
