"""Ledgers for tests: their clock stands still."""

from datetime import datetime, timedelta

from google.cloud.firestore import AsyncClient

from shared.core.settings import Settings
from shared.edge.lately import Lately
from shared.edge.ledger import Ledger
from tests.statements import RECEIVED


def new_ledger(client: AsyncClient, settings: Settings) -> Ledger:
    """Return a restaurant's ledger."""
    return Ledger(client, settings, _clock, timedelta(days=400), lately=Lately())


def _clock() -> datetime:
    return RECEIVED
