"""Documents as JSON Lines; nothing of a person unless that is wanted and confirmed."""

import json
import stat
from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from dev.operating.endings import ExitCode
from dev.operating.exported import export_journal_entry, export_reservation
from shared.edge import paths
from tests.dev.operating.conftest import BOOKED
from tests.dev.operating.shop import Done, Shop

PERSON = {"dinerName": "Ada", "email": "ada@example.com", "phone": "+1212", "ofAnother": "Ada"}


def rows(done: Done) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.parametrize("kind, count", [("reservations", BOOKED), ("journal", BOOKED)])
async def test_every_document_is_a_line(kind: str, count: int, shop: Shop) -> None:
    await shop.onboard()
    done = await shop.operate("export", kind)
    assert (done.code, len(rows(done))) == (ExitCode.SUCCESS, count)


async def test_reports_are_whole(shop: Shop) -> None:
    await shop.onboard()
    [report] = rows(await shop.operate("export", "reports"))
    assert (report["status"], report["complete"]) == ("COMPLETED", True)


async def test_pages_join(
    shop: Shop, firestore: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.operating.export._PAGE_SIZE", 2)
    await shop.onboard("--webhook-auth", "none")
    found = rows(await shop.operate("export", "reservations"))
    held = [one.id async for one in paths.reservations_collection(firestore, shop.id).stream()]
    assert [row["id"] for row in found] == held


async def test_a_file_is_the_operators_alone_and_new(shop: Shop) -> None:
    await shop.onboard()
    file = shop.new_file()
    told = await shop.operate("export", "reservations", "--to", file, "--json")
    assert told.told == {"rows": BOOKED, "kind": "reservations", "file": file}
    assert (await shop.operate("export", "reservations", "--to", file)).code == ExitCode.FAILED
    assert mode_of(file) == 0o600


def mode_of(file: str) -> int:
    return stat.S_IMODE(Path(file).stat().st_mode)


async def test_personal_data_is_confirmed_first(shop: Shop) -> None:
    await shop.onboard()
    refused = await shop.operate("export", "reservations", "--with-personal-data")
    assert (refused.code, refused.out) == (ExitCode.FAILED, "")
    done = await shop.operate("export", "reservations", "--with-personal-data", "--yes")
    assert "dinerName" in rows(done)[0]


def test_a_reservation_is_told_without_the_person() -> None:
    metadata = {"specialRequests": "Ada", "server": "Ada", "tableNumbers": ["4"]}
    document = {"id": "opentable-1", "partySize": 4, "metadata": metadata, **PERSON}
    told = export_reservation(document, include_personal=False)
    assert told == {"id": "opentable-1", "partySize": 4, "metadata": {"tableNumbers": ["4"]}}


def test_a_statement_is_told_by_its_known_fields_alone() -> None:
    document = {"statusHistory": [{"status": "BOOKED", "note": "Ada"}, "Ada"]}
    assert export_reservation(document, include_personal=False) == {
        "statusHistory": [{"status": "BOOKED"}, {}]
    }


def test_the_bookkeeping_is_never_told() -> None:
    assert export_reservation({"id": "x", "sync": {"relay": 1}}, include_personal=True) == {
        "id": "x"
    }


def test_a_journal_entry_is_told_without_the_person() -> None:
    changes = {"dinerName": {"from": None, "to": "Ada"}, "partySize": {"from": 2, "to": 4}}
    entry = {"eventId": "evt-1", "said": {"dinerName": "Ada"}, "payload": "Ada", "changes": changes}
    assert export_journal_entry("opentable-1", entry, include_personal=False) == {
        "reservationId": "opentable-1",
        "eventId": "evt-1",
        "changes": {"partySize": {"from": 2, "to": 4}},
    }
