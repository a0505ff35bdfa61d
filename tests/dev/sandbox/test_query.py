import pytest

from dev.sandbox.answers import OpenTableApi
from dev.sandbox.desk import ReservationActions
from dev.sandbox.guestbook import GuestActions
from tests.dev.sandbox.caller import Caller


@pytest.mark.parametrize("text", ["2026-03-14T15:00:00Z", "2026-03-14T15:00:00.000Z"])
def test_updated_after_is_strict_with_and_without_millis(
    text: str, caller: Caller, three: list[str]
) -> None:
    assert caller.keys(updated_after=text) == three[1:]


def test_updated_after_can_be_inclusive(
    sandbox: OpenTableApi, caller: Caller, three: list[str]
) -> None:
    sandbox.choices.updated_after_inclusive = True
    assert caller.keys(updated_after="2026-03-14T15:00:00Z") == three


def test_the_scheduled_window_includes_both_ends(caller: Caller, three: list[str]) -> None:
    window = {"from": "2026-03-14T18:00:00", "to": "2026-03-14T19:00:00"}
    asked = {f"scheduled_time_{end}": text for end, text in window.items()}
    assert caller.keys(**asked) == three[:2]


def test_the_scheduled_window_can_exclude_its_ends(
    sandbox: OpenTableApi, caller: Caller, three: list[str]
) -> None:
    sandbox.choices.window_inclusive = False
    window = {"from": "2026-03-14T18:00:00", "to": "2026-03-14T20:00:00"}
    asked = {f"scheduled_time_{end}": text for end, text in window.items()}
    assert caller.keys(**asked) == [three[1]]


def test_a_zone_in_the_window_is_read_as_local(caller: Caller, three: list[str]) -> None:
    assert caller.keys(scheduled_time_from="2026-03-14T20:00:00Z") == [three[2]]


def test_the_state_filter_takes_one_state(
    caller: Caller, desk: ReservationActions, three: list[str]
) -> None:
    desk.cancel(three[1])
    assert caller.keys(state="Cancelled") == [three[1]]


def test_cancelled_rows_stay_listed(
    caller: Caller, desk: ReservationActions, three: list[str]
) -> None:
    desk.cancel(three[1])
    assert sorted(caller.keys()) == sorted(three)


def test_a_confirmation_number_finds_its_row(caller: Caller, three: list[str]) -> None:
    assert caller.keys(confirmation_id=1002) == [three[1]]


def test_a_guest_is_named_without_prefix(
    caller: Caller, desk: ReservationActions, guests: GuestActions
) -> None:
    guest = guests.add("Avery")
    row = desk.create(guest.created, 2, guest_key=guest.key)
    desk.create(guest.created, 2)
    assert caller.keys(guest_id=guest.key) == [row.key]


def test_filters_combine(caller: Caller, desk: ReservationActions, three: list[str]) -> None:
    desk.cancel(three[0])
    desk.cancel(three[1])
    assert caller.keys(state="Cancelled", confirmation_id=1001) == [three[0]]


@pytest.mark.parametrize("optin,names", [("true", ["Avery"]), ("false", ["Blake"])])
def test_guests_can_be_asked_by_their_mail_wish(
    optin: str, names: list[str], caller: Caller, guests: GuestActions
) -> None:
    guests.set_preferences(guests.add("Avery").key, email_opt_in=True, marketing_opt_out=False)
    guests.add("Blake")
    items = caller.payload("/sync/v2/guests", email_optin=optin)["items"]
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
def test_an_unreadable_value_gets_400(name: str, text: str, caller: Caller) -> None:
    assert caller.listing(**{name: text}).status == 400


@pytest.mark.parametrize("asked,served", [(None, 1000), (10, 10), (2000, 2000), (5000, 2000)])
def test_the_limit_defaults_to_1000_and_is_clamped_to_2000(
    asked: int | None, served: int, caller: Caller
) -> None:
    query = {} if asked is None else {"limit": asked}
    assert caller.payload(**query)["limit"] == served


def test_a_limit_above_the_maximum_can_be_refused(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.choices.above_limit = "refuse"
    assert caller.listing(limit=2001).status == 400
