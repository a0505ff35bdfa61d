import pytest

from shared.domain.webhook_auth import Credentials
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.restaurants.secrets import CredentialCache
from tests.support.clocks import FakeTimer
from tests.support.restaurants import InMemorySecretSource


@pytest.fixture
def fake_secret_source() -> InMemorySecretSource:
    source = InMemorySecretSource()
    source.payloads["main"] = {"apiKey": "first"}
    return source


@pytest.fixture
def cache(fake_secret_source: InMemorySecretSource, timer: FakeTimer) -> CredentialCache:
    return CredentialCache(fake_secret_source.read, timer)


async def test_a_secret_is_read_once_in_300_s(
    cache: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    await cache.get("main")
    timer.advance(299)
    await cache.get("main")
    assert fake_secret_source.reads["main"] == 1


async def test_a_secret_is_read_again_after_300_s(
    cache: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    await cache.get("main")
    timer.advance(300)
    fake_secret_source.payloads["main"] = {"apiKey": "second"}
    assert (await cache.get("main")).api_key == "second"


async def test_a_forced_reread_applies_a_rotation_immediately(
    cache: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    await cache.get("main")
    timer.advance(10)
    fake_secret_source.payloads["main"] = {"apiKey": "second"}
    assert cache.try_invalidate("main")
    assert (await cache.get("main")).api_key == "second"


async def test_a_secret_is_reread_at_most_every_10_s(
    cache: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    for _ in range(100):  # 20 s of a request every 200 ms, none of which can be authenticated
        await cache.get("main")
        cache.try_invalidate("main")
        timer.advance(0.2)
    assert fake_secret_source.reads["main"] == 2


async def test_a_missing_secret_is_cached(
    cache: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    for _ in range(3):
        with pytest.raises(InvalidSettingsError, match="no other"):
            await cache.get("other")
        timer.advance(3)
    assert fake_secret_source.reads["other"] == 1


async def test_a_secret_stored_late_is_found_by_a_reread(
    cache: CredentialCache, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> None:
    with pytest.raises(InvalidSettingsError):
        await cache.get("other")
    timer.advance(10)
    fake_secret_source.payloads["other"] = "{}"
    assert cache.try_invalidate("other")
    assert await cache.get("other") == Credentials.from_payload("other", "{}")


async def test_a_transient_failure_is_not_cached(
    cache: CredentialCache, fake_secret_source: InMemorySecretSource
) -> None:
    fake_secret_source.is_unavailable = True
    with pytest.raises(ServiceUnavailableError):
        await cache.get("main")
    fake_secret_source.is_unavailable = False
    assert (await cache.get("main")).api_key == "first"


@pytest.mark.parametrize("payload", ["not JSON", "[]", '"text"', '{"webhookSecrets": "marked"}'])
async def test_an_invalid_payload_is_reported_without_its_content(
    payload: str, cache: CredentialCache, fake_secret_source: InMemorySecretSource
) -> None:
    fake_secret_source.payloads["main"] = payload
    with pytest.raises(InvalidSettingsError, match="Store a new version") as caught:
        await cache.get("main")
    assert payload not in str(caught.value)
    assert "marked" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["../main", "projects/other/secrets/main", "main/versions/1", "ma in", "", "x" * 256]
)
async def test_a_secret_id_that_is_a_path_is_rejected_unread(
    path: str, cache: CredentialCache, fake_secret_source: InMemorySecretSource
) -> None:
    with pytest.raises(InvalidSettingsError, match="not a path"):
        await cache.get(path)
    assert not fake_secret_source.reads
