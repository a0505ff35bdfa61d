"""Secret Manager over gRPC: its answers and its refusals, told in words.

Writing secrets: over gRPC to a Secret Manager of our own, and into a file.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcAsyncIOTransport as Transport,
)

from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.restaurants.secrets import SecretManagerSource, SecretManagerStore, SecretsFileStore

AccessRequest = secretmanager.AccessSecretVersionRequest
AccessResponse = secretmanager.AccessSecretVersionResponse
ACCESS_SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"

REFUSALS = {
    "missing": grpc.StatusCode.NOT_FOUND,
    "denied": grpc.StatusCode.PERMISSION_DENIED,
    "disabled": grpc.StatusCode.FAILED_PRECONDITION,
    "away": grpc.StatusCode.UNAVAILABLE,
    "slow": grpc.StatusCode.DEADLINE_EXCEEDED,
}


async def respond_to_access(asked: AccessRequest, context: Any) -> AccessResponse:
    secret_id = asked.name.split("/")[3]
    if secret_id in REFUSALS:
        await context.abort(REFUSALS[secret_id], "refused by the test")
    return AccessResponse(name=asked.name, payload={"data": asked.name.encode()})


@pytest.fixture
async def manager(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SecretManagerSource]:
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        respond_to_access, AccessRequest.deserialize, AccessResponse.serialize
    )
    methods = {"AccessSecretVersion": handler}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(ACCESS_SERVICE, methods),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        client = secretmanager.SecretManagerServiceAsyncClient(transport=Transport(channel=channel))
        monkeypatch.setattr(secretmanager, "SecretManagerServiceAsyncClient", lambda: client)
        yield SecretManagerSource("project-1")
    await server.stop(None)


async def test_the_latest_version_is_read(manager: SecretManagerSource) -> None:
    expected = b"projects/project-1/secrets/main/versions/latest"
    assert await manager.read("main") == expected


@pytest.mark.parametrize("secret_id", ["missing", "denied", "disabled"])
async def test_an_error_for_an_unreadable_secret_says_what_to_do(
    secret_id: str, manager: SecretManagerSource
) -> None:
    with pytest.raises(InvalidSettingsError, match="create one, or grant"):
        await manager.read(secret_id)


@pytest.mark.parametrize("secret_id", ["away", "slow"])
async def test_a_manager_that_is_away_is_a_passing_fault(
    secret_id: str, manager: SecretManagerSource
) -> None:
    with pytest.raises(ServiceUnavailableError, match="Secret Manager"):
        await manager.read(secret_id)


SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"


class FakeSecretManager:
    """Keeps secrets and their versions, as Secret Manager does.

    Attributes:
        versions: Secret id to its payloads, oldest first.
        refusal: While set, every addition is refused so.
    """

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}
        self.refusal: grpc.StatusCode | None = None

    async def access(
        self, asked: secretmanager.AccessSecretVersionRequest, context: Any
    ) -> secretmanager.AccessSecretVersionResponse:
        held = self.versions.get(asked.name.split("/")[3])
        if not held:
            await context.abort(grpc.StatusCode.NOT_FOUND, "none")
            raise AssertionError
        return secretmanager.AccessSecretVersionResponse(payload={"data": held[-1]})

    async def create(
        self, asked: secretmanager.CreateSecretRequest, context: Any
    ) -> secretmanager.Secret:
        if asked.secret_id in self.versions:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "there")
        self.versions[asked.secret_id] = []
        return secretmanager.Secret(name=asked.secret_id)

    async def add(
        self, asked: secretmanager.AddSecretVersionRequest, context: Any
    ) -> secretmanager.SecretVersion:
        if self.refusal:
            await context.abort(self.refusal, "refused by the test")
        self.versions[asked.parent.split("/")[3]].append(asked.payload.data)
        return secretmanager.SecretVersion(name="new")

    def handlers(self) -> Any:
        def unary(call: Any, asked: Any, told: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(call, asked.deserialize, told.serialize)

        sm = secretmanager
        methods = {
            "AccessSecretVersion": unary(
                self.access, sm.AccessSecretVersionRequest, sm.AccessSecretVersionResponse
            ),
            "CreateSecret": unary(self.create, sm.CreateSecretRequest, sm.Secret),
            "AddSecretVersion": unary(self.add, sm.AddSecretVersionRequest, sm.SecretVersion),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


@pytest.fixture
def fake_secret_manager() -> FakeSecretManager:
    return FakeSecretManager()


@pytest.fixture
async def managed(
    fake_secret_manager: FakeSecretManager, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SecretManagerStore]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((fake_secret_manager.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    client = secretmanager.SecretManagerServiceAsyncClient(transport=Transport(channel=channel))
    monkeypatch.setattr(secretmanager, "SecretManagerServiceAsyncClient", lambda: client)
    yield SecretManagerStore("demo")
    await channel.close()
    await server.stop(0)


def add_fields(**more: object) -> Any:
    return lambda held: {**held, **more}


async def test_the_first_version_creates_the_secret(
    managed: SecretManagerStore, fake_secret_manager: FakeSecretManager
) -> None:
    await managed.update_secret("new", add_fields(apiKey="a"))
    assert list(map(json.loads, fake_secret_manager.versions["new"])) == [{"apiKey": "a"}]


async def test_a_further_version_is_made_of_the_last(
    managed: SecretManagerStore, fake_secret_manager: FakeSecretManager
) -> None:
    fake_secret_manager.versions["held"] = [b'{"apiKey": "a"}']
    await managed.update_secret("held", add_fields(clientId="b"))
    assert json.loads(fake_secret_manager.versions["held"][-1]) == {"apiKey": "a", "clientId": "b"}


async def test_a_secret_without_a_version_is_given_one(
    managed: SecretManagerStore, fake_secret_manager: FakeSecretManager
) -> None:
    fake_secret_manager.versions["empty"] = []
    await managed.update_secret("empty", add_fields(apiKey="a"))
    assert len(fake_secret_manager.versions["empty"]) == 1


async def test_an_error_names_the_missing_role(
    managed: SecretManagerStore, fake_secret_manager: FakeSecretManager
) -> None:
    fake_secret_manager.versions["held"] = [b"{}"]
    fake_secret_manager.refusal = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(InvalidSettingsError, match=r"grant .* roles/secretmanager"):
        await managed.update_secret("held", add_fields(apiKey="a"))


async def test_an_unavailable_secret_manager_is_reported(
    managed: SecretManagerStore, fake_secret_manager: FakeSecretManager
) -> None:
    fake_secret_manager.versions["held"] = [b"{}"]
    fake_secret_manager.refusal = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(ServiceUnavailableError, match="Secret Manager"):
        await managed.update_secret("held", add_fields(apiKey="a"))


@pytest.mark.parametrize("held", [b"[]", b"not JSON hunter2"])
async def test_what_is_no_object_is_left_and_never_quoted(
    held: bytes, managed: SecretManagerStore, fake_secret_manager: FakeSecretManager
) -> None:
    fake_secret_manager.versions["held"] = [held]
    with pytest.raises(InvalidSettingsError) as caught:
        await managed.update_secret("held", add_fields(apiKey="a"))
    assert "hunter2" not in str(caught.value)
    assert fake_secret_manager.versions["held"] == [held]


async def test_other_secrets_in_the_file_are_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text('{"other": {"apiKey": "o"}}')
    await SecretsFileStore(str(file)).update_secret("own", add_fields(apiKey="a"))
    assert json.loads(file.read_text()) == {"other": {"apiKey": "o"}, "own": {"apiKey": "a"}}


async def test_a_file_stays_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text("{}")
    await SecretsFileStore(str(file)).update_secret("own", add_fields(apiKey="a"))
    assert file.stat().st_mode & 0o077 == 0


async def test_two_at_once_lose_neither(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text("{}")
    store = SecretsFileStore(str(file))
    await asyncio.gather(
        *(store.update_secret(f"s{n}", add_fields(apiKey=str(n))) for n in range(8))
    )
    assert len(json.loads(file.read_text())) == 8


async def test_an_error_for_an_unreadable_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingsError, match="SECRETS_FILE"):
        await SecretsFileStore(str(tmp_path / "none")).update_secret("own", add_fields(apiKey="a"))
