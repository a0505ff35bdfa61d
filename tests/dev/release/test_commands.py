"""The real gcloud accepts every documented command and every command of a release."""

import os
import shutil
from pathlib import Path

import pytest

from dev.bootstrap import ROOT
from dev.local.firebase_tools import find_firebase_tools
from tests.dev.commands import run_program
from tests.dev.release.documented_commands import commands_in, in_text
from tests.dev.release.gcloud_parser import UNDERSTOOD, answers
from tests.dev.release.rehearsal import PROJECT, Rehearsal

pytestmark = pytest.mark.skipif(
    not shutil.which("gcloud"), reason="the Cloud SDK is not installed here: it parses its commands"
)
FIREBASE_TOOLS = find_firebase_tools()
NODE = shutil.which("node") or ""
GOOD = ("run", "services", "describe", "api", "--region=us-central1", "--project=p")
DEPLOYMENT = ("run", "deploy", "x", "--image=i", "--region=r", "--project=p")
WRONG = {
    "a misspelt flag": ("--regio=us-central1", *GOOD[:4], GOOD[5]),
    "a misspelt command": (*GOOD[:2], "describ", *GOOD[3:]),
    "a missing argument": GOOD[:3] + GOOD[4:],
    "a duration that is none": (
        *("scheduler", "jobs", "create", "http", "x", "--location=us-central1", "--project=p"),
        *("--schedule=0 * * * *", "--uri=https://x", "--attempt-deadline=soon"),
    ),
    "a file that is not there": (*DEPLOYMENT, "--flags-file=/no.yaml"),
    "a misspelt setting": (*DEPLOYMENT, "--flags-file=wrong.yaml"),
}


def refusals(folder: Path, commands: dict[tuple[str, ...], str]) -> dict[str, str]:
    """Return gcloud's message about each command that it does not understand."""
    outputs = answers(folder, list(commands))
    assert len(outputs) == len(commands)
    return {
        f"{where}: gcloud {' '.join(words)}": output
        for (words, where), output in zip(commands.items(), outputs, strict=True)
        if not UNDERSTOOD.search(output)
    }


def test_every_documented_command_is_understood(tmp_path: Path) -> None:
    commands = commands_in()
    assert len(commands) > 20
    assert not refusals(tmp_path, commands)


def test_a_documented_release_stages_its_source_where_its_account_reads_it() -> None:
    header = (ROOT / "cloudbuild.yaml").read_text().partition("substitutions:")[0]
    documented = [*commands_in(), *in_text(header)]
    commands = [words for words in documented if words[:2] == ("builds", "submit")]
    assert len(commands) == 3
    bucket = "--gcs-source-staging-dir=gs://restaurants-production-opentable-builds/source"
    assert all(bucket in words for words in commands)


def test_every_command_of_a_release_is_understood(first_release: Rehearsal) -> None:
    commands = {tuple(words[1:]): "cloudbuild.yaml" for words in first_release.commands("gcloud")}
    assert len(commands) > 25
    # gcloud reads --flags-file as it does in the step: the folder is the source of the release.
    assert not refusals(first_release.workspace, commands)


@pytest.mark.skipif(
    not (FIREBASE_TOOLS and NODE), reason="firebase-tools is not here: `make firebase` fetches it"
)
def test_every_firebase_command_is_understood(first_release: Rehearsal) -> None:
    commands = {tuple(words[3:]) for words in first_release.commands("npx")}
    assert len(commands) == 5  # the list of channels is read twice
    documented = [words[1:] for words in commands_in("npx") if "firebase-tools" in words[0]]
    assert len(documented) == 2
    for words in (*commands, *documented, ("deploy", "--onli=hosting")):
        folder = first_release.workspace
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        firebase = [NODE, f"{FIREBASE_TOOLS}/lib/bin/firebase.js", *words]
        completed = run_program(*firebase, cwd=folder, env=environment)
        output = completed.stdout + completed.stderr
        is_understood = "Failed to authenticate" in output or completed.returncode == 0
        assert is_understood == ("--onli=hosting" not in words), output


def test_a_release_never_depends_on_a_default_project(first_release: Rehearsal) -> None:
    for words in (*first_release.commands("gcloud"), *first_release.commands("npx")):
        assert f"--project={PROJECT}" in words or words[1] == "auth"


@pytest.fixture(scope="module")
def outputs_of_wrong_commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """gcloud's output for each wrong command; one process reads them all."""
    folder = tmp_path_factory.mktemp("wrong-commands")
    (folder / "wrong.yaml").write_text("--memry: 512Mi\n")
    right, *outputs = answers(folder, [GOOD, *WRONG.values()])
    assert UNDERSTOOD.search(right)
    return dict(zip(WRONG, outputs, strict=True))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_command_would_be_refused(
    outputs_of_wrong_commands: dict[str, str], wrong: str
) -> None:
    assert not UNDERSTOOD.search(outputs_of_wrong_commands[wrong])


def test_a_misspelt_setting_is_named(outputs_of_wrong_commands: dict[str, str]) -> None:
    assert "--memry" in outputs_of_wrong_commands["a misspelt setting"]


def test_commands_are_found_where_people_read_them() -> None:
    page = (
        "Run `gcloud a b`:\n```\ngcloud c \\\n  --d='e f'  # why\n```\n# gcloud g\n    $ gcloud h\n"
    )
    assert sorted(in_text(page)) == [("a", "b"), ("c", "--d=e f"), ("g",), ("h",)]
