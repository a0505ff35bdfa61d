"""`python -m dev run`, what is said to a run from a second terminal, and the settings' page."""

import argparse
import os
import sys

from dev.emulator import EmulatorError
from dev.remote import NotRunningError, post_mocks, turn_webhooks
from dev.run import RunError, run
from dev.settings_table import write_table

_PORT = "8080"
_SPEED = 60.0


def main() -> None:
    """Run the command line, or end with one sentence that says what is wrong."""
    said = _arguments()
    try:
        if said.command == "run":
            run(said.port, said.speed)
        elif said.command == "webhooks":
            turn_webhooks(said.port, on=said.state == "on")
        elif said.command == "settings":
            write_table()
        else:
            print("created, updated, cancelled:", *post_mocks(said.port))
    except (EmulatorError, NotRunningError, RunError) as error:
        sys.exit(str(error))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("run", help="serve everything on this machine")
    serve.add_argument(
        "--speed", type=_speed, default=_SPEED, help="simulated seconds a second (default 60)"
    )
    webhooks = commands.add_parser("webhooks", help="have OpenTable's webhooks sent or lost")
    webhooks.add_argument("state", choices=("on", "off"))
    commands.add_parser("settings", help="write the table in docs/settings.md")
    mock = commands.add_parser("mock", help="post the three mock events, signed")
    for command in (serve, webhooks, mock):
        command.add_argument(
            "--port", type=_port, default=os.environ.get("PORT") or _PORT, help="the gateway's"
        )
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: choose one from 1 to 65535")
    return int(text)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError("the speed must be more than 0")
    return speed


if __name__ == "__main__":
    main()
