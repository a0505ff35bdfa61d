"""Secrets are read rarely, a rotation takes effect at once, and a fault is told in words."""

import json
from pathlib import Path

import pytest

from shared.domain.webhook_auth.credentials import Credentials
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.restaurants.secrets import CredentialCache, SecretsFileSource, SecretSource
from tests.support.clocks import FakeTimer
from tests.support.restaurants import InMemorySecretSource, write_secret


@pytest.fixture
def fake_secret_source() -> InMemorySecretSource:
    safe = InMemorySecretSource()
    safe.payloads["main"] = {"apiKey": "first"}
    return safe


@pytest.fixture
def secrets(fake_secret_source: InMemorySecretSource, timer: FakeTimer) -> CredentialCache:
    return CredentialCache(lambda: fake_secret_source, timer)


async def test_a_secret_is_read_once_in_300_s(
    secrets: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    await secrets.get("main")
    timer.advance(299)
    await secrets.get("main")
    assert fake_secret_source.reads["main"] == 1


async def test_a_secret_is_read_again_after_300_s(
    secrets: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    await secrets.get("main")
    timer.advance(300)
    fake_secret_source.payloads["main"] = {"apiKey": "second"}
    assert (await secrets.get("main")).api_key == "second"


async def test_a_forced_reread_applies_a_rotation_immediately(
    secrets: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    await secrets.get("main")
    timer.advance(10)
    fake_secret_source.payloads["main"] = {"apiKey": "second"}
    assert secrets.try_invalidate("main")
    assert (await secrets.get("main")).api_key == "second"


async def test_a_secret_is_reread_at_most_every_10_s(
    secrets: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    for _ in range(100):  # 20 s of a request every 200 ms, none of which can be authenticated
        await secrets.get("main")
        secrets.try_invalidate("main")
        timer.advance(0.2)
    assert fake_secret_source.reads["main"] == 2


async def test_a_missing_secret_is_remembered(
    secrets: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    for _ in range(3):
        with pytest.raises(InvalidSettingsError, match="no other"):
            await secrets.get("other")
        timer.advance(3)
    assert fake_secret_source.reads["other"] == 1


async def test_a_secret_stored_late_is_found_by_a_reread(
    secrets: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    with pytest.raises(InvalidSettingsError):
        await secrets.get("other")
    timer.advance(10)
    fake_secret_source.payloads["other"] = "{}"
    assert secrets.try_invalidate("other")
    assert await secrets.get("other") == Credentials.from_payload("other", "{}")


async def test_a_passing_fault_is_not_remembered(
    secrets: CredentialCache, fake_secret_source: InMemorySecretSource
) -> None:
    fake_secret_source.is_unavailable = True
    with pytest.raises(ServiceUnavailableError):
        await secrets.get("main")
    fake_secret_source.is_unavailable = False
    assert (await secrets.get("main")).api_key == "first"


@pytest.mark.parametrize("payload", ["not JSON", "[]", '"text"', '{"webhookSecrets": "marked"}'])
async def test_an_invalid_payload_is_reported_without_its_content(
    payload: str, secrets: CredentialCache, fake_secret_source: InMemorySecretSource
) -> None:
    fake_secret_source.payloads["main"] = payload
    with pytest.raises(InvalidSettingsError, match="Store a new version") as caught:
        await secrets.get("main")
    assert payload not in str(caught.value)
    assert "marked" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["../main", "projects/other/secrets/main", "main/versions/1", "ma in", "", "x" * 256]
)
async def test_a_secret_id_that_is_a_path_is_refused_unread(
    path: str, secrets: CredentialCache, fake_secret_source: InMemorySecretSource
) -> None:
    with pytest.raises(InvalidSettingsError, match="not a path"):
        await secrets.get(path)
    assert not fake_secret_source.reads


async def test_the_source_is_made_on_first_use(
    fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    made: list[SecretSource] = []

    def make() -> SecretSource:
        made.append(fake_secret_source)
        return fake_secret_source

    secrets = CredentialCache(make, timer)
    assert made == []
    await secrets.get("main")
    timer.advance(300)
    await secrets.get("main")
    assert made == [fake_secret_source]


async def test_a_file_gives_a_payload_by_its_id(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    write_secret(file, "main", {"apiKey": "key"})
    assert json.loads(await SecretsFileSource(str(file)).read("main")) == {"apiKey": "key"}


@pytest.mark.parametrize("content", ["{", "[]", "{}", "null", '"main"'])
async def test_an_error_for_a_missing_secret_in_the_file_says_what_to_do(
    content: str, tmp_path: Path
) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(content)
    with pytest.raises(InvalidSettingsError, match="not in SECRETS_FILE: add it"):
        await SecretsFileSource(str(file)).read("main")


async def test_an_error_for_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingsError, match="not in SECRETS_FILE"):
        await SecretsFileSource(str(tmp_path / "none.json")).read("main")
