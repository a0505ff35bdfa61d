"""Another restaurant at a run's sandbox: opened there, and its webhooks given a credential."""

import argparse
import base64
from collections.abc import Mapping
from typing import Any

from dev.operating.credentials import CREDENTIAL_KEYS, generate_credentials, read_credentials
from dev.remote import set_sandbox_switch
from shared.core.settings import WebhookAuthScheme

_DEFAULT_RESERVATIONS = 900


def add_sandbox_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("rid", type=int, help="OpenTable's number for the restaurant")
    parser.add_argument("--time-zone", help="open the restaurant, in this IANA zone")
    parser.add_argument(
        "--reservations", type=int, default=_DEFAULT_RESERVATIONS, help="in its book at the start"
    )
    credential = parser.add_mutually_exclusive_group()
    credential.add_argument(
        "--credentials-file", metavar="FILE", help="what its webhooks prove themselves with"
    )
    credential.add_argument(
        "--wrong-credential", action="store_true", help="have its webhooks prove nothing"
    )


def update_sandbox_restaurant(args: argparse.Namespace) -> str:
    """Open a restaurant, or change what its webhooks are sent with; return what was done.

    Raises:
        NotRunningError: No run answers at the port, or its sandbox refused.
        InvalidSettingsError: The credentials cannot be read.
    """
    new_restaurant = (
        {"zone": args.time_zone, "reservations": args.reservations} if args.time_zone else {}
    )
    credentials: Mapping[str, Any] = {}
    if args.wrong_credential:
        credentials = generate_credentials(WebhookAuthScheme)
    elif args.credentials_file:
        credentials = read_credentials(args.credentials_file)
    body = {"rid": args.rid, **new_restaurant, **to_sender_credentials(credentials)}
    response = set_sandbox_switch(args.port, "restaurants", body)
    return f"{response['rid']} is open, with {response['reservations']} reservations."


def to_sender_credentials(credentials: Mapping[str, Any]) -> dict[str, str]:
    """Return what the senders prove themselves with, as the sandbox's control address takes it.

    Args:
        credentials: Credentials under the keys of a secret's payload; of each list the first
            counts.
    """
    fields = {}
    if credentials.get(CREDENTIAL_KEYS[WebhookAuthScheme.BASIC]):
        user_and_password = credentials[CREDENTIAL_KEYS[WebhookAuthScheme.BASIC]][0].encode()
        fields["authorization"] = f"Basic {base64.b64encode(user_and_password).decode()}"
    if credentials.get(CREDENTIAL_KEYS[WebhookAuthScheme.BEARER]):
        fields["authorization"] = (
            f"Bearer {credentials[CREDENTIAL_KEYS[WebhookAuthScheme.BEARER]][0]}"
        )
    if credentials.get(CREDENTIAL_KEYS[WebhookAuthScheme.STANDARD_WEBHOOKS]):
        fields["signing_secret"] = credentials[
            CREDENTIAL_KEYS[WebhookAuthScheme.STANDARD_WEBHOOKS]
        ][0]
    return fields
