"""`make pin-images` pins the images of a release once, or changes nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.bootstrap import ROOT
from tests.dev.commands import run_program

DIGEST = f"sha256:{'a' * 64}"
PINNED = re.compile(rf"^  _\w+_IMAGE: [^\s:@]+@{DIGEST} # \S+", re.MULTILINE)
RELEASE_BUILD = (ROOT / "cloudbuild.yaml").read_text()


@pytest.fixture
def build_file(tmp_path: Path) -> Path:
    file = tmp_path / "cloudbuild.yaml"
    file.write_text(RELEASE_BUILD)
    return file


def pin(build_file: Path, answer: str = f"echo {DIGEST}") -> subprocess.CompletedProcess[str]:
    """Pin the images of a file with a Docker that gives an answer."""
    docker = build_file.parent / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >>docker.log\n{answer}\n')
    docker.chmod(0o755)
    path = f"{build_file.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dev.release.images"]
    return run_program(*command, cwd=build_file.parent, env=environment)


def test_each_tag_is_replaced_by_its_digest_and_kept_as_a_comment(build_file: Path) -> None:
    assert pin(build_file).returncode == 0
    text = build_file.read_text()
    assert len(PINNED.findall(text)) == 5
    assert f"  _NODE_IMAGE: node@{DIGEST} # 22, not slim: the page is built" in text
    others = [line for line in RELEASE_BUILD.splitlines() if "_IMAGE: " not in line]
    assert [line for line in text.splitlines() if "_IMAGE: " not in line] == others
    command = "buildx imagetools inspect python:3.12 --format {{.Manifest.Digest}}"
    assert command in (build_file.parent / "docker.log").read_text()


def test_a_pinned_image_is_left(build_file: Path) -> None:
    pin(build_file)
    text = build_file.read_text()
    assert pin(build_file, "echo unexpected").returncode == 0
    assert build_file.read_text() == text


@pytest.mark.parametrize(
    "answer,message",
    [
        ("echo 'no such host' >&2; exit 1", "google/cloud-sdk:528.0.0-slim: no such host"),
        ("echo '<no value>'", "google/cloud-sdk:528.0.0-slim: <no value>"),
    ],
)
def test_an_image_without_a_digest_changes_nothing(
    build_file: Path, answer: str, message: str
) -> None:
    completed = pin(build_file, answer)
    assert completed.returncode == 1
    assert message in completed.stderr
    assert build_file.read_text() == RELEASE_BUILD
