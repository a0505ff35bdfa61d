"""Credentials on their way in: never by the command line, which a shell's history keeps."""

import base64
import json
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cli.console import Console
from shared.domain.normalization.strict_json import InvalidJsonError, parse_strict_json
from shared.domain.settings import WebhookAuthScheme
from shared.errors import InvalidSettingsError

STANDARD_INPUT = "-"
CREDENTIAL_KEYS = {
    WebhookAuthScheme.BEARER: "bearerTokens",
    WebhookAuthScheme.BASIC: "basicCredentials",
    WebhookAuthScheme.STANDARD_WEBHOOKS: "webhookSecrets",
}
_PROMPTS = {
    WebhookAuthScheme.BEARER: "Bearer token that OpenTable will send",
    WebhookAuthScheme.BASIC: "user:password that OpenTable will send",
    WebhookAuthScheme.STANDARD_WEBHOOKS: "Secret that the relay signs with, whsec_…",
}
_KEY_BYTES = 32
_MAX_BYTES = 64 * 1024

CredentialPayload = dict[str, Any]


def read_credentials(source: str) -> CredentialPayload:
    """Read credentials from a file or the standard input.

    Args:
        source: A path, or `STANDARD_INPUT`.

    Returns:
        What was entered, under the keys of a secret's payload.

    Raises:
        InvalidSettingsError: When there is no JSON object; the text never repeats any of it.
    """
    try:
        if source == STANDARD_INPUT:
            return parse_strict_json(sys.stdin.buffer.read(_MAX_BYTES))
        with Path(source).open("rb") as file:
            return parse_strict_json(file.read(_MAX_BYTES))
    except OSError as error:
        raise InvalidSettingsError(f"{source} cannot be read: {error.strerror}.") from None
    except InvalidJsonError:
        raise InvalidSettingsError(
            "The credentials must be one JSON object with any of clientId, clientSecret, apiKey, "
            "webhookSecrets, bearerTokens and basicCredentials."
        ) from None


def prompt_api_credential(console: Console) -> CredentialPayload:
    """Ask for the credential of OpenTable's API; nothing where the partner's serves."""
    name = console.prompt(
        "OpenTable's client id [Enter where the partner's secret serves]: "
    ).strip()
    if not name:
        return {}
    return {"clientId": name, "clientSecret": console.prompt_hidden("Its client secret: ").strip()}


def prompt_webhook_credential(console: Console, scheme: WebhookAuthScheme) -> str | None:
    """Ask for the credential of a webhook scheme; None where one is to be made."""
    return console.prompt_hidden(f"{_PROMPTS[scheme]} [Enter: make one]: ").strip() or None


def generate_credentials(schemes: Iterable[WebhookAuthScheme]) -> CredentialPayload:
    """Return new credentials for webhook schemes, as nobody has seen them before."""
    return {CREDENTIAL_KEYS[scheme]: [_generate_credential(scheme)] for scheme in schemes}


def deliver_credentials(console: Console, credentials: CredentialPayload, file: str | None) -> None:
    """Give new credentials to the operator: to a file that is theirs alone, else once in sight.

    Args:
        console: The operator's.
        credentials: The credentials, under the keys of a secret's payload.
        file: A path where nothing is yet, None for the terminal.

    Raises:
        InvalidSettingsError: When there is neither a file nor a terminal, or the file is there.
    """
    if file is not None:
        _write_new_file(file, credentials)
        console.print_step(
            "New", f"credential in {file}, readable by you alone: delete it once used"
        )
    elif console.is_terminal and not console.as_json:
        console.print_line("New credential, shown this once:")
        console.print_line(json.dumps(credentials))
    else:
        raise InvalidSettingsError(
            "A new credential must go somewhere: name a new file for it with --save-to."
        )


def _write_new_file(file: str, credentials: CredentialPayload) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidSettingsError(f"{file} cannot be made: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as output:
        json.dump(credentials, output)


def _generate_credential(scheme: WebhookAuthScheme) -> str:
    if scheme is WebhookAuthScheme.STANDARD_WEBHOOKS:
        return f"whsec_{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"
    token = secrets.token_urlsafe(_KEY_BYTES)
    return f"opentable:{token}" if scheme is WebhookAuthScheme.BASIC else token
