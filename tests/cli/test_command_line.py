"""Help, usage errors, and the exit code of every expected failure."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.firestore import AsyncClient

from cli.api import OperatorSession
from cli.app import ledger
from cli.command import operator_command
from cli.output import CommandResult, Console, ExitCode
from cli.target import RunNotReachableError
from shared.errors import (
    InvalidSettingsError,
    OpenTableError,
    OpenTableUnavailableError,
    PlanNotExecutableError,
    ServiceUnavailableError,
)
from shared.firestore import paths
from tests.cli.harness import CLI_TIMEOUT_SECONDS, CliHarness
from tests.support.commands import find_command


def iterate_commands(
    group: click.Group = ledger, path: tuple[str, ...] = ("ledger",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield all commands and groups with their words."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from iterate_commands(command, (*path, name))
        else:
            yield (*path, name), command


def invoke(*words: str) -> Result:
    return CliRunner().invoke(ledger, words, prog_name="ledger", terminal_width=200)


@pytest.mark.parametrize("path", [path for path, _ in iterate_commands()], ids=" ".join)
def test_every_help_has_examples_that_parse(path: tuple[str, ...]) -> None:
    shown = invoke(*path[1:], "--help").stdout
    examples = [line.removeprefix("  $ ") for line in shown.splitlines() if line[:4] == "  $ "]
    assert examples
    for example in examples:
        command = example.removeprefix('eval "$(').removesuffix(')"').partition(" | ")[0]
        find_command(shlex.split(command))


@pytest.mark.parametrize("path", [path for path, _ in iterate_commands()], ids=" ".join)
def test_every_help_has_the_same_sections(path: tuple[str, ...]) -> None:
    shown = invoke(*path[1:], "--help").stdout
    headings = [line for line in shown.splitlines() if line.isupper()]
    assert headings[0] == "USAGE"
    assert {"EXAMPLES"} <= set(headings)
    assert ("COMMANDS" in headings) == ("LEARN MORE" in headings)


@pytest.mark.parametrize("code", [code.value for code in ExitCode if code != ExitCode.CLOSED_PIPE])
def test_every_exit_code_is_in_the_help(code: int) -> None:
    assert f"\n  {code}  " in invoke("--help").stdout
    assert re.search(rf"\b{code} ", invoke("export", "--help").stdout.partition("EXIT CODES")[2])


@pytest.mark.parametrize(
    "words, suggestion",
    [
        (("resturants",), "'restaurants'"),
        (("webhooks", "rotat"), "'rotate'"),
        (("status",), "'restaurants status'"),
        (("export", "x", "journal", "--wit-personal-data"), "'--with-personal-data'"),
    ],
)
def test_a_misspelled_word_gets_a_suggestion(words: tuple[str, ...], suggestion: str) -> None:
    refused = invoke(*words)
    assert refused.exit_code == ExitCode.USAGE_ERROR
    assert f"Did you mean {suggestion}?" in refused.stderr


def test_the_version_is_shown() -> None:
    assert re.fullmatch(r"ledger \S+\n", invoke("--version").stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_calls_the_command(shell: str) -> None:
    script = invoke("completion", shell).stdout
    assert "_LEDGER_COMPLETE" in script


def test_a_shell_completes_commands_and_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_LEDGER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "ledger webhooks rot")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert invoke().stdout == "plain,rotate\n"


async def test_a_shell_completes_restaurants_of_the_named_target(
    cli_harness: CliHarness, firestore: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paths.integration_document(firestore, cli_harness.id).set({"enabled": False})
    monkeypatch.setenv("_LEDGER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"ledger reports show {cli_harness.id[:-1]}")
    monkeypatch.setenv("COMP_CWORD", "3")
    monkeypatch.setattr("cli.command._COMPLETION_TIMEOUT_SECONDS", CLI_TIMEOUT_SECONDS)
    completed = await asyncio.to_thread(invoke)
    assert f"plain,{cli_harness.id}\n" in completed.stdout
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "")
    completed = await asyncio.to_thread(invoke)
    assert (completed.stdout.strip(), completed.stderr) == ("", "")


@pytest.mark.parametrize("no_color, is_colored", [("", True), ("1", False)])
def test_no_color_is_respected(
    no_color: str, is_colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    shown = CliRunner().invoke(ledger, ["--help"], color=True).stdout
    assert ("\x1b[" in shown) == is_colored


@pytest.mark.parametrize(
    "command, named",
    [
        ("quarantine replay x id --reason too_large", "ITEM, --reason"),
        ("webhooks send x --file - --event created", "--file, --event"),
        ("webhooks send x --file - --reservation test_1", "--file, --reservation"),
        ("webhooks rotate x --credentials-file - --save-to y", "--credentials-file, --save-to"),
        ("restaurants status x --all", "RESTAURANT, --all"),
        ("restaurants pause x --local --project p", "--local, --project"),
        ("restaurants pause x --port 8080 --profile p", "--port, --profile"),
    ],
)
def test_options_that_exclude_each_other_are_rejected(command: str, named: str) -> None:
    refused = invoke(*command.split())
    assert (refused.exit_code, refused.stdout) == (ExitCode.USAGE_ERROR, "")
    assert f"Use only one of {named}." in refused.stderr


@pytest.mark.parametrize("command", ["restaurants status", "quarantine replay x"])
def test_one_of_two_parameters_must_be_given(command: str) -> None:
    refused = invoke(*command.split(), "--project", "p")
    assert (refused.exit_code, refused.stdout) == (ExitCode.USAGE_ERROR, "")
    assert re.search(r"Missing \w+ or --\w+\.", refused.stderr)


@pytest.mark.parametrize(
    "words, command",
    [
        (("help",), ()),
        (("help", "restaurants", "add"), ("restaurants", "add")),
        (("restaurants", "help", "add"), ("restaurants", "add")),
        (("restaurants", "help"), ("restaurants",)),
    ],
)
def test_help_is_a_command_too(words: tuple[str, ...], command: tuple[str, ...]) -> None:
    shown = invoke(*words)
    assert (shown.exit_code, shown.stdout) == (ExitCode.SUCCESS, invoke(*command, "--help").stdout)


@pytest.mark.parametrize(
    "option, value, example",
    [
        (("reconcile", "x", "--start"), "2026-13-01", "2026-12-01"),
        (("export", "x", "guests", "--since"), "today", "2026-11-01T12:00:00Z"),
        (("backup", "x", "--to", "y", "--at"), "1", "2026-11-24T10:00Z"),
        (("restaurants", "status", "x", "--port"), "a", "valid port"),
        (("reports", "list", "x", "--limit"), "a", "valid number"),
        (("staff", "add", "x"), "ana", "ana@example.com"),
    ],
)
def test_an_invalid_value_is_answered_with_a_valid_form(
    option: tuple[str, ...], value: str, example: str
) -> None:
    refused = invoke(*option, value)
    assert refused.exit_code == ExitCode.USAGE_ERROR
    assert example in refused.stderr.partition("Error: ")[2]


@pytest.fixture
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of profiles of this test, which does not exist."""
    path = tmp_path / "profiles.toml"
    monkeypatch.setattr("cli.target.PROFILES_FILE", path)
    return path


@pytest.mark.parametrize(
    "content, problem",
    [
        (None, "create it with a table [production]"),
        (b"x = [", "is not valid TOML"),
        (b"\xff", "is not valid TOML"),
        (b'[staging]\nA = "b"', "has no table [production]. Its tables: staging."),
        (b"[production]\nA = 5", "[production] must be a table of texts"),
    ],
)
def test_an_unusable_profile_is_one_sentence(
    content: bytes | None, problem: str, profiles: Path
) -> None:
    if content is not None:
        profiles.write_bytes(content)
    refused = invoke("restaurants", "list", "--profile", "production")
    assert (refused.exit_code, refused.stderr.count("\n")) == (ExitCode.FAILED, 1)
    assert problem in refused.stderr


def test_a_refusal_is_json_too() -> None:
    refused = invoke("restaurants", "status", "x", "--json")
    error = json.loads(refused.stdout)["error"]
    assert (refused.exit_code, error["code"]) == (ExitCode.FAILED, "FAILED")
    assert error["message"] == refused.stderr.strip()


def test_without_a_target_the_options_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "LEDGER_PROJECT", "LEDGER_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    refused = invoke("restaurants", "status", "x")
    assert refused.exit_code == ExitCode.FAILED
    assert all(option in refused.stderr for option in ("--local", "--project", "--profile"))


@pytest.mark.parametrize("restaurant", ["a b", "", "é", "x" * 129])
def test_an_impossible_restaurant_id_is_rejected(restaurant: str) -> None:
    refused = invoke("restaurants", "status", restaurant)
    assert refused.exit_code == ExitCode.USAGE_ERROR
    assert "letters, digits" in refused.stderr


@pytest.mark.parametrize("rid", ["12a", "", "٣"])
def test_an_invalid_rid_is_rejected(rid: str) -> None:
    refused = invoke("restaurants", "add", "x", "--rid", rid, "--time-zone", "Etc/UTC")
    assert refused.exit_code == ExitCode.USAGE_ERROR
    assert "use digits only" in refused.stderr


@pytest.mark.parametrize("port", ["0", "65536", "a"])
def test_an_invalid_port_is_rejected(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoke("restaurants", "status", "x", "--port", port).exit_code == 2
    monkeypatch.setenv("PORT", port)
    assert invoke("restaurants", "status", "x", "--local").exit_code == 2


@pytest.mark.parametrize(
    "error, code, text",
    [
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "run the same command again"),
        (click.Abort(), ExitCode.INTERRUPTED, "run the same command again"),
        (ServiceUnavailableError("DeadlineExceeded"), ExitCode.RETRY_LATER, "DeadlineExceeded"),
        (ServiceUnavailableError("PermissionDenied"), ExitCode.FAILED, "datastore.user"),
        (ServiceUnavailableError("NotFound"), ExitCode.FAILED, "does not exist: check the name"),
        (OpenTableUnavailableError("no answer"), ExitCode.RETRY_LATER, "no answer"),
        (OpenTableError("no answer"), ExitCode.FAILED, "no answer"),
        (InvalidSettingsError("set X"), ExitCode.FAILED, "set X"),
        (PlanNotExecutableError("NOT_HELD", "not held"), ExitCode.FAILED, "not held"),
        (RunNotReachableError("http://x", OSError()), ExitCode.FAILED, "make run"),
        (DefaultCredentialsError("x"), ExitCode.FAILED, "gcloud auth"),  # type: ignore[no-untyped-call] # google-auth has no types here
    ],
)
def test_an_expected_failure_is_one_sentence(
    error: BaseException, code: ExitCode, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(_session: OperatorSession, _console: Console) -> CommandResult:
        raise error

    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo-project")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setitem(ledger.commands, "fail", operator_command("fail", examples=[])(handle))
    ended = invoke("fail")
    assert (ended.exit_code, ended.stderr.count("\n")) == (code, 1)
    assert text in ended.stderr


@pytest.mark.usefixtures("webhook_ingest")
@pytest.mark.parametrize(
    "command, options, text",
    [
        ("quarantine preview", ("nothing",), "no such event"),
        ("quarantine preview", ("",), "first characters"),
        ("quarantine replay", ("--reason", "nothing", "--yes"), "No open event"),
        ("reconcile", ("--start", "2020-01-01"), "end date"),
        ("reports apply", ("nothing", "--yes"), "no report with this id"),
        ("restore", ("nowhere.jsonl", "--yes"), "nowhere.jsonl cannot be read"),
        ("webhooks rotate", ("--scheme", "basic"), "no credential for basic"),
    ],
)
async def test_a_request_that_cannot_be_served_is_one_sentence(
    command: str, options: tuple[str, ...], text: str, cli_harness: CliHarness
) -> None:
    refused = await cli_harness.run_command(command, *options)
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)
    assert text in refused.errors
    assert ".." not in refused.errors


@pytest.mark.usefixtures("webhook_ingest")
@pytest.mark.parametrize(
    "command, options",
    [
        ("restaurants pause", ()),
        ("restaurants remove", ("--json",)),
        ("restaurants set", ("--webhook-auth", "none")),
        ("restaurants add", ("--rid", "777001", "--time-zone", "America/New_York")),
        ("export", ("reservations", "--with-personal-data")),
        ("backup", ("--to", "new.jsonl")),
    ],
)
async def test_without_a_confirmation_nothing_is_written(
    command: str,
    options: tuple[str, ...],
    cli_harness: CliHarness,
    firestore: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = cli_harness.secrets_path.parent
    monkeypatch.chdir(folder)
    files, before = set(folder.iterdir()), await cli_harness.read_integration(firestore)
    refused = await cli_harness.run_command(command, *options)
    assert (refused.code, "--yes" in refused.errors) == (ExitCode.FAILED, True)
    assert set(folder.iterdir()) == files
    assert await cli_harness.read_integration(firestore) == before


def run_with_closed_pipe(cli_harness: CliHarness, *words: str) -> tuple[int, str]:
    """Return the exit code and stderr of a command if nothing reads its stdout."""
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        stdout=writing_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=CLI_TIMEOUT_SECONDS,
        env=cli_harness.variables,
        check=False,
    )
    os.close(writing_end)
    return done.returncode, done.stderr


async def test_a_closed_pipe_ends_an_export_quietly(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await paths.integration_document(firestore, cli_harness.id).set({"enabled": False})
    reservations = paths.reservations_collection(firestore, cli_harness.id)
    await reservations.document("x").set({"id": "x"})
    words = ("export", cli_harness.id, "reservations")
    code, errors = await asyncio.to_thread(run_with_closed_pipe, cli_harness, *words)
    assert (code, errors.count("\n")) == (ExitCode.CLOSED_PIPE, 1)
    assert errors.startswith("Project ")


@pytest.mark.parametrize(
    "words",
    [("--help",), ("--version",), ("completion", "bash"), ("webhooks", "send", "--help")],
    ids=" ".join,
)
def test_a_closed_pipe_ends_every_output_quietly(
    words: tuple[str, ...], cli_harness: CliHarness
) -> None:
    assert run_with_closed_pipe(cli_harness, *words) == (ExitCode.CLOSED_PIPE, "")


async def test_a_closed_pipe_ends_an_onboarding_quietly(cli_harness: CliHarness) -> None:
    words = ("restaurants", "add", cli_harness.id, *cli_harness.settings_options)
    options = ("--webhook-auth", "none")
    ended = await asyncio.to_thread(run_with_closed_pipe, cli_harness, *words, *options)
    assert ended == (ExitCode.CLOSED_PIPE, "")
