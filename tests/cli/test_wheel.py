"""The wheel contains all of the command line."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from cli.output import ExitCode
from tests.cli.harness import CLI_TIMEOUT_SECONDS

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ledger` from the wheel, in an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    # uv contains the build backend, so this needs no network.
    run_in_directory(
        str(UV), "build", "--wheel", "--offline", "--out-dir", str(folder / "dist"), cwd=ROOT
    )
    [wheel] = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    install = ("pip", "install", "--offline", "--no-deps", "--python", str(python), str(wheel))
    run_in_directory(str(UV), *install, cwd=folder)
    return python.with_name("ledger")


def run_in_directory(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # The dependencies come from this environment. A folder of PYTHONPATH reads no .pth files, so
    # the packages of this clone are not found in it.
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    return subprocess.run(
        words,
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=CLI_TIMEOUT_SECONDS,
        check=False,
    )


def test_the_installed_command_shows_its_version(program: Path, tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    shown = run_in_directory(str(program), "--version", cwd=tmp_path)
    assert (shown.stdout, shown.stderr) == (f"ledger {project['version']}\n", "")


@pytest.mark.parametrize(
    "words", [("restaurants", "status"), ("webhooks", "url"), ("export",)], ids=" ".join
)
def test_the_installed_command_imports_nothing_from_a_clone(
    words: tuple[str, ...], program: Path, tmp_path: Path
) -> None:
    kind = ("journal",) if words == ("export",) else ()
    refused = run_in_directory(str(program), *words, "bistro-7", *kind, cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (ExitCode.FAILED, 1)
    assert refused.stderr.startswith("Choose a target: ")
