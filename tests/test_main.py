"""Every function starts alone, and an invalid configuration fails at start."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import main
from dev.local.processes import LOOPBACK, find_free_port
from tests.support.processes import serve_deployed_function

ROOT = Path(main.__file__).parent
DEPLOYED = {"K_SERVICE": "opentable-webhook", "GOOGLE_CLOUD_PROJECT": "project-1"}


def import_entry_point(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from main import *"],
        cwd=ROOT,
        env={"PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_main_starts_with_no_variables_and_no_credentials() -> None:
    done = import_entry_point()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def exits_cleanly(command: str, **variables: str) -> bool:
    """Whether a fresh process runs some lines to their end."""
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=variables, timeout=60, check=False
    )
    return done.returncode == 0


UNRELATED_MODULES = {
    "opentable_webhook": {"firebase_admin", "phonenumbers", "pydantic", "stamina"},
    "opentable_poll": {"firebase_admin", "phonenumbers", "pydantic", "functions.reconcile"},
    "opentable_reconcile": {"firebase_admin", "phonenumbers", "pydantic", "functions.poll"},
    "api": {"functions.poll", "functions.reconcile", "functions.webhook", "phonenumbers"},
}


@pytest.mark.parametrize("target", UNRELATED_MODULES)
def test_a_target_imports_nothing_that_only_others_need(target: str) -> None:
    met = f"{UNRELATED_MODULES[target]} & sys.modules.keys()"
    assert exits_cleanly(f"from main import {target}; import sys; sys.exit(' '.join({met}) or 0)")


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


def test_a_deployed_function_without_a_project_fails_at_start_with_a_message() -> None:
    done = import_entry_point(K_SERVICE="opentable-webhook")
    assert done.returncode != 0
    assert "GOOGLE_CLOUD_PROJECT is not set: set it" in done.stderr


def test_a_secrets_file_without_the_emulator_fails_at_start_with_a_message() -> None:
    done = import_entry_point(SECRETS_FILE="secrets.json")
    assert done.returncode != 0
    assert "SECRETS_FILE is read with the Firestore emulator only: unset it" in done.stderr


def test_a_secrets_file_on_a_deployed_function_fails_at_start() -> None:
    assert import_entry_point(**DEPLOYED, SECRETS_FILE="secrets.json").returncode != 0


def test_an_unencrypted_opentable_url_fails_at_start_with_a_message() -> None:
    done = import_entry_point(OPENTABLE_API_URL="http://platform.opentable.com")
    assert done.returncode != 0
    assert re.search("OPENTABLE_API_URL.*must be https", done.stderr)


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
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"SECRETS_FILE": "secrets.json"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "SECRETS_FILE" in done.stderr
