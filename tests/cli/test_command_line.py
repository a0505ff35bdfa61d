"""Help, usage errors, and the exit code of every expected failure."""

import asyncio
import os
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.firestore import AsyncClient

from cli.__main__ import OperatorGroup, main
from cli.output import ExitCode
from dev.local.remote import RunNotReachableError
from shared.errors import (
    InvalidSettingsError,
    OpenTableError,
    OpenTableUnavailableError,
    PlanNotExecutableError,
    ServiceUnavailableError,
)
from shared.firestore import paths
from tests.cli.harness import CLI_TIMEOUT_SECONDS, CliHarness


@pytest.mark.parametrize("name", main.commands)
def test_every_help_has_an_example_that_parses(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"], terminal_width=200).stdout
    [example] = [line for line in shown.splitlines() if line.startswith("    python -m cli")]
    assert shlex.split(example)[:4] == ["python", "-m", "cli", name]
    main.commands[name].make_context(name, shlex.split(example)[4:])


@pytest.mark.parametrize(
    "words",
    [
        ["rotate", "x", "--check", "--retire"],
        ["rotate", "x", "--retire", "--at-once"],
        ["replay", "x", "id", "--dry-run", "--dismiss", "a test"],
        ["status", "x", "--local", "--project", "p"],
    ],
)
def test_options_that_exclude_each_other_are_rejected(words: list[str]) -> None:
    refused = CliRunner().invoke(main, words)
    assert (refused.exit_code, refused.stdout) == (ExitCode.USAGE_ERROR, "")
    assert "Use only one of" in refused.stderr


@pytest.mark.parametrize("rid", ["12a", "", "٣"])
def test_an_invalid_rid_is_rejected(rid: str) -> None:
    refused = CliRunner().invoke(main, ["onboard", "x", "--rid", rid, "--time-zone", "Etc/UTC"])
    assert refused.exit_code == ExitCode.USAGE_ERROR
    assert "use digits only" in refused.stderr


@pytest.mark.parametrize("port", ["0", "65536", "a"])
def test_an_invalid_port_is_rejected(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(main, ["status", "x", "--port", port]).exit_code == 2
    monkeypatch.setenv("PORT", port)
    assert CliRunner().invoke(main, ["status", "x", "--local"]).exit_code == 2


@pytest.mark.parametrize(
    "error, code, text",
    [
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "run the same command again"),
        (click.Abort(), ExitCode.INTERRUPTED, "run the same command again"),
        (ServiceUnavailableError("DeadlineExceeded"), ExitCode.RETRY_LATER, "DeadlineExceeded"),
        (ServiceUnavailableError("PermissionDenied"), ExitCode.RETRY_LATER, "datastore.user"),
        (OpenTableUnavailableError("no answer"), ExitCode.RETRY_LATER, "no answer"),
        (OpenTableError("no answer"), ExitCode.FAILED, "no answer"),
        (InvalidSettingsError("set X"), ExitCode.FAILED, "set X"),
        (PlanNotExecutableError("NOT_HELD", "not held"), ExitCode.FAILED, "not held"),
        (RunNotReachableError("no run"), ExitCode.FAILED, "no run"),
        (DefaultCredentialsError("x"), ExitCode.FAILED, "gcloud auth"),  # type: ignore[no-untyped-call] # google-auth has no types here
    ],
)
def test_an_expected_failure_is_one_sentence(
    error: BaseException, code: ExitCode, text: str
) -> None:
    def fail() -> None:
        raise error

    group = OperatorGroup(commands=[click.Command("fail", callback=fail)])
    ended = CliRunner().invoke(group, ["fail"])
    assert (ended.exit_code, ended.stdout, ended.stderr.count("\n")) == (code, "", 1)
    assert text in ended.stderr


def export_to_closed_pipe(cli_harness: CliHarness) -> str:
    """Return what an export writes to stderr if nothing reads its stdout."""
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    done = subprocess.run(
        [sys.executable, "-m", "cli", "export", cli_harness.id, "reservations"],
        stdout=writing_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=CLI_TIMEOUT_SECONDS,
        env=cli_harness.variables,
        check=False,
    )
    os.close(writing_end)
    return done.stderr


async def test_a_closed_pipe_ends_the_command_quietly(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await paths.integration_document(firestore, cli_harness.id).set({"enabled": False})
    reservations = paths.reservations_collection(firestore, cli_harness.id)
    await reservations.document("x").set({"id": "x"})
    [place] = (await asyncio.to_thread(export_to_closed_pipe, cli_harness)).splitlines()
    assert place.startswith("Place ")
