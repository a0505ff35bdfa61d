"""Credentials come in by files and prompts, and go out to their owner alone."""

import json
import stat
from io import StringIO
from pathlib import Path

import pytest

from cli.console import Console
from cli.credentials import (
    CREDENTIAL_KEYS,
    deliver_credentials,
    generate_credentials,
    read_credentials,
)
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth.credentials import decode_webhook_secret
from shared.errors import InvalidSettingsError

NEW_CREDENTIALS = {"bearerTokens": ["hunter2"]}


def console(*, terminal: bool = False, as_json: bool = False) -> Console:
    out, errors = StringIO(), StringIO()
    return Console(out, errors, as_json=as_json, is_terminal=terminal, assume_yes=False)


def written_output(told: Console) -> str:
    assert isinstance(told.out, StringIO)
    assert isinstance(told.errors, StringIO)
    return told.out.getvalue() + told.errors.getvalue()


def test_a_file_of_credentials_is_read(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(NEW_CREDENTIALS))
    assert read_credentials(str(file)) == NEW_CREDENTIALS


@pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '{"a": "hunter2"'])
def test_a_file_without_an_object_is_rejected_without_quoting_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(text)
    with pytest.raises(InvalidSettingsError, match="one JSON object") as refused:
        read_credentials(str(file))
    assert "hunter2" not in str(refused.value)


def test_a_missing_file_gives_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingsError, match="cannot be read: No such file"):
        read_credentials(str(tmp_path / "none.json"))


def test_a_credential_saved_to_a_file_is_not_printed(tmp_path: Path) -> None:
    told, file = console(terminal=True), tmp_path / "new.json"
    deliver_credentials(told, NEW_CREDENTIALS, str(file))
    assert json.loads(file.read_text()) == NEW_CREDENTIALS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hunter2" not in written_output(told)


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text("mine")
    with pytest.raises(InvalidSettingsError, match="File exists"):
        deliver_credentials(console(), NEW_CREDENTIALS, str(file))
    assert file.read_text() == "mine"


def test_a_credential_is_printed_once_at_a_terminal() -> None:
    told = console(terminal=True)
    deliver_credentials(told, NEW_CREDENTIALS, None)
    assert written_output(told).count("hunter2") == 1


@pytest.mark.parametrize("terminal, as_json", [(False, False), (False, True), (True, True)])
def test_a_credential_is_never_in_json_output(terminal: bool, as_json: bool) -> None:  # noqa: FBT001 -- a table of cases
    told = console(terminal=terminal, as_json=as_json)
    with pytest.raises(InvalidSettingsError, match="--save-to"):
        deliver_credentials(told, NEW_CREDENTIALS, None)
    assert "hunter2" not in written_output(told)


def test_a_made_signing_secret_is_one_of_the_specification() -> None:
    [secret] = generate_credentials([WebhookAuthScheme.STANDARD_WEBHOOKS])["webhookSecrets"]
    assert secret.startswith("whsec_")
    assert len(decode_webhook_secret(secret)) == 32


def test_a_made_basic_credential_is_a_pair() -> None:
    [pair] = generate_credentials([WebhookAuthScheme.BASIC])["basicCredentials"]
    assert pair.count(":") == 1


def test_no_two_are_alike() -> None:
    assert generate_credentials(WebhookAuthScheme).keys() == set(CREDENTIAL_KEYS.values())
    assert generate_credentials(WebhookAuthScheme) != generate_credentials(WebhookAuthScheme)
