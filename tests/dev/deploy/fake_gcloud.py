"""A `gcloud` that records its calls and prints prepared output."""

import json
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

_PROGRAM = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
words = " ".join(sys.argv[1:])
for told, said in json.loads((here / "answers").read_text()).items():
    if told in words:
        print(said)
        sys.exit(said is None)
"""


@dataclass(frozen=True, slots=True)
class FakeGcloud:
    """The fake program; `folder` goes first on the PATH."""

    folder: Path

    def answers(self, answers: Mapping[str, str | None]) -> None:
        """Set the output of commands with a text; None makes them fail."""
        (self.folder / "answers").write_text(json.dumps(answers))

    def asked(self) -> list[list[str]]:
        """Return the words of every recorded command."""
        lines = (self.folder / "asked").read_text().splitlines()
        return [json.loads(line) for line in lines]


def install(folder: Path, patch: pytest.MonkeyPatch) -> FakeGcloud:
    """Put one into a folder, and before all others on the PATH."""
    program = folder / "gcloud"
    program.write_text(_PROGRAM.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / "asked").touch()
    patch.setenv("PATH", str(folder), prepend=os.pathsep)
    fake = FakeGcloud(folder)
    fake.answers({})
    return fake
