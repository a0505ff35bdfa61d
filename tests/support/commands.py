"""Finds the command of a documented command line."""

from contextlib import suppress

import click

from cli.app import ledger


def find_command(words: list[str]) -> click.Command:
    """Return the command that `words` name, after parsing the rest of them.

    Text about commands may name a group or a command without its arguments. Raises a usage error
    for unknown commands and flags.
    """
    context = click.Context(ledger)
    command: click.Command = ledger
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
    if rest and rest[0] not in {"--help", "--version"}:
        with suppress(click.MissingParameter):
            command.make_context(words[-1], rest)
    return command
