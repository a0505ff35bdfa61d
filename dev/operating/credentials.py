"""Credentials on their way in: never by the command line, which a shell's history keeps."""

import base64
import json
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dev.operating.console import Console
from shared.core.body import InvalidJsonError, parse_object
from shared.core.settings import Scheme
from shared.errors import InvalidSettingsError

STANDARD_INPUT = "-"
KEYS = {
    Scheme.BEARER: "bearerTokens",
    Scheme.BASIC: "basicCredentials",
    Scheme.STANDARD_WEBHOOKS: "webhookSecrets",
}
_WORDS = {
    Scheme.BEARER: "Bearer token that OpenTable will send",
    Scheme.BASIC: "user:password that OpenTable will send",
    Scheme.STANDARD_WEBHOOKS: "Secret that the relay signs with, whsec_…",
}
_KEY_BYTES = 32
_MOST_BYTES = 64 * 1024

Entered = dict[str, Any]


def read_credentials(where: str) -> Entered:
    """Read credentials from a file or the standard input.

    Args:
        where: A path, or `STANDARD_INPUT`.

    Returns:
        What was entered, under the keys of a secret's payload.

    Raises:
        InvalidSettingsError: When there is no JSON object; the text never repeats any of it.
    """
    try:
        if where == STANDARD_INPUT:
            return parse_object(sys.stdin.buffer.read(_MOST_BYTES))
        with Path(where).open("rb") as file:
            return parse_object(file.read(_MOST_BYTES))
    except OSError as error:
        raise InvalidSettingsError(f"{where} cannot be read: {error.strerror}.") from None
    except InvalidJsonError:
        raise InvalidSettingsError(
            "The credentials must be one JSON object with any of clientId, clientSecret, apiKey, "
            "webhookSecrets, bearerTokens and basicCredentials."
        ) from None


def ask_for_api(console: Console) -> Entered:
    """Ask for the credential of OpenTable's API; nothing where the partner's serves."""
    name = console.ask("OpenTable's client id [Enter where the partner's secret serves]: ").strip()
    if not name:
        return {}
    return {"clientId": name, "clientSecret": console.ask_hidden("Its client secret: ").strip()}


def ask_for_proof(console: Console, scheme: Scheme) -> str | None:
    """Ask for the credential of a webhook scheme; None where one is to be made."""
    return console.ask_hidden(f"{_WORDS[scheme]} [Enter: make one]: ").strip() or None


def made(schemes: Iterable[Scheme]) -> Entered:
    """Return new credentials for webhook schemes, as nobody has seen them before."""
    return {KEYS[scheme]: [_make(scheme)] for scheme in schemes}


def hand_over(console: Console, entered: Entered, file: str | None) -> None:
    """Give new credentials to the operator: to a file that is theirs alone, else once in sight.

    Args:
        console: The operator's.
        entered: The credentials, under the keys of a secret's payload.
        file: A path where nothing is yet, None for the terminal.

    Raises:
        InvalidSettingsError: When there is neither a file nor a terminal, or the file is there.
    """
    if file is not None:
        _write(file, entered)
        console.done("New", f"credential in {file}, readable by you alone: delete it once used")
    elif console.is_terminal and not console.as_json:
        console.say("New credential, shown this once:")
        console.say(json.dumps(entered))
    else:
        raise InvalidSettingsError(
            "A new credential must go somewhere: name a new file for it with --save-to."
        )


def _write(file: str, entered: Entered) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidSettingsError(f"{file} cannot be made: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as written:
        json.dump(entered, written)


def _make(scheme: Scheme) -> str:
    if scheme is Scheme.STANDARD_WEBHOOKS:
        return f"whsec_{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"
    token = secrets.token_urlsafe(_KEY_BYTES)
    return f"opentable:{token}" if scheme is Scheme.BASIC else token
