"""Secrets in a local file."""

import asyncio
import json
from pathlib import Path

import pytest

from shared.errors import InvalidSettingsError
from shared.restaurants.secrets import SecretsFileStore
from tests.support.restaurants import add_fields, write_secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "secrets.json"
    file.write_text("{}")
    return file


async def test_a_secret_is_read_from_the_file_by_its_id(file: Path) -> None:
    write_secret(file, "main", {"apiKey": "key"})
    assert json.loads(await SecretsFileStore(str(file)).read("main")) == {"apiKey": "key"}


@pytest.mark.parametrize("content", ["{", "[]", "{}", "null", '"main"'])
async def test_an_error_for_a_missing_secret_in_the_file_says_what_to_do(
    file: Path, content: str
) -> None:
    file.write_text(content)
    with pytest.raises(InvalidSettingsError, match="not in SECRETS_FILE: add it"):
        await SecretsFileStore(str(file)).read("main")


async def test_other_secrets_in_the_file_are_unchanged(file: Path) -> None:
    file.write_text('{"other": {"apiKey": "o"}}')
    await SecretsFileStore(str(file)).update_secret("main", add_fields(apiKey="a"))
    assert json.loads(file.read_text()) == {"other": {"apiKey": "o"}, "main": {"apiKey": "a"}}


async def test_only_the_owner_can_read_the_file(file: Path) -> None:
    await SecretsFileStore(str(file)).update_secret("main", add_fields(apiKey="a"))
    assert file.stat().st_mode & 0o077 == 0


async def test_concurrent_updates_of_the_file_lose_nothing(file: Path) -> None:
    store = SecretsFileStore(str(file))
    updates = (store.update_secret(f"s{n}", add_fields(apiKey=str(n))) for n in range(8))
    await asyncio.gather(*updates)
    assert len(json.loads(file.read_text())) == 8


async def test_an_error_for_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    store = SecretsFileStore(str(tmp_path / "missing.json"))
    with pytest.raises(InvalidSettingsError, match="not in SECRETS_FILE"):
        await store.read("main")
    with pytest.raises(InvalidSettingsError, match="SECRETS_FILE"):
        await store.update_secret("main", add_fields(apiKey="a"))
