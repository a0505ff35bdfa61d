"""Who is let in: real signatures outside the emulator, made with keys of our own."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import BaseAdapter
from requests.models import PreparedRequest, Response
from requests.sessions import Session

from shared.config import read_environment
from shared.errors import InvalidSettingsError
from shared.firestore import paths
from tests.functions.api.conftest import add_staff_member
from tests.support.clocks import FakeTimer
from tests.support.staff_api import StaffApiClient, error_code, token_claims, unsigned_id_token
from tests.support.world import World

UNAUTHENTICATED = (401, "UNAUTHENTICATED")
_YEAR = timedelta(days=365)


class SigningKey:
    """An RSA key and its certificate, as Google publishes them."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "made-up")])
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

    def signed(self, payload: dict[str, object]) -> str:
        """Return a token over a payload."""
        return jwt.encode(payload, self._private, "RS256", headers={"kid": "ours"})


@pytest.fixture(scope="module")
def signing_key() -> SigningKey:
    return SigningKey()


class PublishedKeys(BaseAdapter):
    """Answers where Google publishes its certificates."""

    def __init__(self, certificate: str) -> None:
        super().__init__()
        self.status = 200
        self._body = json.dumps({"ours": certificate}).encode()

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        answer = Response()
        answer.status_code = self.status
        answer._content = self._body
        answer.request = request
        return answer

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def published_keys(signing_key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> PublishedKeys:
    """Google's certificates, stubbed at the HTTP level: every session gets ours."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    adapter = PublishedKeys(signing_key.certificate)
    monkeypatch.setattr(Session, "get_adapter", lambda *_, **__: adapter)
    return adapter


@pytest.fixture
async def member(
    published_keys: PublishedKeys, anonymous_client: StaffApiClient, world: World
) -> StaffApiClient:
    assert published_keys.status == 200
    return await add_staff_member(anonymous_client, world, "hanna", "host")


async def test_a_token_signed_by_a_published_key_is_accepted(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    caller = member.with_token(signing_key.signed(token_claims(project, "hanna")))
    assert (await caller.get("reports")).status_code == 200


async def test_no_token_is_unauthenticated(member: StaffApiClient) -> None:
    assert error_code(await member.with_token(None).get("reports")) == UNAUTHENTICATED


async def test_an_expired_token_is_unauthenticated(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    past = int(time.time()) - 7200
    expired = signing_key.signed(token_claims(project, "hanna", iat=past, exp=past + 3600))
    assert error_code(await member.with_token(expired).get("reports")) == UNAUTHENTICATED


async def test_a_forged_token_is_unauthenticated(member: StaffApiClient, project: str) -> None:
    forged = SigningKey().signed(token_claims(project, "hanna"))
    assert error_code(await member.with_token(forged).get("reports")) == UNAUTHENTICATED


async def test_another_projects_token_is_unauthenticated(
    member: StaffApiClient, signing_key: SigningKey
) -> None:
    foreign = signing_key.signed(token_claims("another-project", "hanna"))
    assert error_code(await member.with_token(foreign).get("reports")) == UNAUTHENTICATED


@pytest.mark.parametrize(
    "claim", [{"aud": "another-project"}, {"iss": "https://securetoken.google.com/another"}]
)
async def test_a_token_for_another_audience_or_of_another_issuer_is_unauthenticated(
    claim: dict[str, str], member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    foreign = signing_key.signed(token_claims(project, "hanna", **claim))
    assert error_code(await member.with_token(foreign).get("reports")) == UNAUTHENTICATED


async def test_a_token_from_the_future_is_unauthenticated(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    ahead = int(time.time()) + 600
    early = signing_key.signed(token_claims(project, "hanna", iat=ahead, auth_time=ahead))
    assert error_code(await member.with_token(early).get("reports")) == UNAUTHENTICATED


async def test_a_token_signed_with_the_public_key_is_unauthenticated(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "ours"}, token_claims(project, "hanna")]
    said = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(signing_key.certificate.encode(), said.encode(), "sha256")
    forged = f"{said}.{base64url(mac)}"
    assert error_code(await member.with_token(forged).get("reports")) == UNAUTHENTICATED


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def test_an_unsigned_token_is_unauthenticated(member: StaffApiClient, project: str) -> None:
    token = unsigned_id_token(project, "hanna")
    assert error_code(await member.with_token(token).get("reports")) == UNAUTHENTICATED


@pytest.mark.parametrize("token", ["x", "a.b.c", "....", "W10.W10.", "é", "x" * 9000])
async def test_garbage_is_unauthenticated(token: str, member: StaffApiClient) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    refused = await member.with_token(None).get("reports", headers=headers)
    assert error_code(refused) == UNAUTHENTICATED


async def test_a_scheme_other_than_bearer_is_unauthenticated(
    member: StaffApiClient, signing_key: SigningKey, project: str
) -> None:
    headers = {"Authorization": f"Basic {signing_key.signed(token_claims(project, 'hanna'))}"}
    refused = await member.with_token(None).get("reports", headers=headers)
    assert error_code(refused) == UNAUTHENTICATED
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_keys_that_cannot_be_fetched_are_unavailable(
    member: StaffApiClient, published_keys: PublishedKeys, signing_key: SigningKey, project: str
) -> None:
    published_keys.status = 500
    refused = await member.with_token(signing_key.signed(token_claims(project, "hanna"))).get(
        "reports"
    )
    assert error_code(refused) == (503, "UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0


def test_a_deployed_function_never_takes_the_emulators_tokens() -> None:
    deployed = {"K_SERVICE": "api", "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}
    with pytest.raises(InvalidSettingsError, match="FIREBASE_AUTH_EMULATOR_HOST"):
        read_environment(deployed)


async def test_a_user_who_is_not_staff_is_forbidden(
    client_accepting_emulator_tokens: StaffApiClient, project: str
) -> None:
    stranger = client_accepting_emulator_tokens.with_token(unsigned_id_token(project, "somebody"))
    assert error_code(await stranger.get("reports")) == (403, "FORBIDDEN")


@pytest.mark.parametrize("uid", ["a/b", "..", "__x__"])
async def test_a_uid_that_can_be_no_document_is_forbidden(
    uid: str, client_accepting_emulator_tokens: StaffApiClient, project: str
) -> None:
    assert (
        error_code(
            await client_accepting_emulator_tokens.with_token(unsigned_id_token(project, uid)).get(
                "reports"
            )
        )[0]
        == 403
    )


async def test_a_member_of_another_restaurant_is_forbidden(host: StaffApiClient) -> None:
    assert error_code(await host.at_restaurant("elsewhere").get("reports")) == (403, "FORBIDDEN")


async def test_a_host_may_not_make_a_managers_call(host: StaffApiClient) -> None:
    assert error_code(await host.get("integration")) == (403, "ROLE_REQUIRED")


async def test_an_operator_may_make_every_call_for_every_restaurant(
    operator: StaffApiClient,
) -> None:
    assert (await operator.at_restaurant("elsewhere").get("integration")).status_code == 200


async def test_an_operator_claim_that_is_not_true_is_none(
    client_accepting_emulator_tokens: StaffApiClient, project: str
) -> None:
    claimed = client_accepting_emulator_tokens.with_token(
        unsigned_id_token(project, "eve", operator="true")
    )
    assert error_code(await claimed.get("reports")) == (403, "FORBIDDEN")


async def test_a_removed_member_is_forbidden_within_a_minute(
    host: StaffApiClient, world: World, timer: FakeTimer
) -> None:
    assert (await host.get("reports")).status_code == 200
    await paths.staff_member_document(
        world.services.firestore, world.restaurant.id, "hanna"
    ).delete()
    timer.advance(60)
    assert error_code(await host.get("reports")) == (403, "FORBIDDEN")


async def test_an_unknown_role_is_none(
    client_accepting_emulator_tokens: StaffApiClient, world: World
) -> None:
    caller = await add_staff_member(client_accepting_emulator_tokens, world, "hanna", "waiter")
    assert error_code(await caller.get("reports")) == (403, "FORBIDDEN")
