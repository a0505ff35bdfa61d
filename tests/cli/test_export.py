"""Documents as JSON Lines, without personal data unless the operator confirms it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient, AsyncQuery

from cli.export import select_fields
from cli.output import ExitCode
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import read_documents
from tests.cli.conftest import RESERVATION_COUNT_AT_OPENTABLE
from tests.cli.harness import CliHarness, WebhookIngest

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


async def test_personal_data_is_exported_after_a_confirmation(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    options = ("reservations", "--with-personal-data", "--yes")
    assert "dinerName" in (await cli_harness.run_command("export", *options)).rows[0]


@pytest.mark.parametrize(
    "kind, document, exported",
    [
        (
            "reservations",
            {
                "id": "opentable-1",
                "partySize": 4,
                "metadata": {"specialRequests": "Ada", "server": "Ada", "tableNumbers": ["4"]},
                **PERSONAL,
            },
            {"id": "opentable-1", "partySize": 4, "metadata": {"tableNumbers": ["4"]}},
        ),
        (
            "reservations",
            {"statusHistory": [{"status": "BOOKED", "note": "Ada"}, "Ada"]},
            {"statusHistory": [{"status": "BOOKED"}, {}]},
        ),
        (
            "journal",
            {
                "eventId": "evt-1",
                "changes": {
                    "dinerName": {"from": None, "to": "Ada"},
                    "partySize": {"from": 2, "to": 4},
                },
                "fields": {"dinerName": "Ada"},
                "payload": "Ada",
            },
            {"eventId": "evt-1", "changes": {"partySize": {"from": 2, "to": 4}}},
        ),
        (
            "guests",
            {"guestKey": "g1", "firstName": "Ada", "phones": ["+1212"], "survivor": None},
            {"guestKey": "g1", "survivor": None},
        ),
        (
            "quarantine",
            {"reason": "invalid_id", "body": "Ada", "summary": {"guest": "A."}},
            {"reason": "invalid_id"},
        ),
    ],
    ids=["reservation", "status history", "journal entry", "guest", "quarantined event"],
)
def test_a_document_is_exported_without_personal_data(
    kind: str, document: dict[str, Any], exported: dict[str, Any]
) -> None:
    assert select_fields(kind, document, include_personal=False) == exported
    assert select_fields(kind, document, include_personal=True) == document


def test_internal_fields_are_never_exported() -> None:
    document = {"id": "x", "sync": {"relay": 1}}
    assert select_fields("reservations", document, include_personal=True) == {"id": "x"}


async def test_the_journal_is_read_by_one_query_for_this_restaurant_only(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard("--webhook-auth", "none")
    for restaurant_id in ("a", "zzz"):  # before and after this restaurant by name
        other = paths.reservations_collection(firestore, restaurant_id).document("opentable-x")
        await paths.journal_collection(other).document("seq-1").set({"eventId": "other"})
    rows = (await cli_harness.run_command("export", "journal")).rows
    assert len(rows) == RESERVATION_COUNT_AT_OPENTABLE
    reservations = paths.reservations_collection(firestore, cli_harness.id).stream()
    assert {row["reservationId"] for row in rows} == {stored.id async for stored in reservations}


async def test_guests_and_quarantined_events_are_exported(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest, firestore: AsyncClient
) -> None:
    await webhook_ingest.quarantine_row()
    await paths.guests_collection(firestore, cli_harness.id).document("g1").set({"guestKey": "g1"})
    [guest] = (await cli_harness.run_command("export", "guests")).rows
    [item] = (await cli_harness.run_command("export", "quarantine")).rows
    items = paths.quarantine_collection(firestore, cli_harness.id).list_documents()
    assert (guest["guestKey"], item["reason"]) == ("g1", "invalid_party_size")
    assert [item["id"]] == [stored.id async for stored in items]


@pytest.mark.parametrize("kind", ["reservations", "journal", "reports"])
@pytest.mark.parametrize("since, is_empty", [("2020-01-01", False), ("2090-01-01", True)])
async def test_since_leaves_out_what_did_not_change(
    since: str, is_empty: bool, kind: str, cli_harness: CliHarness
) -> None:
    await cli_harness.onboard("--webhook-auth", "none")
    rows = (await cli_harness.run_command("export", kind, "--since", since)).rows
    assert (rows == []) is is_empty


async def test_an_interrupted_export_continues_with_the_same_command(
    cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cli_harness.onboard("--webhook-auth", "none")
    complete = (await cli_harness.run_command("export", "journal")).out
    monkeypatch.setattr("cli.export._PAGE_SIZE", 1)
    file = Path(cli_harness.new_file())
    for number in range(1, 1 + RESERVATION_COUNT_AT_OPENTABLE):
        with failing_read(monkeypatch):
            failed = await cli_harness.run_command("export", "journal", "--to", str(file))
        assert (failed.code, file.exists()) == (ExitCode.RETRY_LATER, False)
        part = Path(f"{file}.part")
        assert complete.startswith(part.read_text())
        assert part.read_text().count("\n") == number
        part.write_text(part.read_text() + '{"cut')  # the page that was interrupted
    done = await cli_harness.run_command("export", "journal", "--to", str(file), "--json")
    assert done.json_output["rows"] == RESERVATION_COUNT_AT_OPENTABLE
    assert file.read_text() == complete
    assert [path.name for path in file.parent.glob("*.part*")] == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"options": {}}'])
async def test_an_export_with_a_damaged_position_starts_again(
    content: str, cli_harness: CliHarness
) -> None:
    await cli_harness.onboard("--webhook-auth", "none")
    file = Path(cli_harness.new_file())
    Path(f"{file}.part.json").write_text(content)
    Path(f"{file}.part").write_text("cut")
    done = await cli_harness.run_command("export", "reservations", "--to", str(file), "--json")
    assert done.json_output["rows"] == RESERVATION_COUNT_AT_OPENTABLE
    assert file.read_text().count("\n") == RESERVATION_COUNT_AT_OPENTABLE


async def test_an_export_with_other_options_does_not_continue_a_file(
    cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cli_harness.onboard("--webhook-auth", "none")
    monkeypatch.setattr("cli.export._PAGE_SIZE", 1)
    options = ("export", "reservations", "--to", cli_harness.new_file())
    with failing_read(monkeypatch):
        await cli_harness.run_command(*options)
    refused = await cli_harness.run_command(*options, "--since", "2020-01-01")
    assert (refused.code, "other options" in refused.errors) == (ExitCode.FAILED, True)


@pytest.mark.parametrize("part", [None, "", "{"])
async def test_an_export_without_its_partial_rows_starts_again(
    part: str | None, cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cli_harness.onboard("--webhook-auth", "none")
    monkeypatch.setattr("cli.export._PAGE_SIZE", 1)
    file = Path(cli_harness.new_file())
    options = ("export", "reservations", "--to", str(file))
    with failing_read(monkeypatch):
        await cli_harness.run_command(*options)
    partial_file = Path(f"{file}.part")
    partial_file.unlink()
    if part is not None:
        partial_file.write_text(part)
    done = await cli_harness.run_command(*options, "--json")
    assert done.json_output["rows"] == RESERVATION_COUNT_AT_OPENTABLE
    assert file.read_text().count("\n") == RESERVATION_COUNT_AT_OPENTABLE


@contextmanager
def failing_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the second page of an export fail."""
    pages = 0

    async def fail_on_the_second_page(query: AsyncQuery, limit: int) -> Any:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise ServiceUnavailableError("DeadlineExceeded")
        return await read_documents(query, limit)

    with monkeypatch.context() as patch:
        patch.setattr("cli.export.read_documents", fail_on_the_second_page)
        yield
