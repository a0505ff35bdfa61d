"""The real gcloud accepts every documented or executed command."""

import shutil
from pathlib import Path

import pytest

from dev.deploy.plan import plan
from tests.dev.deploy.documented_commands import commands_in, in_text, make_targets_in
from tests.dev.deploy.parsing import UNDERSTOOD, answers

pytestmark = pytest.mark.skipif(
    not shutil.which("gcloud"), reason="the Cloud SDK is not installed here: it parses its commands"
)
GOOD = ("run", "services", "describe", "api", "--region=us-central1", "--project=p")


def test_every_command_is_understood(tmp_path: Path) -> None:
    written = commands_in()
    said = answers(tmp_path, list(written))
    assert len(said) == len(written) > 100
    refused = {
        f"{where}: gcloud {' '.join(words)}": told
        for (words, where), told in zip(written.items(), said, strict=True)
        if UNDERSTOOD not in told
    }
    assert not refused


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
            ("logging", "metrics", "create", "x", "--config-from-file=/no.json", "--project=p"),
            id="a file that is not there",
        ),
    ],
)  # fmt: skip
def test_a_wrong_command_would_be_refused(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    right, refused = answers(tmp_path, [GOOD, wrong])
    assert UNDERSTOOD in right
    assert UNDERSTOOD not in refused


def test_what_the_deployment_runs_never_leans_on_a_default_project() -> None:
    for target in make_targets_in():
        for _, words in plan(target):
            named = f"--project={target.project}" in words or words[3:4] == (target.project,)
            assert named or words[1] == "auth"


def test_commands_are_found_where_people_read_them() -> None:
    page = (
        "Run `gcloud a b`:\n```\ngcloud c \\\n  --d='e f'  # why\n```\n# gcloud g\n    $ gcloud h\n"
    )
    assert sorted(in_text(page)) == [("a", "b"), ("c", "--d=e f"), ("g",), ("h",)]
