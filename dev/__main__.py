"""`python -m dev`: a run on this machine, what is said to it, and what operators do."""

import argparse
import os
import sys

from dev.emulator import EmulatorError
from dev.operating.arguments import add_commands, port
from dev.operating.running import operate
from dev.other_restaurant import add_sandbox_command, tell_of_restaurant
from dev.remote import NotRunningError, post_mocks, turn_webhooks
from dev.run import RunError, run
from dev.scale.page import write_tables
from dev.settings_table import write_table
from shared.errors import InvalidSettingsError

_PORT = "8080"
_SPEED = 60.0


def main() -> None:
    """Run the command line, or end with one sentence that says what is wrong."""
    said = command_line().parse_args()
    if "operate" in said:
        sys.exit(operate(said))
    try:
        if said.command == "run":
            run(said.port, said.speed)
        elif said.command == "webhooks":
            turn_webhooks(said.port, on=said.state == "on")
        elif said.command == "sandbox":
            print(tell_of_restaurant(said))
        elif said.command == "settings":
            write_table()
        elif said.command == "scale":
            write_tables()
        else:
            print("created, updated, cancelled:", *post_mocks(said.port))
    except (EmulatorError, InvalidSettingsError, NotRunningError, RunError) as error:
        sys.exit(str(error))


def command_line() -> argparse.ArgumentParser:
    """Return the whole command line."""
    parser = argparse.ArgumentParser(prog="python -m dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("run", help="serve everything on this machine")
    serve.add_argument(
        "--speed", type=_speed, default=_SPEED, help="simulated seconds a second (default 60)"
    )
    webhooks = commands.add_parser("webhooks", help="have OpenTable's webhooks sent or lost")
    webhooks.add_argument("state", choices=("on", "off"))
    commands.add_parser("settings", help="write the table in docs/settings.md")
    commands.add_parser("scale", help="work out the tables in docs/scale.md")
    mock = commands.add_parser("mock", help="post the three mock events, signed")
    sandbox = commands.add_parser("sandbox", help="open another restaurant at the local OpenTable")
    add_sandbox_command(sandbox)
    for command in (serve, webhooks, mock, sandbox):
        command.add_argument(
            "--port", type=port, default=os.environ.get("PORT") or _PORT, help="the gateway's"
        )
    add_commands(commands.add_parser)
    return parser


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError("the speed must be more than 0")
    return speed


if __name__ == "__main__":
    main()
