"""A restaurant with guests, and one guest at OpenTable."""

import pytest
from google.cloud.firestore import AsyncDocumentReference

from sandbox.models import SandboxReservation
from shared.firestore import paths
from tests.support.guests import GuestScenario
from tests.support.world import World

ADA = ("Ada Lovelace", "+12125550100", "ada@example.com")


@pytest.fixture
def scenario(world: World) -> GuestScenario:
    return GuestScenario(world)


@pytest.fixture
def ada(scenario: GuestScenario) -> str:
    """Add Ada Lovelace at OpenTable and return her guest key."""
    return scenario.guests.add("Ada", "Lovelace", "ada@example.com", "2125550100").key


def stored_reservation(world: World, booked: SandboxReservation) -> AsyncDocumentReference:
    """Return the ledger's document of one of OpenTable's reservations."""
    client, restaurant_id = world.context.firestore, world.restaurant.id
    return paths.reservation_document(client, restaurant_id, booked.key.lower())
