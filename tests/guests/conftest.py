"""A restaurant with guests, and one guest at OpenTable."""

import pytest

from tests.support.guests import GuestScenario
from tests.support.world import World


@pytest.fixture
def scenario(world: World) -> GuestScenario:
    return GuestScenario(world)


@pytest.fixture
def ada(scenario: GuestScenario) -> str:
    """Add Ada Lovelace at OpenTable and return her guest key."""
    return scenario.guests.add("Ada", "Lovelace", "ada@example.com", "2125550100").key
