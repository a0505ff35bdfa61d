import time
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from sandbox.actions import GuestActions, ReservationActions, VisitActions
from sandbox.store import SandboxStore
from sandbox.webhook_senders import (
    DirectSender,
    RelaySender,
    build_signed_headers,
    encode_signing_secret,
    post_mock_events,
    read_mock_events,
)
from tests.sandbox.client import RID, SANDBOX_VISIT_TIME, Inbox

SECRET = encode_signing_secret(b"0123456789abcdef01234567")


@pytest.fixture
def relay(store: SandboxStore, inbox: Inbox) -> RelaySender:
    relay = RelaySender(store, inbox.dispatcher, "https://receiver.example", SECRET)
    store.add_listener(relay.send_event)
    return relay


def test_the_direct_sender_posts_the_bare_object_with_its_credential(
    store: SandboxStore, reservation_actions: ReservationActions, inbox: Inbox
) -> None:
    store.add_listener(
        DirectSender(store, inbox.dispatcher, "https://r.example", "Bearer issued").send_event
    )
    row = reservation_actions.create(SANDBOX_VISIT_TIME, 4)
    letters = inbox.read()
    assert inbox.headers[0]["authorization"] == "Bearer issued"
    assert (letters[0]["id"], letters[0]["sequence_id"]) == (f"{RID}-{row.key}", 1)


def test_a_created_envelope_has_every_field(
    relay: RelaySender,
    reservation_actions: ReservationActions,
    guest_actions: GuestActions,
    inbox: Inbox,
) -> None:
    relay.restaurant_ids[RID] = "restaurant-123"
    guest = guest_actions.add("Avery", "Sample", "a@example.com", "2125550100")
    row = reservation_actions.create(SANDBOX_VISIT_TIME, 4, guest_key=guest.key, request="Window")
    letter = inbox.read()[0]
    assert letter["eventType"] == "reservation.created"
    assert letter["timestamp"] == "2026-03-14T15:00:00Z"
    assert letter["data"] == {
        "reservationId": f"{RID}-{row.key}",
        "restaurantId": "restaurant-123",
        "restaurantName": "Demo",
        "dinerName": "Avery Sample",
        "dinerEmail": "a@example.com",
        "dinerPhone": "2125550100",
        "partySize": 4,
        "reservationDateTime": "2026-03-14T23:15:00Z",
        "status": "booked",
        "specialRequests": "Window",
    }


@pytest.mark.usefixtures("relay")
def test_an_updated_envelope_carries_only_what_changed(
    reservation_actions: ReservationActions, inbox: Inbox
) -> None:
    row = reservation_actions.create(SANDBOX_VISIT_TIME, 4)
    reservation_actions.change_party_size(row.key, 6)
    letter = inbox.read()[1]
    ids = {"reservationId": f"{RID}-{row.key}", "restaurantId": str(RID)}
    assert letter["eventType"] == "reservation.updated"
    assert letter["data"] == ids | {"partySize": 6}


@pytest.mark.usefixtures("relay")
def test_a_cancelled_envelope_has_its_event_type(
    reservation_actions: ReservationActions, inbox: Inbox
) -> None:
    reservation_actions.cancel(reservation_actions.create(SANDBOX_VISIT_TIME, 4).key)
    letter = inbox.read()[1]
    assert letter["eventType"] == "reservation.cancelled"
    assert letter["data"]["status"] == "cancelled"


@pytest.mark.usefixtures("relay")
def test_a_change_that_an_envelope_cannot_carry_sends_none(
    reservation_actions: ReservationActions, visit_actions: VisitActions, inbox: Inbox
) -> None:
    row = visit_actions.add_walk_in(2)
    reservation_actions.assign_tables(row.key, "7")
    visit_actions.set_state(row.key, "Entree")
    assert len(inbox.read()) == 1


@pytest.mark.usefixtures("relay")
def test_each_attempt_is_signed_afresh_under_one_id(
    reservation_actions: ReservationActions, inbox: Inbox
) -> None:
    inbox.statuses = [503, 503]
    reservation_actions.create(SANDBOX_VISIT_TIME, 4)
    assert len(inbox.read()) == 3
    stamps = [int(headers["webhook-timestamp"]) for headers in inbox.headers]
    assert [stamp - stamps[0] for stamp in stamps] == [0, 1, 3]
    assert len({headers["webhook-id"] for headers in inbox.headers}) == 1


def test_a_relay_may_have_a_separate_clock(
    relay: RelaySender, reservation_actions: ReservationActions, inbox: Inbox
) -> None:
    relay.skew = timedelta(minutes=10)
    reservation_actions.create(SANDBOX_VISIT_TIME, 4)
    assert inbox.read()[0]["timestamp"] == "2026-03-14T15:10:00Z"
    assert int(inbox.headers[0]["webhook-timestamp"]) == int(inbox.clock().timestamp()) + 600


def test_signatures_verify_by_the_reference_library() -> None:
    headers = build_signed_headers(SECRET, "evt_1", int(time.time()), b'{"a": 1}')
    assert Webhook(SECRET).verify(b'{"a": 1}', headers) == {"a": 1}


def test_the_mock_events_are_posted_in_order_and_signed(inbox: Inbox) -> None:
    statuses = post_mock_events(
        inbox.post, "https://r.example", SECRET, read_mock_events(), inbox.clock
    )
    assert statuses == [200, 200, 200]
    assert [letter["eventType"] for letter in inbox.read()] == [
        "reservation.created",
        "reservation.updated",
        "reservation.cancelled",
    ]
    for headers, body in zip(inbox.headers, inbox.bodies, strict=True):
        signed = build_signed_headers(SECRET, headers["webhook-id"], inbox.clock(), body)
        assert headers["webhook-signature"] == signed["webhook-signature"]
