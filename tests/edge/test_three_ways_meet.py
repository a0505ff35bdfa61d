from datetime import timedelta

import pytest

from dev.sandbox.rows import RenderContext, build_webhook_row
from tests.world import NEW_YORK, START_TIME, World


def _of_one_reservation(everything: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {path: document for path, document in everything.items() if "/reservations/" in path}


@pytest.mark.parametrize("unprefixed", [False, True])
async def test_webhook_poll_and_reconciliation_give_one_document_and_one_event(
    world: World, *, unprefixed: bool
) -> None:
    booked = world.desk.create(START_TIME + timedelta(days=2), 2, request="Stroller")
    view = RenderContext("gold", NEW_YORK, "https://api.opentable.com")
    await world.ingest_row(build_webhook_row(booked, view, zoneless=True, unprefixed=unprefixed))
    after_webhook = _of_one_reservation(await world.all_documents())
    assert len(after_webhook) == 2

    polled = await world.poll()
    report = await world.reconcile()

    assert (polled["fetched"], polled["unchanged"]) == (1, 1)
    assert (report["comparedCount"], report["unchangedCount"]) == (1, 1)
    assert _of_one_reservation(await world.all_documents()) == after_webhook
