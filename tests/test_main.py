"""Every function starts alone, and an invalid configuration fails at start."""

import re
import subprocess
import sys

import httpx
import pytest

import main
from dev.local.processes import LOOPBACK, find_free_port
from tests.dev.commands import run_program
from tests.support.processes import serve_deployed_function

DEPLOYED = {"K_SERVICE": "opentable-webhook", "GOOGLE_CLOUD_PROJECT": "project-1"}


def run_python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    return run_program(sys.executable, "-c", code, env=environment)


def import_entry_point(**variables: str) -> subprocess.CompletedProcess[str]:
    return run_python("from main import *", **variables)


def test_main_starts_with_no_variables_and_no_credentials() -> None:
    done = import_entry_point()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


UNRELATED_MODULES = {
    "opentable_webhook": {"firebase_admin", "phonenumbers", "pydantic", "stamina"},
    "opentable_poll": {"firebase_admin", "phonenumbers", "pydantic", "functions.reconcile"},
    "opentable_reconcile": {"firebase_admin", "phonenumbers", "pydantic", "functions.poll"},
    "api": {"functions.poll", "functions.reconcile", "functions.webhook", "phonenumbers"},
}


@pytest.mark.parametrize("target", UNRELATED_MODULES)
def test_a_target_imports_nothing_that_only_others_need(target: str) -> None:
    met = f"{UNRELATED_MODULES[target]} & sys.modules.keys()"
    done = run_python(f"from main import {target}; import sys; sys.exit(' '.join({met}) or 0)")
    assert (done.returncode, done.stderr) == (0, "")


def test_main_has_nothing_but_the_functions() -> None:
    with pytest.raises(AttributeError, match="opentable_nothing"):
        _ = main.opentable_nothing


def test_main_starts_as_a_deployed_function() -> None:
    assert import_entry_point(**DEPLOYED).returncode == 0


@pytest.mark.parametrize("name", ["FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST"])
def test_an_emulator_beside_a_deployed_function_fails_at_start_with_a_message(name: str) -> None:
    done = import_entry_point(**DEPLOYED, **{name: "127.0.0.1:8787"})
    assert done.returncode != 0
    assert re.search(f"{name}.*remove them and deploy again", done.stderr)


SECRETS_FILE_MESSAGE = "SECRETS_FILE is read with the Firestore emulator only: unset it"


@pytest.mark.parametrize(
    "variables,message",
    [
        pytest.param(
            {"K_SERVICE": "opentable-webhook"},
            "GOOGLE_CLOUD_PROJECT is not set: set it",
            id="deployed without a project",
        ),
        pytest.param(
            {"SECRETS_FILE": "secrets.json"},
            SECRETS_FILE_MESSAGE,
            id="secrets file without the emulator",
        ),
        pytest.param(
            {**DEPLOYED, "SECRETS_FILE": "secrets.json"},
            SECRETS_FILE_MESSAGE,
            id="deployed with a secrets file",
        ),
        pytest.param(
            {"OPENTABLE_API_URL": "http://platform.opentable.com"},
            "OPENTABLE_API_URL.*must be https",
            id="unencrypted URL of OpenTable",
        ),
    ],
)
def test_an_invalid_configuration_fails_at_start_with_a_message(
    variables: dict[str, str], message: str
) -> None:
    done = import_entry_point(**variables)
    assert done.returncode != 0
    assert re.search(message, done.stderr)


@pytest.mark.parametrize("target", main.__all__)
def test_a_target_starts_alone_and_answers(target: str) -> None:
    nowhere = f"{LOOPBACK}:{find_free_port()}"
    with serve_deployed_function(
        target, GOOGLE_CLOUD_PROJECT="project-1", FIRESTORE_EMULATOR_HOST=nowhere
    ) as served:
        assert 400 <= httpx.get(served.url, timeout=30).status_code < 500


@pytest.mark.parametrize("target", main.__all__)
def test_a_target_that_is_set_up_wrongly_does_not_start(target: str) -> None:
    command = [sys.executable, "-m", "functions_framework", "--target", target]
    done = run_program(*command, env={"SECRETS_FILE": "secrets.json"})
    assert done.returncode != 0
    assert "SECRETS_FILE" in done.stderr
