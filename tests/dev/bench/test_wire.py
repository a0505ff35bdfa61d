"""The tap on the wire counts what the bundle sends."""

import os

import pytest
from google.cloud.firestore import AsyncClient

from dev.bench.wire import tapped
from dev.emulator import Emulator


async def test_calls_and_documents_are_counted(
    emulator: Emulator, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tapped(emulator.host) as tap:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", tap.host)
        client = AsyncClient(project=project)
        batch = client.batch()
        for name in ("a", "b"):
            batch.create(client.document("tables", name), {"seats": 4})
        await batch.commit()
        there, gone = client.document("tables", "a"), client.document("tables", "z")
        found = [each.exists async for each in client.get_all([there, gone])]
        await client._firestore_api.transport.close()
        passed = tap.taken()
    assert sorted(found) == [False, True]
    assert passed.calls == ["Commit", "BatchGetDocuments"]
    assert (passed.read, passed.written, passed.wrote["tables"]) == (2, 2, 2)
    assert tap.taken().calls == []
    assert os.environ["FIRESTORE_EMULATOR_HOST"]
