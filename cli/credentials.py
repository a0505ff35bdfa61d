"""Reads, asks for, generates and delivers credentials.

They never come from the command line: the shell's history and the process list would show them.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import click

from cli.output import CommandError, Console, get_partial_path, open_partial_file, read_input
from shared.domain.http_messages import InvalidJsonError, parse_strict_json
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth import CREDENTIAL_KEYS
from shared.restaurants.webhook_credentials import generate_credential

_PROMPTS = {
    WebhookAuthScheme.BEARER: "Bearer token of OpenTable's webhooks",
    WebhookAuthScheme.BASIC: "user:password of OpenTable's webhooks",
    WebhookAuthScheme.STANDARD_WEBHOOKS: "Signing secret of the relay, whsec_…",
}
_MAX_FILE_BYTES = 64 * 1024

CredentialPayload: TypeAlias = dict[str, Any]

credentials_file_option = click.option(
    "--credentials-file", metavar="FILE", help="JSON object with credentials; - for stdin."
)
save_to_option = click.option(
    "--save-to", metavar="FILE", help="Generate the webhook credential, and save it in a new file."
)


def read_credentials(source: str) -> CredentialPayload:
    """Read a JSON object with credentials from a file, or from stdin for "-".

    Raises `CommandError`; its text never quotes the input.
    """
    try:
        # Bounded: a wrong file or pipe may be endless.
        return parse_strict_json(read_input(source, _MAX_FILE_BYTES))
    except InvalidJsonError:  # its text may quote a secret
        raise CommandError(
            "The credentials must be one JSON object with any of clientId, clientSecret, apiKey, "
            "webhookSecrets, bearerTokens and basicCredentials."
        ) from None


def generate_credentials(schemes: Iterable[WebhookAuthScheme]) -> CredentialPayload:
    """Return a new random credential for each webhook scheme."""
    return {CREDENTIAL_KEYS[scheme]: [generate_credential(scheme)] for scheme in schemes}


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """Credentials to store: `entered` by the operator, and `generated` ones to deliver.

    Generated credentials wait in `FILE.part` until they are stored. The file gets its name only
    then: it never contains a credential that is not accepted, and an interrupted command continues
    with the same credential.
    """

    entered: CredentialPayload
    generated: CredentialPayload
    file: str | None

    @property
    def payload(self) -> CredentialPayload:
        """All credentials, under the keys of the secret's payload."""
        return self.entered | self.generated

    def deliver(self, console: Console) -> None:
        """Give the stored credentials to the operator: in the file, or once at the terminal."""
        if not self.generated:
            return
        if self.file is None:
            console.print_line("New credential, shown only once:")
            console.print_line(json.dumps(self.generated))
        else:
            get_partial_path(self.file).rename(self.file)
            console.print_step(
                "New", f"credential in {self.file}, readable only by you; delete it after use"
            )

    def discard(self) -> None:
        """Remove the credentials that were not stored."""
        if self.generated and self.file is not None:
            get_partial_path(self.file).unlink(missing_ok=True)


def obtain_credentials(
    console: Console,
    schemes: Iterable[WebhookAuthScheme],
    *,
    entered: CredentialPayload | None = None,
    can_prompt: bool,
    save_to: str | None,
) -> NewCredentials:
    """Ask for a credential for each scheme, and generate the others.

    With `save_to` nothing is asked: it asks for a new credential itself.
    """
    entered = dict(entered or {})
    missing = []
    for scheme in schemes:
        question = f"{_PROMPTS[scheme]} [Enter: generate one]"
        may_ask = can_prompt and save_to is None
        credential = console.prompt(question, is_hidden=True) if may_ask else ""
        if credential:
            entered[CREDENTIAL_KEYS[scheme]] = [credential]
        else:
            missing.append(scheme)
    pending: CredentialPayload = {}
    if save_to is not None and get_partial_path(save_to).exists():
        with suppress(CommandError):  # a command was interrupted while it wrote them
            pending = read_credentials(str(get_partial_path(save_to)))
    # Pending ones come first: the interrupted command may have stored them already.
    generated = generate_credentials(missing) | pending
    if generated and save_to is None and (console.as_json or not console.is_terminal):
        raise CommandError("Name a new file for the generated credential with --save-to.")
    if generated and save_to is not None and generated != pending:
        with open_partial_file(save_to) as output:
            json.dump(generated, output)
    return NewCredentials(entered, generated, save_to)
