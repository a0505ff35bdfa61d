"""A process builds each client once, and slow ones on first use."""

import pytest

from shared.config import read_environment
from shared.context import build_app_context
from shared.opentable.client import OpenTableClient


async def test_the_opentable_client_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "GOOGLE_CLOUD_PROJECT": "project-1"}
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    context = build_app_context(read_environment(variables))
    assert isinstance(context.opentable, OpenTableClient)
    assert context.opentable is context.opentable
