"""Secret Manager over gRPC: its answers and its refusals, told in words."""

from collections.abc import AsyncIterator
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcAsyncIOTransport as Transport,
)

from shared.edge.secrets import SecretManagerSource
from shared.errors import InvalidSettingsError, ServiceUnavailableError

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
