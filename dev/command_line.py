"""The commands of `python -m dev`: a run on this machine, and generated pages of the docs."""

import argparse
import os
import sys

from cli.output import CommandError
from dev.docs.scale_page import write_scale_tables
from dev.docs.tables import write_license_tables, write_settings_table
from dev.local.emulator_files import EmulatorError
from dev.local.remote import (
    add_sandbox_arguments,
    post_mock_events_to_run,
    set_webhooks_enabled,
    update_sandbox_restaurant,
)
from dev.local.run import LocalRunError, run_locally

_DEFAULT_PORT = "8080"
_DEFAULT_SPEED = 60.0


def run_command_line() -> None:
    """Run the command line, or exit with one sentence about the problem."""
    args = build_parser().parse_args()
    try:
        if args.command == "run":
            run_locally(args.port, args.speed)
        elif args.command == "webhooks":
            print(set_webhooks_enabled(args.port, is_enabled=args.state == "on"))
        elif args.command == "sandbox":
            print(update_sandbox_restaurant(args))
        elif args.command == "settings":
            write_settings_table()
        elif args.command == "licenses":
            write_license_tables()
        elif args.command == "scale":
            write_scale_tables()
        else:
            print(post_mock_events_to_run(args.port))
    except (CommandError, EmulatorError, LocalRunError) as error:
        sys.exit(str(error))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("run", help="run the product on this machine")
    serve.add_argument(
        "--speed",
        type=_parse_speed,
        default=_DEFAULT_SPEED,
        help="simulated seconds per real second (default 60)",
    )
    webhooks = commands.add_parser(
        "webhooks", help="let the local OpenTable send webhooks, or lose them"
    )
    webhooks.add_argument("state", choices=("on", "off"))
    commands.add_parser("settings", help="write the table in docs/settings.md")
    commands.add_parser("licenses", help="write the tables in docs/licenses.md")
    commands.add_parser("scale", help="compute the tables in docs/scale.md")
    mock = commands.add_parser("mock", help="send the three mock events, signed")
    sandbox = commands.add_parser("sandbox", help="add a restaurant to the local OpenTable")
    add_sandbox_arguments(sandbox)
    for command in (serve, webhooks, mock, sandbox):
        command.add_argument(
            "--port",
            type=_parse_port,  # argparse applies it to a default that is text, too
            default=os.environ.get("PORT") or _DEFAULT_PORT,
            help="port of the local run (default PORT, else 8080)",
        )
    return parser


def _parse_port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: choose one from 1 to 65535")
    return int(text)


def _parse_speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a speed: choose a number above 0, such as 60"
        )
    return speed
