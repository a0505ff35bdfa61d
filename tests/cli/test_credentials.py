"""Credentials come from files and prompts, and only their owner can read new ones."""

import json
from pathlib import Path

import pytest

from cli.credentials import (
    NewCredentials,
    generate_credentials,
    obtain_credentials,
    read_credentials,
)
from cli.output import CommandError, Console
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth import CREDENTIAL_KEYS, decode_webhook_secret
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
    with pytest.raises(CommandError, match="one JSON object") as rejected:
        read_credentials(str(file))
    assert "hunter2" not in str(rejected.value)


def test_a_missing_file_gives_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        read_credentials(str(tmp_path / "none.json"))


def obtain_bearer(console: Console, save_to: Path | None) -> NewCredentials:
    return obtain_credentials(
        console,
        [WebhookAuthScheme.BEARER],
        can_prompt=False,
        save_to=None if save_to is None else str(save_to),
    )


def test_a_generated_credential_gets_its_file_when_it_is_stored(tmp_path: Path) -> None:
    console, out, errors = build_console(is_terminal=True)
    file = tmp_path / "new.json"
    credentials = obtain_bearer(console, file)
    assert not file.exists()
    credentials.deliver(console)
    assert json.loads(file.read_text()) == credentials.payload
    assert file.stat().st_mode & 0o777 == 0o600
    assert credentials.payload["bearerTokens"][0] not in out.getvalue() + errors.getvalue()
    assert [path.name for path in tmp_path.iterdir()] == ["new.json"]


def test_an_interrupted_command_continues_with_the_same_credential(tmp_path: Path) -> None:
    console, _, _ = build_console()
    first, second = (obtain_bearer(console, tmp_path / "new.json") for _ in range(2))
    assert first.payload == second.payload


def test_a_credential_that_was_not_stored_leaves_no_file(tmp_path: Path) -> None:
    obtain_bearer(build_console()[0], tmp_path / "new.json").discard()
    assert list(tmp_path.iterdir()) == []


def test_a_half_written_credential_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "new.json.part").write_text('{"bearerTok')
    assert obtain_bearer(build_console()[0], tmp_path / "new.json").payload.keys() == {
        "bearerTokens"
    }


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text("mine")
    with pytest.raises(CommandError, match="exists"):
        obtain_bearer(build_console()[0], file)
    assert file.read_text() == "mine"


def test_a_file_for_the_credential_means_that_none_is_asked_for(tmp_path: Path) -> None:
    console, _, _ = build_console(is_terminal=True)
    credentials = obtain_credentials(
        console, [WebhookAuthScheme.BEARER], can_prompt=True, save_to=str(tmp_path / "new.json")
    )
    assert credentials.generated.keys() == {"bearerTokens"}


def test_a_credential_is_printed_once_at_a_terminal() -> None:
    console, out, errors = build_console(is_terminal=True)
    credentials = obtain_bearer(console, None)
    credentials.deliver(console)
    [token] = credentials.payload["bearerTokens"]
    assert (out.getvalue() + errors.getvalue()).count(token) == 1


@pytest.mark.parametrize("is_terminal, as_json", [(False, False), (False, True), (True, True)])
def test_a_credential_is_never_in_json_output(is_terminal: bool, as_json: bool) -> None:
    console, _, _ = build_console(is_terminal=is_terminal, as_json=as_json)
    with pytest.raises(CommandError, match="--save-to"):
        obtain_bearer(console, None)


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
