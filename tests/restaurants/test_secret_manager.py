"""Secrets are read and written over gRPC, against a fake Secret Manager."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
import pytest
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcAsyncIOTransport as Transport,
)

from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.restaurants.secrets import SecretManagerStore
from tests.support.restaurants import add_fields

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"


class FakeSecretManager:
    """Secrets with their versions, oldest first, and the store under test that reads them.

    `lag` is the number of versions that the alias `latest` is behind.
    """

    store: SecretManagerStore

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}
        self.annotations: dict[str, dict[str, str]] = {}
        self.etags: dict[str, int] = {}
        self.disabled: dict[str, set[int]] = {}
        self.disable_failure: grpc.StatusCode | None = None
        self.read_failure: grpc.StatusCode | None = None
        self.write_failure: grpc.StatusCode | None = None
        self.created_clients = 0
        self.lag = 0

    async def access(
        self, request: secretmanager.AccessSecretVersionRequest, context: Any
    ) -> secretmanager.AccessSecretVersionResponse:
        if self.read_failure:
            await context.abort(self.read_failure, "failed by the test")
        project, secret_id = request.name.split("/")[1:4:2]
        parent = f"projects/{project}/secrets/{secret_id}/versions/"
        if not self.versions.get(secret_id):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no version")
        alias = request.name.removeprefix(parent)
        number = len(self.versions[secret_id]) - self.lag if alias == "latest" else int(alias)
        if number > len(self.versions[secret_id]):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such version")
        return secretmanager.AccessSecretVersionResponse(
            name=f"{parent}{number}", payload={"data": self.versions[secret_id][number - 1]}
        )

    async def create(
        self, request: secretmanager.CreateSecretRequest, context: Any
    ) -> secretmanager.Secret:
        if request.secret_id in self.versions:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "exists")
        self.versions[request.secret_id] = []
        return secretmanager.Secret(name=request.secret_id)

    async def get(
        self, request: secretmanager.GetSecretRequest, context: Any
    ) -> secretmanager.Secret:
        secret_id = request.name.split("/")[3]
        if secret_id not in self.versions:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no secret")
        return self._build_secret(request.name)

    async def update(
        self, request: secretmanager.UpdateSecretRequest, context: Any
    ) -> secretmanager.Secret:
        secret_id = request.secret.name.split("/")[3]
        assert list(request.update_mask.paths) == ["annotations"]
        if request.secret.etag != self._build_secret(request.secret.name).etag:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "etag")
        self.annotations[secret_id] = dict(request.secret.annotations)
        self.etags[secret_id] = self.etags.get(secret_id, 0) + 1
        return self._build_secret(request.secret.name)

    def _build_secret(self, name: str) -> secretmanager.Secret:
        secret_id = name.split("/")[3]
        etag = f'"{self.etags.get(secret_id, 0)}"'
        annotations = self.annotations.get(secret_id, {})
        return secretmanager.Secret(name=name, etag=etag, annotations=annotations)

    async def list_versions(
        self, request: secretmanager.ListSecretVersionsRequest, context: Any
    ) -> secretmanager.ListSecretVersionsResponse:
        if self.disable_failure:
            await context.abort(self.disable_failure, "failed by the test")
        assert request.filter == "state:ENABLED"
        secret_id = request.parent.split("/")[3]
        disabled = self.disabled.get(secret_id, set())
        numbers = [n for n in range(1, len(self.versions[secret_id]) + 1) if n not in disabled]
        return secretmanager.ListSecretVersionsResponse(
            versions=[{"name": f"{request.parent}/versions/{n}"} for n in reversed(numbers)]
        )

    async def disable(
        self, request: secretmanager.DisableSecretVersionRequest, _context: Any
    ) -> secretmanager.SecretVersion:
        secret_id, number = request.name.split("/")[3:6:2]
        self.disabled.setdefault(secret_id, set()).add(int(number))
        return secretmanager.SecretVersion(name=request.name)

    async def add_version(
        self, request: secretmanager.AddSecretVersionRequest, context: Any
    ) -> secretmanager.SecretVersion:
        if self.write_failure:
            await context.abort(self.write_failure, "failed by the test")
        versions = self.versions[request.parent.split("/")[3]]
        versions.append(request.payload.data)
        return secretmanager.SecretVersion(name=f"{request.parent}/versions/{len(versions)}")

    def build_handler(self) -> Any:
        def unary(method: Any, request: Any, response: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(
                method, request.deserialize, response.serialize
            )

        sm = secretmanager
        methods = {
            "AccessSecretVersion": unary(
                self.access, sm.AccessSecretVersionRequest, sm.AccessSecretVersionResponse
            ),
            "CreateSecret": unary(self.create, sm.CreateSecretRequest, sm.Secret),
            "GetSecret": unary(self.get, sm.GetSecretRequest, sm.Secret),
            "UpdateSecret": unary(self.update, sm.UpdateSecretRequest, sm.Secret),
            "ListSecretVersions": unary(
                self.list_versions, sm.ListSecretVersionsRequest, sm.ListSecretVersionsResponse
            ),
            "DisableSecretVersion": unary(
                self.disable, sm.DisableSecretVersionRequest, sm.SecretVersion
            ),
            "AddSecretVersion": unary(
                self.add_version, sm.AddSecretVersionRequest, sm.SecretVersion
            ),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


@pytest.fixture
async def secrets(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeSecretManager]:
    fake = FakeSecretManager()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((fake.build_handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        client = secretmanager.SecretManagerServiceAsyncClient(transport=Transport(channel=channel))

        def create_client() -> secretmanager.SecretManagerServiceAsyncClient:
            fake.created_clients += 1
            return client

        monkeypatch.setattr(secretmanager, "SecretManagerServiceAsyncClient", create_client)
        fake.store = SecretManagerStore("demo")
        yield fake
    await server.stop(None)


async def test_the_client_is_created_on_first_use(secrets: FakeSecretManager) -> None:
    assert secrets.created_clients == 0
    secrets.versions["main"] = [b"{}"]
    await secrets.store.read("main")
    await secrets.store.read("main")
    assert secrets.created_clients == 1


async def test_the_latest_version_is_read(secrets: FakeSecretManager) -> None:
    secrets.versions["main"] = [b"old", b"new"]
    assert await secrets.store.read("main") == b"new"


async def test_a_version_that_was_just_added_is_read_before_the_alias_knows_it(
    secrets: FakeSecretManager,
) -> None:
    secrets.versions["main"] = [b'{"apiKey": "old"}']
    added = await secrets.store.update_secret("main", add_fields(apiKey="new"))
    secrets.lag = 1
    assert json.loads(await secrets.store.read("main")) == {"apiKey": "old"}
    assert json.loads(await secrets.store.read("main", added)) == {"apiKey": "new"}


async def test_a_version_added_by_hand_is_read_after_a_recorded_one(
    secrets: FakeSecretManager,
) -> None:
    secrets.versions["main"] = [b"recorded", b"by hand"]
    assert await secrets.store.read("main", "1") == b"by hand"


@pytest.mark.parametrize("version", ["99", "new", "", "-1", "9" * 5_000, "\u0661"])
async def test_a_version_damaged_by_hand_hides_no_credential(
    secrets: FakeSecretManager, version: str
) -> None:
    secrets.versions["main"] = [b"{}"]
    assert await secrets.store.read("main", version) == b"{}"


@pytest.mark.parametrize(
    "failure",
    [
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.FAILED_PRECONDITION,
    ],
)
async def test_an_error_for_an_unreadable_secret_says_what_to_do(
    secrets: FakeSecretManager, failure: grpc.StatusCode
) -> None:
    secrets.read_failure = failure
    with pytest.raises(InvalidSettingsError, match="create one, or grant"):
        await secrets.store.read("main")


@pytest.mark.parametrize(
    "failure", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED]
)
async def test_an_unavailable_secret_manager_is_reported(
    secrets: FakeSecretManager, failure: grpc.StatusCode
) -> None:
    secrets.versions["main"] = [b"{}"]
    secrets.write_failure = failure
    with pytest.raises(ServiceUnavailableError, match="Secret Manager"):
        await secrets.store.update_secret("main", add_fields(apiKey="a"))
    secrets.read_failure = failure
    with pytest.raises(ServiceUnavailableError, match="Secret Manager"):
        await secrets.store.read("main")


async def test_the_first_version_creates_the_secret(secrets: FakeSecretManager) -> None:
    await secrets.store.update_secret("new", add_fields(apiKey="a"))
    assert list(map(json.loads, secrets.versions["new"])) == [{"apiKey": "a"}]


async def test_a_further_version_extends_the_last_one(secrets: FakeSecretManager) -> None:
    secrets.versions["main"] = [b'{"apiKey": "a"}']
    await secrets.store.update_secret("main", add_fields(clientId="b"))
    assert json.loads(secrets.versions["main"][-1]) == {"apiKey": "a", "clientId": "b"}


async def test_a_secret_without_a_version_gets_one(secrets: FakeSecretManager) -> None:
    secrets.versions["empty"] = []
    await secrets.store.update_secret("empty", add_fields(apiKey="a"))
    assert len(secrets.versions["empty"]) == 1


async def test_an_error_names_the_missing_role(secrets: FakeSecretManager) -> None:
    secrets.versions["main"] = [b"{}"]
    secrets.write_failure = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(InvalidSettingsError, match=r"grant .* infra/permissions\.tf"):
        await secrets.store.update_secret("main", add_fields(apiKey="a"))


@pytest.mark.parametrize("payload", [b"[]", b"not JSON hunter2"])
async def test_a_payload_other_than_an_object_is_unchanged_and_never_quoted(
    secrets: FakeSecretManager, payload: bytes
) -> None:
    secrets.versions["main"] = [payload]
    with pytest.raises(InvalidSettingsError) as caught:
        await secrets.store.update_secret("main", add_fields(apiKey="a"))
    assert "hunter2" not in str(caught.value)
    assert secrets.versions["main"] == [payload]


async def test_concurrent_changes_are_all_kept(secrets: FakeSecretManager) -> None:
    names = [f"field{number}" for number in range(4)]
    await asyncio.gather(
        *(secrets.store.update_secret("main", add_fields(**{n: 1})) for n in names)
    )
    assert json.loads(secrets.versions["main"][-1]).keys() == set(names)


async def test_a_change_right_after_another_builds_on_it(secrets: FakeSecretManager) -> None:
    await secrets.store.update_secret("main", add_fields(apiKey="a"))
    await secrets.store.update_secret("main", add_fields(clientId="b"))
    secrets.lag = 1  # the alias still names the first version
    await secrets.store.update_secret("main", add_fields(clientSecret="c"))
    payload = json.loads(secrets.versions["main"][-1])
    assert payload == {"apiKey": "a", "clientId": "b", "clientSecret": "c"}


async def test_a_writer_that_died_blocks_the_next_one_for_a_limited_time(
    secrets: FakeSecretManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.restaurants.secrets._MAX_LOCK_PAUSE_SECONDS", 0)
    secrets.versions["main"] = [b"{}"]
    lock = "opentable-ledger.locked-until"
    secrets.annotations["main"] = {lock: str(int(time.time()) + 30)}
    with pytest.raises(ServiceUnavailableError, match="in progress"):
        await secrets.store.update_secret("main", add_fields(apiKey="a"))
    assert secrets.versions["main"] == [b"{}"]
    secrets.annotations["main"] = {lock: str(int(time.time()) - 1)}
    await secrets.store.update_secret("main", add_fields(apiKey="a"))
    assert lock not in secrets.annotations["main"]


@pytest.mark.parametrize("until", ["soon", "", "99999999999", "9" * 5_000, "-1"])
async def test_a_lock_damaged_by_hand_blocks_no_change(
    secrets: FakeSecretManager, until: str
) -> None:
    secrets.versions["main"] = [b"{}"]
    annotations = {"opentable-ledger.locked-until": until}
    secrets.annotations["main"] = annotations
    await secrets.store.update_secret("main", add_fields(apiKey="a"))
    assert json.loads(secrets.versions["main"][-1]) == {"apiKey": "a"}


@pytest.mark.parametrize("number", ["99", "newest", "", "9" * 5_000])
async def test_a_version_annotation_damaged_by_hand_loses_no_credential(
    secrets: FakeSecretManager, number: str
) -> None:
    secrets.versions["main"] = [b'{"apiKey": "a"}']
    annotations = {"opentable-ledger.newest-version": number}
    secrets.annotations["main"] = annotations
    await secrets.store.update_secret("main", add_fields(clientId="b"))
    payload = json.loads(secrets.versions["main"][-1])
    assert payload == {"apiKey": "a", "clientId": "b"}


async def test_a_failed_change_ends_its_lock(secrets: FakeSecretManager) -> None:
    secrets.versions["main"] = [b"[]"]
    with pytest.raises(InvalidSettingsError):
        await secrets.store.update_secret("main", add_fields(apiKey="a"))
    assert secrets.annotations["main"] == {}


async def test_annotations_of_others_are_kept(secrets: FakeSecretManager) -> None:
    secrets.versions["main"] = [b"{}"]
    secrets.annotations["main"] = {"owner": "bistro"}
    await secrets.store.update_secret("main", add_fields(apiKey="a"))
    assert secrets.annotations["main"]["owner"] == "bistro"


async def test_all_but_the_newest_two_versions_are_disabled(secrets: FakeSecretManager) -> None:
    for number in range(5):
        await secrets.store.update_secret("main", add_fields(apiKey=number))
    assert secrets.disabled["main"] == {1, 2, 3}


async def test_a_change_succeeds_although_old_versions_cannot_be_disabled(
    secrets: FakeSecretManager, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.disable_failure = grpc.StatusCode.PERMISSION_DENIED
    assert await secrets.store.update_secret("main", add_fields(apiKey="a")) == "1"
    assert "could not be disabled" in json.loads(capsys.readouterr().out)["problem"]
