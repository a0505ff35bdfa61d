"""What a process shares is made once, and what costs a start is made on first use."""

import pytest

from shared.config import read_environment
from shared.context import build_app_context
from shared.opentable.client import OpenTableClient


async def test_opentables_client_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    made = build_app_context(read_environment({"GOOGLE_CLOUD_PROJECT": "project-1"}))
    assert isinstance(made.opentable, OpenTableClient)
    assert made.opentable is made.opentable
