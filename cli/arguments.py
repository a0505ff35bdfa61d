"""The operator's commands, as the command line spells them."""

import argparse
from collections.abc import Awaitable, Callable
from datetime import date
from typing import TypeAlias

from cli.console import Console
from cli.credentials import STANDARD_INPUT
from cli.desk import OperatorClient
from cli.endings import CommandResult
from cli.export import EXPORT_KINDS, export
from cli.offboard import offboard
from cli.onboard import NO_SCHEME, onboard
from cli.reconcile import reconcile_now
from cli.replay import manage_quarantine
from cli.rotate import rotate_credential
from cli.status import status
from shared.domain.normalization.identifiers import is_rid
from shared.domain.settings import WebhookAuthScheme

CommandHandler: TypeAlias = Callable[
    [OperatorClient, Console, argparse.Namespace], Awaitable[CommandResult]
]

AddParser: TypeAlias = Callable[..., argparse.ArgumentParser]

_SCHEMES = [scheme.value for scheme in WebhookAuthScheme]
_CREDENTIALS_HELP = (
    f"a file with the credentials as a JSON object, {STANDARD_INPUT} for standard input"
)


def add_commands(add: AddParser) -> None:
    """Add every command of an operator to the command line.

    Args:
        add: Adds a command of a name, as ``add_parser`` of argparse's sub-parsers does.
    """
    _add_onboard(_add_command(add, "onboard", onboard, "connect a restaurant, or go on with it"))
    _add_offboard(_add_command(add, "offboard", offboard, "switch an integration off"))
    _add_rotate(_add_command(add, "rotate", rotate_credential, "renew a webhook credential"))
    _add_command(add, "status", status, "tell whether a restaurant's book can be trusted")
    _add_replay(_add_command(add, "replay", manage_quarantine, "work through the quarantine"))
    _add_reconcile(_add_command(add, "reconcile", reconcile_now, "compare both sides now"))
    _add_export(_add_command(add, "export", export, "write out documents as JSON Lines"))


def _add_command(
    add: AddParser, name: str, run: CommandHandler, summary: str
) -> argparse.ArgumentParser:
    parser = add(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    parser.set_defaults(operate=run)
    parser.add_argument("restaurant", help="Lineup's id, such as restaurant-123")
    location = parser.add_mutually_exclusive_group()
    location.add_argument("--project", help="the Google Cloud project; else GOOGLE_CLOUD_PROJECT's")
    location.add_argument("--local", action="store_true", help="the `make run` on this machine")
    parser.add_argument("--port", type=parse_port, help="the port of that run; implies --local")
    parser.add_argument("--json", action="store_true", help="tell a program: one JSON object")
    parser.add_argument("--yes", action="store_true", help="confirm everything beforehand")
    parser.add_argument("--verbose", action="store_true", help="show the bundle's log lines too")
    return parser


def _add_onboard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rid", required=True, type=_parse_rid, help="OpenTable's number for the restaurant"
    )
    parser.add_argument("--time-zone", required=True, help="IANA zone, such as America/New_York")
    parser.add_argument("--country", help="ISO country for phone numbers without a country code")
    parser.add_argument(
        "--webhook-auth",
        action="append",
        choices=[*_SCHEMES, NO_SCHEME],
        help="accepted proof of origin, may be repeated (default: bearer); none accepts nothing",
    )
    _add_credentials(parser)


def _add_offboard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--release-rid", action="store_true", help="let another restaurant claim the number"
    )


def _add_rotate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scheme", choices=_SCHEMES, default=WebhookAuthScheme.BEARER.value)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="tell whether the new one is in use")
    mode.add_argument("--retire", action="store_true", help="end the old ones")
    mode.add_argument("--at-once", action="store_true", help="end the old ones now: it leaked")
    _add_credentials(parser)


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "item", nargs="?", help="an item's id, or its beginning; else they are listed"
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    mode.add_argument("--dismiss", metavar="REASON", help="settle it without applying it")
    mode.add_argument("--show", action="store_true", help="show it, personal values masked")
    parser.add_argument(
        "--unmask", action="store_true", help="with --show: everything; noted in it"
    )


def _add_reconcile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--start", type=_parse_date, help="first local date (default: yesterday)")
    parser.add_argument("--end", type=_parse_date, help="last local date (default: 30 days ahead)")
    parser.add_argument("--dry-run", action="store_true", help="only report what would be done")
    parser.add_argument("--force", metavar="REPORT", help="carry out the plan of a held report")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=EXPORT_KINDS)
    parser.add_argument("--to", metavar="FILE", help="a new file; else the standard output")
    parser.add_argument(
        "--with-personal-data", action="store_true", help="names, numbers, requests, notes too"
    )


def _add_credentials(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--credentials-file", metavar="FILE", help=_CREDENTIALS_HELP)
    parser.add_argument(
        "--save-to", metavar="FILE", help="a new file for credentials that are made here"
    )


def parse_port(text: str) -> int:
    """Read a TCP port (1-65535).

    Raises:
        argparse.ArgumentTypeError: When it is none.
    """
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: choose one from 1 to 65535")
    return int(text)


def _parse_rid(text: str) -> str:
    if not is_rid(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no OpenTable number: it has digits only")
    return text


def _parse_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write YYYY-MM-DD") from None
