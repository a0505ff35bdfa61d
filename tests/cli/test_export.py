"""Documents as JSON Lines, without personal data unless the operator confirms it."""

from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from cli.export import export_journal_entry, export_reservation
from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.conftest import RESERVATION_COUNT_AT_OPENTABLE
from tests.cli.harness import CliHarness

PERSONAL = {"dinerName": "Ada", "email": "ada@example.com", "phone": "+1212", "other": "Ada"}


@pytest.mark.parametrize("kind", ["reservations", "journal"])
async def test_every_document_is_a_line(kind: str, cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    done = await cli_harness.run_command("export", kind)
    assert (done.code, len(done.rows)) == (ExitCode.SUCCESS, RESERVATION_COUNT_AT_OPENTABLE)


async def test_reports_are_complete(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    [report] = (await cli_harness.run_command("export", "reports")).rows
    assert (report["status"], report["complete"]) == ("COMPLETED", True)


async def test_pages_are_exported_without_gap_or_overlap(
    cli_harness: CliHarness, firestore: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.export._PAGE_SIZE", 2)
    await cli_harness.onboard("--webhook-auth", "none")
    exported = (await cli_harness.run_command("export", "reservations")).rows
    reservations = paths.reservations_collection(firestore, cli_harness.id).stream()
    assert [row["id"] for row in exported] == [stored.id async for stored in reservations]


async def test_a_file_is_new_and_private(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    options = ("export", "reservations", "--to", cli_harness.new_file())
    assert (await cli_harness.run_command(*options, "--json")).json_output == {
        "rows": RESERVATION_COUNT_AT_OPENTABLE,
        "kind": "reservations",
        "file": options[-1],
    }
    assert (await cli_harness.run_command(*options)).code == ExitCode.FAILED
    assert read_mode(options[-1]) == 0o600


def read_mode(file: str) -> int:
    return Path(file).stat().st_mode & 0o777


async def test_personal_data_is_confirmed_first(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    options = ("export", "reservations", "--with-personal-data")
    refused = await cli_harness.run_command(*options)
    assert (refused.code, refused.out) == (ExitCode.FAILED, "")
    assert "dinerName" in (await cli_harness.run_command(*options, "--yes")).rows[0]


def test_a_reservation_is_exported_without_personal_data() -> None:
    metadata = {"specialRequests": "Ada", "server": "Ada", "tableNumbers": ["4"]}
    document = {"id": "opentable-1", "partySize": 4, "metadata": metadata, **PERSONAL}
    exported = export_reservation(document, include_personal=False)
    assert exported == {"id": "opentable-1", "partySize": 4, "metadata": {"tableNumbers": ["4"]}}


def test_a_status_change_is_exported_with_known_fields_only() -> None:
    document = {"statusHistory": [{"status": "BOOKED", "note": "Ada"}, "Ada"]}
    exported = export_reservation(document, include_personal=False)
    assert exported == {"statusHistory": [{"status": "BOOKED"}, {}]}


def test_internal_fields_are_never_exported() -> None:
    document = {"id": "x", "sync": {"relay": 1}}
    assert export_reservation(document, include_personal=True) == {"id": "x"}


def test_a_journal_entry_is_exported_without_personal_data() -> None:
    changes = {"dinerName": {"from": None, "to": "Ada"}, "partySize": {"from": 2, "to": 4}}
    personal = {"fields": {"dinerName": "Ada"}, "payload": "Ada"}
    entry = {"eventId": "evt-1", "changes": changes, **personal}
    assert export_journal_entry("opentable-1", entry, include_personal=False) == {
        "reservationId": "opentable-1",
        "eventId": "evt-1",
        "changes": {"partySize": {"from": 2, "to": 4}},
    }
