"""Documents as JSON Lines; nothing of a person unless that is wanted and confirmed."""

import json
import stat
from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from cli.endings import ExitCode
from cli.exported import export_journal_entry, export_reservation
from shared.firestore import paths
from tests.cli.conftest import RESERVATION_COUNT_AT_OPENTABLE
from tests.cli.harness import CliHarness, CommandOutput

PERSON = {"dinerName": "Ada", "email": "ada@example.com", "phone": "+1212", "ofAnother": "Ada"}


def rows(done: CommandOutput) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.parametrize(
    "kind, count",
    [("reservations", RESERVATION_COUNT_AT_OPENTABLE), ("journal", RESERVATION_COUNT_AT_OPENTABLE)],
)
async def test_every_document_is_a_line(kind: str, count: int, cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    done = await cli_harness.run_command("export", kind)
    assert (done.code, len(rows(done))) == (ExitCode.SUCCESS, count)


async def test_reports_are_whole(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    [report] = rows(await cli_harness.run_command("export", "reports"))
    assert (report["status"], report["complete"]) == ("COMPLETED", True)


async def test_pages_are_exported_without_gap_or_overlap(
    cli_harness: CliHarness, firestore: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.export._PAGE_SIZE", 2)
    await cli_harness.onboard("--webhook-auth", "none")
    found = rows(await cli_harness.run_command("export", "reservations"))
    held = [
        one.id async for one in paths.reservations_collection(firestore, cli_harness.id).stream()
    ]
    assert [row["id"] for row in found] == held


async def test_a_file_is_the_operators_alone_and_new(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    file = cli_harness.new_file()
    told = await cli_harness.run_command("export", "reservations", "--to", file, "--json")
    assert told.json_output == {
        "rows": RESERVATION_COUNT_AT_OPENTABLE,
        "kind": "reservations",
        "file": file,
    }
    assert (
        await cli_harness.run_command("export", "reservations", "--to", file)
    ).code == ExitCode.FAILED
    assert mode_of(file) == 0o600


def mode_of(file: str) -> int:
    return stat.S_IMODE(Path(file).stat().st_mode)


async def test_personal_data_is_confirmed_first(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    refused = await cli_harness.run_command("export", "reservations", "--with-personal-data")
    assert (refused.code, refused.out) == (ExitCode.FAILED, "")
    done = await cli_harness.run_command("export", "reservations", "--with-personal-data", "--yes")
    assert "dinerName" in rows(done)[0]


def test_a_reservation_is_exported_without_personal_data() -> None:
    metadata = {"specialRequests": "Ada", "server": "Ada", "tableNumbers": ["4"]}
    document = {"id": "opentable-1", "partySize": 4, "metadata": metadata, **PERSON}
    told = export_reservation(document, include_personal=False)
    assert told == {"id": "opentable-1", "partySize": 4, "metadata": {"tableNumbers": ["4"]}}


def test_an_event_is_exported_with_known_fields_only() -> None:
    document = {"statusHistory": [{"status": "BOOKED", "note": "Ada"}, "Ada"]}
    assert export_reservation(document, include_personal=False) == {
        "statusHistory": [{"status": "BOOKED"}, {}]
    }


def test_bookkeeping_fields_are_never_exported() -> None:
    assert export_reservation({"id": "x", "sync": {"relay": 1}}, include_personal=True) == {
        "id": "x"
    }


def test_a_journal_entry_is_exported_without_personal_data() -> None:
    changes = {"dinerName": {"from": None, "to": "Ada"}, "partySize": {"from": 2, "to": 4}}
    entry = {
        "eventId": "evt-1",
        "fields": {"dinerName": "Ada"},
        "payload": "Ada",
        "changes": changes,
    }
    assert export_journal_entry("opentable-1", entry, include_personal=False) == {
        "reservationId": "opentable-1",
        "eventId": "evt-1",
        "changes": {"partySize": {"from": 2, "to": 4}},
    }
