"""Served functions complete although a reservation, a guest and a document are unusable."""

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from dev.local.emulator import Emulator
from sandbox.fault_injection import FailureKind
from shared.firestore import paths
from tests.support.opentable import LocalOpenTable
from tests.support.processes import serve_deployed_function
from tests.support.restaurants import new_restaurant, seed
from tests.support.world import World

pytestmark = pytest.mark.slow

REFUSED_GUEST = "65aa01bb02cc03dd04ee05ff"
EVERY_REQUEST = 50


async def test_a_refused_guest_a_refused_id_and_a_damaged_document_stop_nothing(
    emulator: Emulator, world: World, local_opentable: LocalOpenTable, tmp_path: Path
) -> None:
    restaurant, client = new_restaurant(), world.context.firestore
    await seed(client, restaurant)
    secrets = tmp_path / "secrets.json"
    credentials = {"clientId": "demo-client", "clientSecret": "demo-secret"}
    secrets.write_text(json.dumps({restaurant.secret: credentials}))
    variables = {
        "GOOGLE_CLOUD_PROJECT": client.project,
        "FIRESTORE_EMULATOR_HOST": emulator.host,
        "SECRETS_FILE": str(secrets),
        "OPENTABLE_API_URL": local_opentable.url,
        "OPENTABLE_OAUTH_URL": local_opentable.url,
    }
    moved, at = local_opentable.book_tomorrow(restaurant.rid, 2), local_opentable.tomorrow()
    damaged = moved.actions.create(at, 3, guest_key=REFUSED_GUEST)
    corrected = moved.actions.create(at, 4)
    faults, body = local_opentable.sandbox.faults, {"restaurantId": restaurant.id}
    refused_paths = (
        f"/sync/v2/guests/{restaurant.rid}-{REFUSED_GUEST}",
        f"/sync/v2/reservations/{restaurant.rid}-{moved.reservation.key}",
    )
    for path in refused_paths:
        faults.script_failure(FailureKind.STATUS, path=path, times=EVERY_REQUEST, status=403)
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            with serve_deployed_function("opentable_poll", **variables) as function:
                polled = (await http.post(function.url, json=body)).json()
            document = paths.reservation_document(client, restaurant.id, damaged.key.lower())
            await document.update({"sync": "x"})
            moved.actions.reschedule(moved.reservation.key, at + timedelta(days=90))
            moved.actions.change_party_size(corrected.key, 7)
            with serve_deployed_function("opentable_reconcile", **variables) as function:
                reconciled = (await http.post(function.url, json=body)).json()
    finally:
        faults.clear()
    [poll], [report] = polled["results"], reconciled["reports"]
    assert (poll["status"], poll["created"]) == ("ok", 3)
    assert (report["status"], report["updated"], report["divergences"]) == ("COMPLETED", 1, 2)
