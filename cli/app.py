"""The root of the operators' command line `ledger`: its commands, version and completion."""

import importlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

import click
from click.shell_completion import get_completion_class
from typing_extensions import override

from cli.help import LedgerCommand, LedgerGroup
from cli.output import (
    CommandError,
    CommandInterruptedError,
    ExitCode,
    closed_pipe_ends_quietly,
    write_json,
)

_PROGRAM = "ledger"
_COMPLETION_VARIABLE = "_LEDGER_COMPLETE"
# Command: its module and its summary. Modules are imported on use: --help, --version and shell
# completion then answer at once.
_COMMANDS = {
    "restaurants": ("cli.restaurants", "Connect restaurants, show their state, change settings."),
    "webhooks": ("cli.webhooks", "Show, send and secure webhooks."),
    "quarantine": ("cli.quarantine", "Review events that could not be applied."),
    "reconcile": ("cli.reports", "Compare a restaurant with OpenTable now, and correct it."),
    "reports": ("cli.reports", "Read reconciliation reports, and apply held plans."),
    "staff": ("cli.staff", "Manage who may open a restaurant's page."),
    "operators": ("cli.staff", "Manage who may open every restaurant."),
    "backup": ("cli.backup", "Back up all documents of a restaurant to a file."),
    "restore": ("cli.backup", "Restore the missing documents of a restaurant."),
    "rebuild": ("cli.backup", "Rebuild damaged reservations from their journals."),
    "export": ("cli.export", "Export a restaurant's data as JSON Lines."),
    "doctor": ("cli.doctor", "Check that this machine can operate the project."),
}


class RootGroup(LedgerGroup):
    """The commands of `ledger`, imported when they are used."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *self.commands]

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            command: click.Command = getattr(
                importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name
            )
            return command
        return super().get_command(ctx, cmd_name)

    @override
    def list_help_rows(self) -> list[tuple[str, str]]:
        rows = [(name, summary) for name, (_, summary) in _COMMANDS.items()]
        return rows + super().list_help_rows()

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] != "help" and not ctx.resilient_parsing and not self.get_command(ctx, args[0]):
            # `ledger status`: the group is missing.
            groups = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
            nested = [
                f"'{name} {args[0]}'"
                for name, group in groups.items()
                if isinstance(group, click.Group) and args[0] in group.commands
            ]
            if nested:
                message = f"No such command {args[0]!r}. Did you mean {' or '.join(nested)}?"
                raise click.NoSuchCommand(args[0], message, ctx=ctx)
            # click itself suggests only commands that are already imported.
            raise click.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    @override
    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with closed_pipe_ends_quietly():  # `--help` prints here
            return super().make_context(*args, **options)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            with closed_pipe_ends_quietly():
                return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            raise CommandInterruptedError from None

    @override
    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run a command line, and exit with its exit code."""
        # Read from the words: a wrong command line has no parsed options.
        words = args[0] if args else options.get("args")
        as_json = "--json" in (sys.argv[1:] if words is None else words)
        # https://no-color.org; otherwise click uses colors at a terminal only.
        options["color"] = False if os.environ.get("NO_COLOR") else None
        try:
            # Without the standalone mode click returns the exit code instead of exiting with it.
            result = super().main(*args, **options | {"standalone_mode": False})
            with closed_pipe_ends_quietly():
                sys.stdout.flush()  # must fail here, not when the interpreter exits
            sys.exit(result or ExitCode.SUCCESS)
        except (click.Abort, KeyboardInterrupt):
            error: click.ClickException = CommandInterruptedError()
        except click.ClickException as raised:
            error = raised
        error.show()
        if as_json:
            code = error.code if isinstance(error, CommandError) else "USAGE_ERROR"
            write_json({"error": {"code": code, "message": error.format_message()}}, sys.stdout)
        sys.exit(error.exit_code)


ledger = RootGroup(
    _PROGRAM,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "show_default": True,
        "max_content_width": 100,
    },
    help="Connect restaurants to OpenTable, check and repair their ledgers, and export data.",
    examples=[
        "ledger restaurants list",
        "ledger restaurants add bistro-7 --rid 555002 --time-zone Europe/London",
        "ledger restaurants status bistro-7",
        "ledger reconcile bistro-7 --dry-run",
    ],
)
try:
    _version = version("opentable-ledger")
except PackageNotFoundError:  # `python -m cli` from a checkout that is not installed
    _version = "unknown"
click.version_option(_version, prog_name=_PROGRAM, message="%(prog)s %(version)s")(ledger)


@click.command(
    "completion",
    cls=LedgerCommand,
    examples=['eval "$(ledger completion bash)"', "ledger completion fish | source"],
)
@click.argument(
    "shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL", help="bash, zsh or fish."
)
def completion(shell: str) -> None:
    """Print the completion script of a shell."""
    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise CommandError(f"There is no completion for {shell}.")
    click.echo(completion_class(ledger, {}, _PROGRAM, _COMPLETION_VARIABLE).source())


ledger.add_command(completion)
