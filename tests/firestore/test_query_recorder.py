"""A run of tests fails by itself where a query that the product sends has no index."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.local.emulator import Emulator

ROOT = Path(__file__).parents[2]
# Stands in for a file of the product: what is compiled under its name counts as its own.
QUERY_TEST_TEMPLATE = '''
from google.cloud.firestore import AsyncClient

async def test_it() -> None:
    source = """async def ask(query):
    return [found async for found in query.stream()]"""
    room = {{}}
    exec(compile(source, {path!r}, "exec"), room)
    query = AsyncClient(project="asked").collection_group("integrations").where("{field}", "==", 1)
    await room["ask"](query)
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    "field,room,code",
    [
        ("enabled", "shared", 0),
        ("disabled", "shared", 1),
        ("disabled", "tests", 0),  # tests may look where they like
    ],
)
def test_a_query_without_an_index_fails_the_run(
    emulator: Emulator, tmp_path: Path, field: str, room: str, code: int
) -> None:
    path = str(ROOT / room / "asks.py")
    text = QUERY_TEST_TEMPLATE.format(field=field, path=path)
    (tmp_path / "test_asks.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", "pyproject.toml",
         "--rootdir", str(ROOT), "-W", "ignore", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "FIRESTORE_EMULATOR_HOST": emulator.host},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert ("no COLLECTION_GROUP index of disabled" in done.stdout) == bool(code)
