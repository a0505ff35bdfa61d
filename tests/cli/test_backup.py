"""The commands `backup`, `restore` and `rebuild`."""

from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.conftest import RESERVATION_COUNT_AT_OPENTABLE
from tests.cli.harness import CliHarness

pytestmark = pytest.mark.slow


async def onboard_and_back_up(cli_harness: CliHarness, *options: str) -> str:
    """Onboard the restaurant and back it up; return the file."""
    await cli_harness.onboard()
    file = cli_harness.new_file()
    done = await cli_harness.run_command("backup", "--to", file, "--yes", *options)
    assert (done.code, done.errors) == (ExitCode.SUCCESS, "")
    return file


async def lose_reservations(cli_harness: CliHarness, firestore: AsyncClient) -> None:
    async for document in paths.reservations_collection(firestore, cli_harness.id).list_documents():
        async for entry in paths.journal_collection(document).list_documents():
            await entry.delete()
        await document.delete()


async def count_reservations(cli_harness: CliHarness, firestore: AsyncClient) -> int:
    reservations = paths.reservations_collection(firestore, cli_harness.id)
    return len([each async for each in reservations.stream()])


async def test_lost_reservations_are_restored(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    file = await onboard_and_back_up(cli_harness)
    await cli_harness.run_command("restaurants pause", "--yes")
    await lose_reservations(cli_harness, firestore)
    done = await cli_harness.run_command("restore", file, "--yes", "--json")
    assert done.code == ExitCode.SUCCESS
    assert done.json_output["created"]["reservations"] == RESERVATION_COUNT_AT_OPENTABLE
    assert await count_reservations(cli_harness, firestore) == RESERVATION_COUNT_AT_OPENTABLE


async def test_a_backup_is_private_and_never_overwrites_a_file(cli_harness: CliHarness) -> None:
    file = await onboard_and_back_up(cli_harness)
    assert Path(file).stat().st_mode & 0o777 == 0o600
    before = Path(file).read_text()
    done = await cli_harness.run_command("backup", "--to", file, "--yes")
    assert (done.code, Path(file).read_text()) == (ExitCode.FAILED, before)


async def test_an_enabled_restaurant_is_not_restored(cli_harness: CliHarness) -> None:
    file = await onboard_and_back_up(cli_harness)
    done = await cli_harness.run_command("restore", file, "--yes")
    assert done.code == ExitCode.FAILED
    assert "restaurants pause" in done.errors


async def test_a_cut_file_restores_nothing(cli_harness: CliHarness, firestore: AsyncClient) -> None:
    file = await onboard_and_back_up(cli_harness)
    await cli_harness.run_command("restaurants pause", "--yes")
    await lose_reservations(cli_harness, firestore)
    Path(file).write_text("\n".join(Path(file).read_text().splitlines()[:-1]))
    done = await cli_harness.run_command("restore", file, "--yes")
    assert done.code == ExitCode.FAILED
    assert "incomplete" in done.errors
    assert await count_reservations(cli_harness, firestore) == 0


async def test_a_backup_of_another_restaurant_is_rejected(cli_harness: CliHarness) -> None:
    file = await onboard_and_back_up(cli_harness)
    text = Path(file).read_text().replace(cli_harness.id, "another-restaurant")
    Path(file).write_text(text)
    done = await cli_harness.run_command("restore", file, "--yes")
    assert (done.code, "another-restaurant" in done.errors) == (ExitCode.FAILED, True)


async def test_a_restaurant_is_backed_up_from_another_database_after_its_settings_are_lost(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    restored = AsyncClient(firestore.project, database="restored")
    await paths.integration_document(restored, cli_harness.id).set({"enabled": True})
    file = cli_harness.new_file()
    done = await cli_harness.run_command("backup", "--to", file, "--yes", "--database", "restored")
    assert (done.code, done.errors) == (ExitCode.SUCCESS, "")
    assert len(Path(file).read_text().splitlines()) == 3


async def test_a_backup_without_a_document_fails_and_leaves_no_file(
    cli_harness: CliHarness,
) -> None:
    await cli_harness.onboard()
    file = cli_harness.new_file()
    done = await cli_harness.run_command("backup", "--to", file, "--yes", "--database", "typo")
    assert done.code == ExitCode.FAILED
    assert f"The database typo has no document of {cli_harness.id}" in done.errors
    assert not list(Path(file).parent.glob(f"{Path(file).name}*"))


@pytest.mark.parametrize("moment", ["2020-01-01T00:00Z", "2150-01-01T00:00Z"])
async def test_a_backup_of_a_time_without_versions_is_not_to_be_repeated(
    cli_harness: CliHarness, moment: str
) -> None:
    await cli_harness.onboard()
    file = cli_harness.new_file()
    done = await cli_harness.run_command("backup", "--to", file, "--yes", "--at", moment)
    assert done.code == ExitCode.FAILED
    assert "name a minute of the last hour" in done.errors


async def test_a_document_edited_by_hand_is_rebuilt(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    reservations = paths.reservations_collection(firestore, cli_harness.id)
    [first, *_] = [each.reference async for each in reservations.stream()]
    await first.update({"partySize": 99})
    dry_run = await cli_harness.run_command("rebuild", "--dry-run", "--json")
    assert dry_run.json_output["rebuilt"][0]["changedFields"] == ["partySize", "updatedAt"]
    assert ((await first.get()).to_dict() or {})["partySize"] == 99
    await cli_harness.run_command("rebuild")
    assert ((await first.get()).to_dict() or {})["partySize"] != 99
    done = await cli_harness.run_command("rebuild")
    assert "agrees" in done.out


async def test_a_damaged_document_without_a_journal_needs_a_person(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    reservations = paths.reservations_collection(firestore, cli_harness.id)
    await reservations.document("opentable-stray").set({"partySize": 2})
    done = await cli_harness.run_command("rebuild")
    assert (done.code, "opentable-stray" in done.out) == (ExitCode.ACTION_REQUIRED, True)
