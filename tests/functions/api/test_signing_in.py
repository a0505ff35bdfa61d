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

from shared.edge import paths
from shared.edge.environment import read_environment
from shared.errors import InvalidSettingsError
from tests.functions.api.caller import Caller, claims, code_of, unsigned
from tests.functions.api.conftest import join
from tests.timer import Timer
from tests.world import World

UNAUTHENTICATED = (401, "UNAUTHENTICATED")
_YEAR = timedelta(days=365)


class Key:
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
def key() -> Key:
    return Key()


class Published(BaseAdapter):
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
def published(key: Key, monkeypatch: pytest.MonkeyPatch) -> Published:
    """Google's certificates, stubbed at the HTTP level: every session gets ours."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    adapter = Published(key.certificate)
    monkeypatch.setattr(Session, "get_adapter", lambda *_, **__: adapter)
    return adapter


@pytest.fixture
async def member(published: Published, nobody: Caller, world: World) -> Caller:
    assert published.status == 200
    return await join(nobody, world, "hanna", "host")


async def test_a_token_signed_by_a_published_key_lets_in(
    member: Caller, key: Key, project: str
) -> None:
    caller = member.with_token(key.signed(claims(project, "hanna")))
    assert (await caller.get("reports")).status_code == 200


async def test_no_token_is_unauthenticated(member: Caller) -> None:
    assert code_of(await member.with_token(None).get("reports")) == UNAUTHENTICATED


async def test_an_expired_token_is_unauthenticated(member: Caller, key: Key, project: str) -> None:
    past = int(time.time()) - 7200
    expired = key.signed(claims(project, "hanna", iat=past, exp=past + 3600))
    assert code_of(await member.with_token(expired).get("reports")) == UNAUTHENTICATED


async def test_a_forged_token_is_unauthenticated(member: Caller, project: str) -> None:
    forged = Key().signed(claims(project, "hanna"))
    assert code_of(await member.with_token(forged).get("reports")) == UNAUTHENTICATED


async def test_another_projects_token_is_unauthenticated(member: Caller, key: Key) -> None:
    foreign = key.signed(claims("another-project", "hanna"))
    assert code_of(await member.with_token(foreign).get("reports")) == UNAUTHENTICATED


@pytest.mark.parametrize(
    "claim", [{"aud": "another-project"}, {"iss": "https://securetoken.google.com/another"}]
)
async def test_a_token_for_another_audience_or_of_another_issuer_is_unauthenticated(
    claim: dict[str, str], member: Caller, key: Key, project: str
) -> None:
    foreign = key.signed(claims(project, "hanna", **claim))
    assert code_of(await member.with_token(foreign).get("reports")) == UNAUTHENTICATED


async def test_a_token_from_the_future_is_unauthenticated(
    member: Caller, key: Key, project: str
) -> None:
    ahead = int(time.time()) + 600
    early = key.signed(claims(project, "hanna", iat=ahead, auth_time=ahead))
    assert code_of(await member.with_token(early).get("reports")) == UNAUTHENTICATED


async def test_a_token_signed_with_the_public_key_is_unauthenticated(
    member: Caller, key: Key, project: str
) -> None:
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "ours"}, claims(project, "hanna")]
    said = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(key.certificate.encode(), said.encode(), "sha256")
    forged = f"{said}.{base64url(mac)}"
    assert code_of(await member.with_token(forged).get("reports")) == UNAUTHENTICATED


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def test_an_unsigned_token_is_unauthenticated(member: Caller, project: str) -> None:
    token = unsigned(project, "hanna")
    assert code_of(await member.with_token(token).get("reports")) == UNAUTHENTICATED


@pytest.mark.parametrize("token", ["x", "a.b.c", "....", "W10.W10.", "é", "x" * 9000])
async def test_garbage_is_unauthenticated(token: str, member: Caller) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    refused = await member.with_token(None).get("reports", headers=headers)
    assert code_of(refused) == UNAUTHENTICATED


async def test_a_scheme_other_than_bearer_is_unauthenticated(
    member: Caller, key: Key, project: str
) -> None:
    headers = {"Authorization": f"Basic {key.signed(claims(project, 'hanna'))}"}
    refused = await member.with_token(None).get("reports", headers=headers)
    assert code_of(refused) == UNAUTHENTICATED
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_keys_that_cannot_be_fetched_are_unavailable(
    member: Caller, published: Published, key: Key, project: str
) -> None:
    published.status = 500
    refused = await member.with_token(key.signed(claims(project, "hanna"))).get("reports")
    assert code_of(refused) == (503, "UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0


def test_a_deployed_function_never_takes_the_emulators_tokens() -> None:
    deployed = {"K_SERVICE": "api", "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}
    with pytest.raises(InvalidSettingsError, match="FIREBASE_AUTH_EMULATOR_HOST"):
        read_environment(deployed)


async def test_somebody_who_is_not_on_the_staff_is_forbidden(visitor: Caller, project: str) -> None:
    stranger = visitor.with_token(unsigned(project, "somebody"))
    assert code_of(await stranger.get("reports")) == (403, "FORBIDDEN")


@pytest.mark.parametrize("uid", ["a/b", "..", "__x__"])
async def test_a_uid_that_can_be_no_document_is_forbidden(
    uid: str, visitor: Caller, project: str
) -> None:
    assert code_of(await visitor.with_token(unsigned(project, uid)).get("reports"))[0] == 403


async def test_a_member_of_another_restaurant_is_forbidden(host: Caller) -> None:
    assert code_of(await host.at("elsewhere").get("reports")) == (403, "FORBIDDEN")


async def test_a_host_may_not_make_a_managers_call(host: Caller) -> None:
    assert code_of(await host.get("integration")) == (403, "ROLE_REQUIRED")


async def test_an_operator_may_everything_everywhere(operator: Caller) -> None:
    assert (await operator.at("elsewhere").get("integration")).status_code == 200


async def test_an_operator_claim_that_is_not_true_is_none(visitor: Caller, project: str) -> None:
    claimed = visitor.with_token(unsigned(project, "eve", operator="true"))
    assert code_of(await claimed.get("reports")) == (403, "FORBIDDEN")


async def test_a_removed_member_is_out_within_a_minute(
    host: Caller, world: World, timer: Timer
) -> None:
    assert (await host.get("reports")).status_code == 200
    await paths.staff_member_document(
        world.services.firestore, world.restaurant.id, "hanna"
    ).delete()
    timer.wait(60)
    assert code_of(await host.get("reports")) == (403, "FORBIDDEN")


async def test_an_unknown_role_is_none(visitor: Caller, world: World) -> None:
    caller = await join(visitor, world, "hanna", "waiter")
    assert code_of(await caller.get("reports")) == (403, "FORBIDDEN")
