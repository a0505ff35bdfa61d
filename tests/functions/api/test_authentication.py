"""The verification of ID tokens, with real signatures of a test key, and the roles of users."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from io import BytesIO

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import BaseAdapter
from requests.models import PreparedRequest, Response
from requests.sessions import Session
from urllib3 import HTTPResponse
from urllib3.connectionpool import HTTPConnectionPool

from dev.local.auth_emulator import LocalAccounts
from dev.local.processes import LOOPBACK, find_free_port
from shared.config import read_environment
from shared.errors import InvalidSettingsError
from shared.firestore import paths
from shared.staff.accounts import UserAccounts
from shared.staff.identity import IdTokenVerifier, UnauthenticatedError
from tests.functions.api.conftest import create_member_client
from tests.support.clocks import FakeTimer
from tests.support.staff_api import StaffApiClient, error_code, token_claims
from tests.support.world import World

UNAUTHENTICATED = (401, "UNAUTHENTICATED")
KEY_ID = "test-key"
_YEAR = timedelta(days=365)


class SigningKey:
    """An RSA key with a certificate like those of Google."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _YEAR)
            .not_valid_after(now + _YEAR)
            .sign(self._private, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )

    def sign(self, payload: dict[str, object]) -> str:
        return jwt.encode(payload, self._private, "RS256", headers={"kid": KEY_ID})


@pytest.fixture(scope="module")
def signing_key() -> SigningKey:
    return SigningKey()


class PublishedKeys(BaseAdapter):
    """Answers every request with the published certificates."""

    def __init__(self, certificate: str) -> None:
        super().__init__()
        self.status = 200
        self.publish(certificate)

    def publish(self, certificate: str) -> None:
        self._body = json.dumps({KEY_ID: certificate}).encode()

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        response = Response()
        response.status_code = self.status
        response._content = self._body
        response.request = request
        return response


@pytest.fixture
def published_keys(signing_key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> PublishedKeys:
    """Google's certificates, replaced in every HTTP session by the one of `signing_key`."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    adapter = PublishedKeys(signing_key.certificate)
    monkeypatch.setattr(Session, "get_adapter", lambda *_, **__: adapter)
    return adapter


@pytest.fixture
async def member(
    published_keys: PublishedKeys, anonymous_client: StaffApiClient, world: World
) -> StaffApiClient:
    assert published_keys.status == 200
    return await create_member_client(anonymous_client, world, "hanna", "host")


async def test_a_token_signed_by_a_published_key_is_accepted(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    client = member.with_token(signing_key.sign(token_claims(project, "hanna")))
    assert (await client.get("reports")).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": -7200, "exp": -3600},
        {"iat": 600, "auth_time": 600},
        {"aud": "another-project"},
        {"iss": "https://securetoken.google.com/another-project"},
        {"aud": "another-project", "iss": "https://securetoken.google.com/another-project"},
    ],
    ids=["expired", "from the future", "audience", "issuer", "project"],
)
async def test_a_signed_token_with_a_wrong_claim_is_unauthenticated(
    claims: dict[str, str | int], member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    now = int(time.time())  # numbers are seconds from now
    values = {k: now + v if isinstance(v, int) else v for k, v in claims.items()}
    token = signing_key.sign(token_claims(project, "hanna", **values))
    assert error_code(await member.with_token(token).get("reports")) == UNAUTHENTICATED


async def test_a_forged_token_is_unauthenticated(member: StaffApiClient, project: str) -> None:
    forged = SigningKey().sign(token_claims(project, "hanna"))
    assert error_code(await member.with_token(forged).get("reports")) == UNAUTHENTICATED


async def test_a_token_signed_with_the_public_key_is_unauthenticated(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    parts = [{"alg": "HS256", "typ": "JWT", "kid": KEY_ID}, token_claims(project, "hanna")]
    unsigned = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(signing_key.certificate.encode(), unsigned.encode(), "sha256")
    forged = f"{unsigned}.{base64url(mac)}"
    assert error_code(await member.with_token(forged).get("reports")) == UNAUTHENTICATED


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def test_an_unsigned_token_is_unauthenticated(member: StaffApiClient) -> None:
    assert error_code(await member.sign_in("hanna").get("reports")) == UNAUTHENTICATED


@pytest.mark.parametrize("token", ["x", "a.b.c", "....", "W10.W10.", "é", "é.é.é", "x" * 9000])
async def test_garbage_is_unauthenticated(token: str, member: StaffApiClient) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    response = await member.with_token(None).get("reports", headers=headers)
    assert error_code(response) == UNAUTHENTICATED


async def test_a_scheme_other_than_bearer_is_unauthenticated(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    headers = {"Authorization": f"Basic {signing_key.sign(token_claims(project, 'hanna'))}"}
    response = await member.with_token(None).get("reports", headers=headers)
    assert error_code(response) == UNAUTHENTICATED
    assert response.headers["www-authenticate"] == "Bearer"


async def test_keys_that_cannot_be_fetched_are_unavailable(
    member: StaffApiClient, published_keys: PublishedKeys, signing_key: SigningKey, project: str
) -> None:
    published_keys.status = 500
    token = signing_key.sign(token_claims(project, "hanna"))
    response = await member.with_token(token).get("reports")
    assert error_code(response) == (503, "UNAVAILABLE")
    assert int(response.headers["retry-after"]) > 0


class FileClosedAtItsEnd(BytesIO):
    """The body of a response: like a socket's, it closes itself, and only then it is cached."""

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        if self.tell() == len(self.getbuffer()):
            self.close()
        return content


async def test_the_keys_are_fetched_once_for_many_tokens(
    signing_key: SigningKey, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    fetched = []

    def answer(_pool: object, *, url: str, **_: object) -> HTTPResponse:
        fetched.append(url)
        body = FileClosedAtItsEnd(json.dumps({KEY_ID: signing_key.certificate}).encode())
        headers = {"Cache-Control": "public, max-age=20000", "Date": formatdate(usegmt=True)}
        return HTTPResponse(body, headers, 200, preload_content=False)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", answer)
    verifier = IdTokenVerifier(project, UserAccounts(project, FakeTimer()))
    for uid in ("hanna", "mara", "nils"):
        await verifier.verify(signing_key.sign(token_claims(project, uid)))
    with pytest.raises(UnauthenticatedError):
        await verifier.verify(SigningKey().sign(token_claims(project, "eve")))
    assert len(fetched) == 1


def test_a_deployed_function_never_takes_the_emulators_tokens() -> None:
    deployed = {"K_SERVICE": "api", "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}
    with pytest.raises(InvalidSettingsError, match="FIREBASE_AUTH_EMULATOR_HOST"):
        read_environment(deployed)


@pytest.mark.parametrize("uid", ["a/b", "..", "__x__"])
async def test_a_uid_that_can_be_no_document_is_forbidden(
    uid: str, emulator_client: StaffApiClient
) -> None:
    client = emulator_client.sign_in(uid)
    assert error_code(await client.get("reports")) == (403, "FORBIDDEN")


async def test_a_member_of_another_restaurant_is_forbidden(host: StaffApiClient) -> None:
    assert error_code(await host.at_restaurant("elsewhere").get("reports")) == (403, "FORBIDDEN")


async def test_an_operator_may_make_every_call_for_every_restaurant(
    operator: StaffApiClient,
) -> None:
    assert (await operator.at_restaurant("elsewhere").get("integration")).status_code == 200


async def test_an_operator_claim_that_is_not_true_is_none(emulator_client: StaffApiClient) -> None:
    claimed = emulator_client.sign_in("eve", operator="true")
    assert error_code(await claimed.get("reports")) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    "change",
    [{"customAttributes": "{}"}, {"disabled": True}, {"validSince": "4000000000"}],
    ids=["claim removed", "account disabled", "sessions revoked"],
)
async def test_a_revoked_operator_loses_access_within_a_minute(
    change: dict[str, object],
    operator: StaffApiClient,
    local_accounts: LocalAccounts,
    timer: FakeTimer,
) -> None:
    assert (await operator.get("integration")).status_code == 200
    local_accounts.users["olga"] |= change
    timer.advance(60)
    assert error_code(await operator.get("integration")) == (403, "FORBIDDEN")


async def test_an_operator_whose_account_was_deleted_has_no_access(
    operator: StaffApiClient, local_accounts: LocalAccounts
) -> None:
    local_accounts.users.clear()
    assert error_code(await operator.get("integration")) == (403, "FORBIDDEN")


async def test_the_account_of_an_operator_is_read_once_a_minute(
    operator: StaffApiClient, local_accounts: LocalAccounts, timer: FakeTimer
) -> None:
    for _ in range(3):
        await operator.get("me")
        timer.advance(10)
    assert local_accounts.lookup_count == 1


async def test_without_firebase_an_operator_gets_503_and_a_host_is_served(
    operator: StaffApiClient, host: StaffApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"{LOOPBACK}:{find_free_port()}")
    assert error_code(await operator.get("me")) == (503, "UNAVAILABLE")
    assert (await host.get("me")).status_code == 200


@pytest.mark.parametrize("claims", [{"iat": None}, {"exp": "soon"}, {"iat": [], "exp": {}}])
async def test_a_token_of_the_emulator_without_times_is_unauthenticated(
    claims: dict[str, object], emulator_client: StaffApiClient
) -> None:
    client = emulator_client.sign_in("hanna", **claims)
    assert error_code(await client.get("me")) == UNAUTHENTICATED


@pytest.mark.parametrize("lifetime, cached_seconds", [(3600, 60), (20, 30)])
async def test_a_verified_token_is_cached_for_a_minute_at_most_and_not_after_its_end(
    lifetime: int,
    cached_seconds: int,
    published_keys: PublishedKeys,
    signing_key: SigningKey,
    project: str,
) -> None:
    now = int(time.time())
    seconds_since_1970 = FakeTimer(now)
    verifier = IdTokenVerifier(project, UserAccounts(project, FakeTimer()), seconds_since_1970)
    token = signing_key.sign(token_claims(project, "hanna", exp=now + lifetime))
    await verifier.verify(token)
    published_keys.publish(SigningKey().certificate)
    seconds_since_1970.advance(cached_seconds - 1)
    await verifier.verify(token)
    seconds_since_1970.advance(2)
    with pytest.raises(UnauthenticatedError):
        await verifier.verify(token)


async def test_a_removed_member_is_forbidden_within_a_minute(
    host: StaffApiClient, world: World, timer: FakeTimer
) -> None:
    assert (await host.get("reports")).status_code == 200
    member = paths.staff_member_document(world.context.firestore, world.restaurant.id, "hanna")
    await member.delete()
    timer.advance(60)
    assert error_code(await host.get("reports")) == (403, "FORBIDDEN")
    assert not (await member.get()).exists


async def test_an_unknown_role_is_none(emulator_client: StaffApiClient, world: World) -> None:
    client = await create_member_client(emulator_client, world, "hanna", "waiter")
    assert error_code(await client.get("reports")) == (403, "FORBIDDEN")
