"""Another restaurant at a run's sandbox: opened there, and its webhooks given a credential."""

import argparse
import base64
from collections.abc import Mapping
from typing import Any

from dev.operating.credentials import KEYS, made, read_credentials
from dev.remote import tell_sandbox
from shared.core.settings import Scheme

_RESERVATIONS = 900


def add_sandbox_command(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("rid", type=int, help="OpenTable's number for the restaurant")
    parser.add_argument("--time-zone", help="open the restaurant, in this IANA zone")
    parser.add_argument(
        "--reservations", type=int, default=_RESERVATIONS, help="in its book at the start"
    )
    credential = parser.add_mutually_exclusive_group()
    credential.add_argument(
        "--credentials-file", metavar="FILE", help="what its webhooks prove themselves with"
    )
    credential.add_argument(
        "--wrong-credential", action="store_true", help="have its webhooks prove nothing"
    )


def tell_of_restaurant(said: argparse.Namespace) -> str:
    """Open a restaurant, or change what its webhooks are sent with; return what was done.

    Raises:
        NotRunningError: No run answers at the port, or its sandbox refused.
        InvalidSettingsError: The credentials cannot be read.
    """
    opened = {"zone": said.time_zone, "reservations": said.reservations} if said.time_zone else {}
    entered: Mapping[str, Any] = {}
    if said.wrong_credential:
        entered = made(Scheme)
    elif said.credentials_file:
        entered = read_credentials(said.credentials_file)
    body = {"rid": said.rid, **opened, **proofs(entered)}
    held = tell_sandbox(said.port, "restaurants", body)
    return f"{held['rid']} is open, with {held['reservations']} reservations."


def proofs(entered: Mapping[str, Any]) -> dict[str, str]:
    """Return what the senders prove themselves with, as the sandbox's control address takes it.

    Args:
        entered: Credentials under the keys of a secret's payload; of each list the first counts.
    """
    told = {}
    if entered.get(KEYS[Scheme.BASIC]):
        pair = entered[KEYS[Scheme.BASIC]][0].encode()
        told["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if entered.get(KEYS[Scheme.BEARER]):
        told["authorization"] = f"Bearer {entered[KEYS[Scheme.BEARER]][0]}"
    if entered.get(KEYS[Scheme.STANDARD_WEBHOOKS]):
        told["signing_secret"] = entered[KEYS[Scheme.STANDARD_WEBHOOKS]][0]
    return told
