"""The smoke test against the real function passes only if an event arrives."""

import dataclasses
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from dev.deploy.checking import verify_release
from dev.deploy.release import REMEMBERED
from dev.deploy.smoke import SmokeError
from dev.deploy.target import Target, read_target
from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port
from sandbox.webhook_senders import encode_signing_secret
from tests.dev.deploy.fake_gcloud import FakeGcloud
from tests.support.processes import serve_deployed_function
from tests.support.restaurants import Restaurant, seed, write_secret

CANARY = Restaurant("canary", "999001")
KEY, OTHER_KEY = encode_signing_secret(b"k" * 32), encode_signing_secret(b"o" * 32)
UNREACHABLE_URL = f"http://{LOOPBACK}:{find_free_port()}/"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A simulated deployment of the webhook."""

    target: Target
    gcloud: FakeGcloud
    firestore: str
    url: str

    def told(self, *, url: str | None = None, key: str = KEY) -> None:
        """Let gcloud return the webhook's address and the canary's key."""
        self.gcloud.answers(
            {
                "functions describe opentable-webhook": url or self.url,
                "secrets versions access": json.dumps({"webhookSecrets": [key]}),
                "print-access-token": "owner",
            }
        )

    def rolled_back(self) -> list[str]:
        """Return the restored revisions."""
        words = [asked for asked in self.gcloud.asked() if asked[2] == "update-traffic"]
        return [told for asked in words for told in asked if told.startswith("--to-revisions=")]


@pytest.fixture
def gcloud_with_previous_release(
    fake_gcloud: FakeGcloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeGcloud:
    """A gcloud with recorded revisions."""
    remembered = tmp_path / "serving.json"
    remembered.write_text(json.dumps({"opentable-webhook": "webhook-1", "api": None}))
    monkeypatch.setattr("dev.deploy.checking.REMEMBERED", remembered)
    return fake_gcloud


@pytest.fixture
async def deployed(
    emulator: Emulator,
    firestore: AsyncClient,
    tmp_path: Path,
    gcloud_with_previous_release: FakeGcloud,
) -> AsyncIterator[Deployed]:
    await seed(firestore, CANARY)
    write_secret(tmp_path / "secrets.json", CANARY.secret, {"webhookSecrets": [KEY]})
    target = dataclasses.replace(read_target("production"), project=firestore.project)
    with serve_deployed_function(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=target.project,
        FIRESTORE_EMULATOR_HOST=emulator.host,
        SECRETS_FILE=str(tmp_path / "secrets.json"),
    ) as served:
        yield Deployed(target, gcloud_with_previous_release, f"http://{emulator.host}", served.url)


async def test_an_event_that_arrives_passes_each_time(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.told()
    verify_release(deployed.target, deployed.firestore)
    verify_release(deployed.target, deployed.firestore)
    found = "Found in the ledger: restaurants/canary/reservations/opentable-smoke-test\n"
    assert capsys.readouterr().out == found * 2
    assert deployed.rolled_back() == []


async def test_a_wrong_secret_fails_and_rolls_back(deployed: Deployed) -> None:
    deployed.told(key=OTHER_KEY)
    with pytest.raises(SmokeError, match=r"answered 401.*Rolled back\..*before: api"):
        verify_release(deployed.target, deployed.firestore)
    assert deployed.rolled_back() == ["--to-revisions=webhook-1=100"]


async def test_a_webhook_that_does_not_answer_fails_and_rolls_back(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.deploy.smoke._PAUSE_SECONDS", 0)
    deployed.told(url=UNREACHABLE_URL)
    with pytest.raises(SmokeError, match="Rolled back"):
        verify_release(deployed.target, deployed.firestore)
    assert deployed.rolled_back() == ["--to-revisions=webhook-1=100"]


async def test_an_answer_without_a_document_fails_and_rolls_back(deployed: Deployed) -> None:
    deployed.told()
    elsewhere = dataclasses.replace(deployed.target, project="another-project")
    with pytest.raises(SmokeError, match="404"):
        verify_release(elsewhere, deployed.firestore)
    assert deployed.rolled_back() == ["--to-revisions=webhook-1=100"]


async def test_a_canary_that_is_switched_off_fails(
    deployed: Deployed, firestore: AsyncClient
) -> None:
    await seed(firestore, CANARY, enabled=False)
    deployed.told()
    with pytest.raises(SmokeError, match="403"):
        verify_release(deployed.target, deployed.firestore)


async def test_a_secret_without_a_signing_key_is_reported(deployed: Deployed) -> None:
    deployed.told()
    deployed.gcloud.answers({"functions describe": deployed.url, "secrets": "{}"})
    with pytest.raises(SmokeError, match="webhookSecrets"):
        verify_release(deployed.target, deployed.firestore)


def test_the_release_record_is_excluded_from_uploads() -> None:
    assert REMEMBERED.parent.name == "build"
