"""A test run fails if the product sends a query without an index."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.local.emulator import Emulator

ROOT = Path(__file__).parents[2]
# Simulates a file of the product: code compiled under a path counts as that file's.
QUERY_TEST_TEMPLATE = '''
from google.cloud.firestore import AsyncClient

async def test_it() -> None:
    source = """async def ask(query):
    return [each async for each in query.stream()]"""
    names = {{}}
    exec(compile(source, {path!r}, "exec"), names)
    integrations = AsyncClient(project="queries").collection_group("integrations")
    await names["ask"](integrations.where("{field}", "==", 1))
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    "field,folder,exit_code",
    [
        ("enabled", "shared", 0),
        ("disabled", "shared", 1),
        ("disabled", "tests", 0),  # tests need no index
    ],
)
def test_a_query_without_an_index_fails_the_run(
    emulator: Emulator, tmp_path: Path, field: str, folder: str, exit_code: int
) -> None:
    path = str(ROOT / folder / "asks.py")
    text = QUERY_TEST_TEMPLATE.format(field=field, path=path)
    (tmp_path / "test_asks.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", "pyproject.toml",
         "--rootdir", str(ROOT), "-W", "ignore", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "FIRESTORE_EMULATOR_HOST": emulator.host},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert ("no COLLECTION_GROUP index of disabled" in done.stdout) == bool(exit_code)
