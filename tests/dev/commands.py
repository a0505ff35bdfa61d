"""Run a program to its end."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.bootstrap import ROOT


def run_program(
    *words: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Return the output and the exit code of a program, whatever it is."""
    return subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
