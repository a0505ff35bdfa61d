"""Reads, asks for, generates and delivers credentials.

They never come from the command line: the shell's history and the process list would show them.
"""

import base64
import json
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from cli.output import CommandError, Console, open_new_file
from shared.domain.normalization.strict_json import InvalidJsonError, parse_strict_json
from shared.domain.settings import WebhookAuthScheme
from shared.errors import InvalidSettingsError

CREDENTIAL_KEYS = {
    WebhookAuthScheme.BEARER: "bearerTokens",
    WebhookAuthScheme.BASIC: "basicCredentials",
    WebhookAuthScheme.STANDARD_WEBHOOKS: "webhookSecrets",
}
_PROMPTS = {
    WebhookAuthScheme.BEARER: "Bearer token of OpenTable's webhooks",
    WebhookAuthScheme.BASIC: "user:password of OpenTable's webhooks",
    WebhookAuthScheme.STANDARD_WEBHOOKS: "Signing secret of the relay, whsec_…",
}
_KEY_BYTES = 32
_MAX_FILE_BYTES = 64 * 1024

CredentialPayload: TypeAlias = dict[str, Any]


def read_credentials(source: str) -> CredentialPayload:
    """Read a JSON object with credentials from a file, or from stdin for "-".

    Raises `InvalidSettingsError`; its text never quotes the input.
    """
    try:
        if source == "-":
            # Bounded: a wrong file or pipe may be endless.
            return parse_strict_json(sys.stdin.buffer.read(_MAX_FILE_BYTES))
        with Path(source).open("rb") as file:
            return parse_strict_json(file.read(_MAX_FILE_BYTES))
    except OSError as error:
        raise InvalidSettingsError(f"{source} cannot be read: {error.strerror}.") from None
    except InvalidJsonError:  # its text may quote a secret
        raise InvalidSettingsError(
            "The credentials must be one JSON object with any of clientId, clientSecret, apiKey, "
            "webhookSecrets, bearerTokens and basicCredentials."
        ) from None


def obtain_webhook_credentials(
    console: Console,
    schemes: Iterable[WebhookAuthScheme],
    *,
    can_prompt: bool,
    save_to: str | None,
) -> CredentialPayload:
    """Ask for a credential for each scheme; generate and deliver the others."""
    entered: CredentialPayload = {}
    to_generate = []
    for scheme in schemes:
        question = f"{_PROMPTS[scheme]} [Enter: generate one]"
        credential = console.prompt(question, is_hidden=True) if can_prompt else ""
        if credential:
            entered[CREDENTIAL_KEYS[scheme]] = [credential]
        else:
            to_generate.append(scheme)
    generated = generate_credentials(to_generate)
    if generated:
        # Delivered before it is stored: if the file cannot be written, nothing is lost.
        deliver_credentials(console, generated, save_to)
    return entered | generated


def generate_credentials(schemes: Iterable[WebhookAuthScheme]) -> CredentialPayload:
    """Return a new random credential for each webhook scheme."""
    credentials = {}
    for scheme in schemes:
        credential = secrets.token_urlsafe(_KEY_BYTES)
        if scheme is WebhookAuthScheme.BASIC:
            credential = f"opentable:{credential}"
        elif scheme is WebhookAuthScheme.STANDARD_WEBHOOKS:
            # Standard Webhooks uses standard base64, not the URL-safe alphabet.
            credential = f"whsec_{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"
        credentials[CREDENTIAL_KEYS[scheme]] = [credential]
    return credentials


def deliver_credentials(console: Console, credentials: CredentialPayload, file: str | None) -> None:
    """Save new credentials to a new file, or show them once at a terminal."""
    if file is not None:
        with open_new_file(file) as output:
            json.dump(credentials, output)
        console.print_step(
            "New", f"credential in {file}, readable only by you; delete it after use"
        )
    elif console.is_terminal and not console.as_json:
        console.print_line("New credential, shown only once:")
        console.print_line(json.dumps(credentials))
    else:
        raise CommandError("Name a new file for the generated credential with --save-to.")
