"""Credentials come from files and prompts, and only their owner can read new ones."""

import json
from pathlib import Path

import pytest

from cli.credentials import (
    CREDENTIAL_KEYS,
    deliver_credentials,
    generate_credentials,
    read_credentials,
)
from cli.output import CommandError
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth.credentials import decode_webhook_secret
from shared.errors import InvalidSettingsError
from tests.cli.harness import build_console

NEW_CREDENTIALS = {"bearerTokens": ["hunter2"]}


def test_a_file_of_credentials_is_read(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(NEW_CREDENTIALS))
    assert read_credentials(str(file)) == NEW_CREDENTIALS


@pytest.mark.parametrize("text", ["hunter2", '["hunter2"]', '{"a": "hunter2"'])
def test_a_file_without_an_object_is_rejected_without_quoting_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(text)
    with pytest.raises(InvalidSettingsError, match="one JSON object") as rejected:
        read_credentials(str(file))
    assert "hunter2" not in str(rejected.value)


def test_a_missing_file_gives_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingsError, match="cannot be read: No such file"):
        read_credentials(str(tmp_path / "none.json"))


def test_a_credential_saved_to_a_file_is_not_printed(tmp_path: Path) -> None:
    console, out, errors = build_console(is_terminal=True)
    file = tmp_path / "new.json"
    deliver_credentials(console, NEW_CREDENTIALS, str(file))
    assert json.loads(file.read_text()) == NEW_CREDENTIALS
    assert file.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in out.getvalue() + errors.getvalue()


def test_a_credential_is_printed_once_at_a_terminal() -> None:
    console, out, errors = build_console(is_terminal=True)
    deliver_credentials(console, NEW_CREDENTIALS, None)
    assert (out.getvalue() + errors.getvalue()).count("hunter2") == 1


@pytest.mark.parametrize("is_terminal, as_json", [(False, False), (False, True), (True, True)])
def test_a_credential_is_never_in_json_output(is_terminal: bool, as_json: bool) -> None:
    console, out, errors = build_console(is_terminal=is_terminal, as_json=as_json)
    with pytest.raises(CommandError, match="--save-to"):
        deliver_credentials(console, NEW_CREDENTIALS, None)
    assert "hunter2" not in out.getvalue() + errors.getvalue()


def test_a_generated_signing_secret_follows_the_specification() -> None:
    [secret] = generate_credentials([WebhookAuthScheme.STANDARD_WEBHOOKS])["webhookSecrets"]
    assert secret.startswith("whsec_")
    assert len(decode_webhook_secret(secret)) == 32


def test_a_generated_basic_credential_is_a_pair() -> None:
    [pair] = generate_credentials([WebhookAuthScheme.BASIC])["basicCredentials"]
    assert pair.count(":") == 1


def test_generated_credentials_differ() -> None:
    first, second = (generate_credentials(WebhookAuthScheme) for _ in range(2))
    assert first.keys() == set(CREDENTIAL_KEYS.values())
    assert all(first[key] != second[key] for key in first)
