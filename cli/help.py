"""The layout of help pages: description, usage, commands, flags, examples, exit codes."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

import click
from typing_extensions import override

# Every command has these; a help page lists them after its own flags.
COMMON_FLAGS = ("project", "local", "port", "profile", "as_json", "assume_yes", "verbose")
EXIT_CODES = (
    ("0", "done"),
    ("1", "failed; the message says what to do"),
    ("2", "the command line is wrong"),
    ("3", "temporarily not possible: run the command again"),
    ("4", "done, but an operator must act"),
    ("130", "interrupted: run the command again to continue"),
)


class LedgerCommand(click.Command):
    """A command whose help page has examples."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.options_metavar = None  # help and usage errors end with "[flags]" instead
        self.examples = examples

    @override
    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[flags]"]

    @override
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_description_and_usage(self, ctx, formatter)
        arguments: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        own: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Argument):
                arguments.append(record)
            elif record is not None:
                is_common = parameter.name in COMMON_FLAGS or "--help" in parameter.opts
                (common if is_common else own).append(record)
        _write_section(formatter, "ARGUMENTS", arguments)
        _write_section(formatter, "FLAGS", own)
        _write_section(formatter, "COMMON FLAGS", common)
        _write_examples(formatter, self.examples)
        codes = ", ".join(f"{code} {re.split('[;:]', text)[0]}" for code, text in EXIT_CODES)
        _write_paragraph(formatter, "EXIT CODES", codes)


class LedgerGroup(click.Group):
    """A group of commands, listed in the order in which they were added."""

    command_class = LedgerCommand

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.options_metavar, self.subcommand_metavar = None, "<command> [flags]"
        self.examples = examples

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def list_help_rows(self) -> list[tuple[str, str]]:
        """Return the name and the summary of each command."""
        return [(name, self.commands[name].get_short_help_str(100)) for name in self.commands]

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == "help" and not ctx.resilient_parsing:  # `help add` means `add --help`
            if len(args) == 1:
                click.echo(ctx.get_help())
                ctx.exit()
            args = [*args[1:], "--help"]
        return super().resolve_command(ctx, args)

    @override
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_description_and_usage(self, ctx, formatter)
        _write_section(formatter, "COMMANDS", self.list_help_rows())
        records = [parameter.get_help_record(ctx) for parameter in self.get_params(ctx)]
        _write_section(formatter, "FLAGS", [record for record in records if record])
        _write_examples(formatter, self.examples)
        if ctx.parent is None:
            _write_section(formatter, "EXIT CODES", EXIT_CODES)
        text = f"`{ctx.command_path} <command> --help` describes a command."
        _write_paragraph(formatter, "LEARN MORE", text)


def _write_description_and_usage(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    formatter.write_text(inspect.cleandoc(command.help or ""))
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    _write_paragraph(formatter, "USAGE", usage)


def _write_section(
    formatter: click.HelpFormatter, heading: str, rows: Sequence[tuple[str, str]]
) -> None:
    if rows:
        _write_heading(formatter, heading)
        with formatter.indentation():
            formatter.write_dl(rows)


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    if examples:
        _write_heading(formatter, "EXAMPLES")
        for example in examples:  # never wrapped: an example is copied
            formatter.write(f"  $ {example}\n")


def _write_heading(formatter: click.HelpFormatter, heading: str) -> None:
    formatter.write(f"\n{click.style(heading, bold=True)}\n")


def _write_paragraph(formatter: click.HelpFormatter, heading: str, text: str) -> None:
    _write_heading(formatter, heading)
    with formatter.indentation():
        formatter.write_text(text)
