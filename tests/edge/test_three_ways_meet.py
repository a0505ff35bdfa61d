from datetime import timedelta

import pytest

from dev.sandbox.rows import RenderContext, build_webhook_row
from tests.world import BEGINNING, NEW_YORK, World


def _of_one_reservation(everything: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {path: document for path, document in everything.items() if "/reservations/" in path}


@pytest.mark.parametrize("unprefixed", [False, True])
async def test_a_webhook_the_poll_and_reconciliation_are_one_document_and_one_event(
    world: World, *, unprefixed: bool
) -> None:
    booked = world.desk.create(BEGINNING + timedelta(days=2), 2, request="Stroller")
    view = RenderContext("gold", NEW_YORK, "https://api.opentable.com")
    await world.take_in(build_webhook_row(booked, view, zoneless=True, unprefixed=unprefixed))
    after_webhook = _of_one_reservation(await world.everything())
    assert len(after_webhook) == 2

    polled = await world.poll()
    report = await world.reconcile()

    assert (polled["fetched"], polled["unchanged"]) == (1, 1)
    assert (report["comparedCount"], report["unchangedCount"]) == (1, 1)
    assert _of_one_reservation(await world.everything()) == after_webhook
