"""The real gcloud accepts every documented command and every command of a release."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.bootstrap import ROOT
from dev.local.firebase_tools import find_firebase_tools
from tests.dev.release.documented_commands import commands_in, in_text
from tests.dev.release.parsing import UNDERSTOOD, answers
from tests.dev.release.rehearsal import PROJECT, Rehearsal

pytestmark = pytest.mark.skipif(
    not shutil.which("gcloud"), reason="the Cloud SDK is not installed here: it parses its commands"
)
FIREBASE_TOOLS = find_firebase_tools()
NODE = shutil.which("node") or ""
GOOD = ("run", "services", "describe", "api", "--region=us-central1", "--project=p")


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


def test_every_command_of_a_release_is_understood(rehearsal: Rehearsal) -> None:
    assert rehearsal.run(_APPROVE_CHANGES="yes", _SKIP_AUDIT="a reason") is None
    commands = {tuple(words[1:]): "cloudbuild.yaml" for words in rehearsal.commands("gcloud")}
    assert len(commands) > 25
    # gcloud reads --flags-file as it does in the step: the folder is the source of the release.
    assert not refusals(rehearsal.workspace, commands)


@pytest.mark.skipif(
    not (FIREBASE_TOOLS and NODE), reason="firebase-tools is not here: `make firebase` fetches it"
)
def test_every_firebase_command_is_understood(rehearsal: Rehearsal) -> None:
    assert rehearsal.run(_APPROVE_CHANGES="yes") is None
    commands = [words[3:] for words in rehearsal.commands("npx")]
    assert len(commands) == 6
    documented = [words[1:] for words in commands_in("npx") if "firebase-tools" in words[0]]
    assert len(documented) == 2
    for words in (*commands, *documented, ["deploy", "--onli=hosting"]):
        completed = subprocess.run(
            [NODE, f"{FIREBASE_TOOLS}/lib/bin/firebase.js", *words],
            cwd=rehearsal.workspace,
            env={"PATH": os.environ["PATH"], "HOME": str(rehearsal.workspace)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = completed.stdout + completed.stderr
        is_understood = "Failed to authenticate" in output or completed.returncode == 0
        assert is_understood == ("--onli=hosting" not in words), output


def test_a_release_never_depends_on_a_default_project(rehearsal: Rehearsal) -> None:
    assert rehearsal.run(_APPROVE_CHANGES="yes") is None
    for words in (*rehearsal.commands("gcloud"), *rehearsal.commands("npx")):
        assert f"--project={PROJECT}" in words or words[1] == "auth"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(("--regio=us-central1", *GOOD[:4], GOOD[5]), id="a misspelt flag"),
        pytest.param((*GOOD[:2], "describ", *GOOD[3:]), id="a misspelt command"),
        pytest.param(GOOD[:3] + GOOD[4:], id="a missing argument"),
        pytest.param(
            ("scheduler", "jobs", "create", "http", "x", "--location=us-central1", "--project=p",
             "--schedule=0 * * * *", "--uri=https://x", "--attempt-deadline=soon"),
            id="a duration that is none",
        ),
        pytest.param(
            ("run", "deploy", "x", "--image=i", "--flags-file=/no.yaml", "--project=p"),
            id="a file that is not there",
        ),
    ],
)  # fmt: skip
def test_a_wrong_command_would_be_refused(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    right, refused = answers(tmp_path, [GOOD, wrong])
    assert UNDERSTOOD.search(right)
    assert not UNDERSTOOD.search(refused)


def test_a_misspelt_setting_would_be_refused(rehearsal: Rehearsal) -> None:
    (rehearsal.workspace / "wrong.yaml").write_text("--memry: 512Mi\n")
    deployment = ("run", "deploy", "api", "--image=i", "--region=r", "--project=p")
    [output] = answers(rehearsal.workspace, [(*deployment, "--flags-file=wrong.yaml")])
    assert "--memry" in output


def test_commands_are_found_where_people_read_them() -> None:
    page = (
        "Run `gcloud a b`:\n```\ngcloud c \\\n  --d='e f'  # why\n```\n# gcloud g\n    $ gcloud h\n"
    )
    assert sorted(in_text(page)) == [("a", "b"), ("c", "--d=e f"), ("g",), ("h",)]
