"""An invalid environment file is rejected with a message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.bootstrap import ROOT
from dev.deploy.target import FOLDER, TargetError, read_target

COMPLETE_TARGET = (FOLDER / "production.toml").read_text()


def test_there_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"nowhere\.toml cannot be used"):
        read_target("nowhere", tmp_path)


@pytest.mark.parametrize(
    "was,becomes,told",
    [
        ('region = "us-central1"', 'regoin = "us-central1"', "regoin"),
        ("timeout = 30\n", "", "timeout"),
        ("retries = 2", "retires = 2", "retires"),
        ("[jobs.opentable-poll]", "[jobs.opentable-poll", "line"),
        ('canary = "canary"', "", "canary"),
    ],
)
def test_missing_or_misspelled_settings_are_reported(
    tmp_path: Path, was: str, becomes: str, told: str
) -> None:
    assert was in COMPLETE_TARGET
    (tmp_path / "mine.toml").write_text(COMPLETE_TARGET.replace(was, becomes))
    with pytest.raises(TargetError, match=told):
        read_target("mine", tmp_path)


def test_a_build_of_another_project_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dev.deploy", "remember", "production"],
        env={**os.environ, "PROJECT_ID": "restaurants-staging"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "is for restaurants-production, this build runs in restaurants-staging" in done.stderr


def test_a_deployment_needs_no_package() -> None:
    # The Cloud SDK's image has a bare Python; -S keeps this environment's packages out.
    code = "import sys; sys.path.insert(0, '.'); import dev.deploy.__main__"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
