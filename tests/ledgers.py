"""Ledgers for tests: their clock stands still."""

from datetime import datetime, timedelta

from google.cloud.firestore import AsyncClient

from shared.core.settings import IntegrationSettings
from shared.edge.lately import RecentReservationCache
from shared.edge.ledger import Ledger
from tests.statements import RECEIVED


def new_test_ledger(client: AsyncClient, settings: IntegrationSettings) -> Ledger:
    """Return a restaurant's ledger."""
    return Ledger(
        client,
        settings,
        _fixed_clock,
        timedelta(days=400),
        recent_reservations=RecentReservationCache(),
    )


def _fixed_clock() -> datetime:
    return RECEIVED
