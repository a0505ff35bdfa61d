"""Every route: its address, its role, its documented errors."""

import pytest

from functions.api.requests import API_PREFIX
from tests.support.staff_api import OPERATIONS, Operation

ROLES_BY_CALL = {
    ("GET", "/api/restaurants"): "user",
    ("GET", "staff"): "manager",
    ("POST", "staff"): "manager",
    ("DELETE", "staff/{uid}"): "manager",
    ("GET", "me"): "host",
    ("GET", "health"): "host",
    ("GET", "reservations"): "host",
    ("GET", "reservations/{reservation_id}"): "host",
    ("GET", "reservations/{reservation_id}/events"): "host",
    ("POST", "reservations/{reservation_id}/cancel"): "host",
    ("GET", "integration"): "manager",
    ("PUT", "integration"): "manager",
    ("POST", "integration/test"): "manager",
    ("POST", "integration/time-zone-preview"): "manager",
    ("GET", "integration/webhooks"): "manager",
    ("POST", "integration/webhooks/credentials"): "manager",
    ("POST", "integration/webhooks/test"): "manager",
    ("POST", "integration/backfill"): "manager",
    ("GET", "integration/backfill"): "manager",
    ("GET", "reports"): "host",
    ("GET", "reports/latest"): "host",
    ("GET", "reports/{report_id}"): "host",
    ("GET", "reports/{report_id}/items"): "host",
    ("POST", "reports/{report_id}/force"): "manager",
    ("POST", "reports/{report_id}/reviews"): "manager",
    ("POST", "reservations/{reservation_id}/review"): "manager",
    ("POST", "reservations/search"): "host",
    ("GET", "quarantine"): "manager",
    ("GET", "quarantine/{item_id}"): "manager",
    ("POST", "quarantine/replay"): "manager",
    ("POST", "quarantine/dismiss"): "manager",
    ("POST", "quarantine/{item_id}/replay"): "manager",
    ("POST", "quarantine/{item_id}/dismiss"): "manager",
    ("GET", "analytics"): "manager",
}
ERRORS = {"400", "401", "403", "404", "409", "429", "503"}
BODY_ERRORS = {"413", "415"}


def test_every_call_and_its_role_is_in_the_document() -> None:
    assert {(each.method, each.template): each.role for each in OPERATIONS} == ROLES_BY_CALL


def test_every_address_begins_with_the_restaurant() -> None:
    assert API_PREFIX == "/api/restaurants/{restaurant_id}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_error_of_a_route_is_documented(operation: Operation) -> None:
    errors = {status for status in operation.document["responses"] if status >= "400"}
    headers = {each["name"] for each in operation.document.get("parameters", [])}
    expected = ERRORS | (BODY_ERRORS if "requestBody" in operation.document else set())
    assert errors == expected | ({"412"} if "if-match" in headers else set())
    assert {
        operation.document["responses"][status]["content"]["application/json"]["schema"]["$ref"]
        for status in errors
    } == {"#/components/schemas/ErrorResponse"}
