"""The counting proxy counts the product's Firestore calls."""

import os

import pytest
from google.cloud.firestore import AsyncClient

from dev.benchmarks.round_trips import start_counting_proxy
from dev.local.emulator import Emulator
from shared.firestore import paths


async def test_calls_and_documents_are_counted_but_the_recent_changes(
    emulator: Emulator, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_counting_proxy(emulator.host) as tap:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", tap.host)
        client = AsyncClient(project=project)
        batch = client.batch()
        for name in ("a", "b"):
            batch.create(client.document("tables", name), {"seats": 4})
        await batch.commit()
        there, gone = client.document("tables", "a"), client.document("tables", "z")
        found = [each.exists async for each in client.get_all([there, gone])]
        await paths.recent_changes_document(client).get()
        await client._firestore_api.transport.close()
        passed = tap.take_traffic()
    assert sorted(found) == [False, True]
    assert passed.calls == ["Commit", "BatchGetDocuments"]
    assert passed.documents_read == 2
    assert passed.writes_by_collection == {"tables": 2}
    assert tap.take_traffic().calls == []
    assert os.environ["FIRESTORE_EMULATOR_HOST"]
