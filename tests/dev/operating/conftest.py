import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.emulator import Emulator
from tests.dev.operating.shop import PARTNER, RIGHT, Shop
from tests.local_opentable import LocalOpenTable, serving_opentable
from tests.restaurants import new_restaurant

BOOKED = 4


@pytest.fixture(scope="session")
def opentable() -> Iterator[LocalOpenTable]:
    with serving_opentable() as served:
        yield served


@pytest.fixture
def variables(
    emulator: Emulator,
    project: str,
    opentable: LocalOpenTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """What a command is told of the place, which is set in this process too."""
    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps({PARTNER: RIGHT}))
    told = {
        "GOOGLE_CLOUD_PROJECT": project,
        "FIRESTORE_EMULATOR_HOST": emulator.host,
        "OPENTABLE_API_URL": opentable.url,
        "OPENTABLE_OAUTH_URL": opentable.url,
        "OPENTABLE_PARTNER_SECRET": PARTNER,
        "SECRETS_FILE": str(secrets),
    }
    for name, text in told.items():
        monkeypatch.setenv(name, text)
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PATH", "COV"))}
    return kept | told


@pytest.fixture
def shop(
    opentable: LocalOpenTable, variables: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> Shop:
    """A shop whose partner's secret opens OpenTable; its book holds `BOOKED` reservations."""
    restaurant = new_restaurant()
    for party in range(1, BOOKED + 1):
        opentable.soon(restaurant.rid, party)
    return Shop(restaurant.id, restaurant.rid, opentable, variables, capsys)
