"""Runs one of the operator's commands, and gives whatever happens an exit code and a sentence."""

import argparse
import asyncio
import getpass
import os
import sys

from google.auth.exceptions import GoogleAuthError

from dev.operating.console import Console, NotConfirmedError, log_lines
from dev.operating.desk import open_desk, refuse_unknown
from dev.operating.endings import Ending, Exit, TryAgainError
from dev.operating.place import go_to, place_in_words
from dev.remote import NotRunningError
from functions.staff.replies import RefusalError
from shared.edge.environment import Environment
from shared.edge.services import make_services
from shared.edge.staff.staffroom import open_staffroom
from shared.errors import (
    ForceRefusedError,
    InvalidSettingsError,
    LedgerUnavailableError,
    OpenTableError,
    OpenTableUnavailableError,
)

_RUN_PORT = 8080
_TRY_AGAIN = (LedgerUnavailableError, OpenTableUnavailableError, TryAgainError)
_REFUSED = (
    ForceRefusedError,
    GoogleAuthError,
    InvalidSettingsError,
    NotConfirmedError,
    NotRunningError,
    OpenTableError,
    RefusalError,
)


def operate(said: argparse.Namespace) -> int:
    """Run a command.

    Args:
        said: The command line, as `dev.operating.arguments` reads it.

    Returns:
        The exit code, an `Exit`.
    """
    try:
        environment = go_to(_local_port(said), said.project)
        return asyncio.run(_run(said, _console(said), environment))
    except KeyboardInterrupt:
        return _end(Exit.INTERRUPTED, "Interrupted: run the same command again to go on.")
    except _TRY_AGAIN as error:
        return _end(Exit.TRY_AGAIN, _sentence(error))
    except _REFUSED as error:
        return _end(Exit.REFUSED, _sentence(error))


async def _run(said: argparse.Namespace, console: Console, environment: Environment) -> int:
    console.done("Place", place_in_words(environment))
    room = open_staffroom(make_services(environment))
    desk = open_desk(room, said.restaurant, _user())
    with log_lines(console, shown=said.verbose):
        if said.command != "onboard":
            await refuse_unknown(desk)
        ending: Ending = await said.operate(desk, console, said)
    console.result(ending.told)
    return ending.code


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _console(said: argparse.Namespace) -> Console:
    # An export to the standard output leaves no room for words there.
    as_json = said.json or (said.command == "export" and said.to is None)
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    return Console(
        sys.stdout, sys.stderr, as_json=as_json, is_terminal=is_terminal, assents=said.yes
    )


def _local_port(said: argparse.Namespace) -> int | None:
    if said.port is None and not said.local:
        return None
    return int(said.port or os.environ.get("PORT") or _RUN_PORT)


def _end(code: Exit, text: str) -> int:
    print(text, file=sys.stderr)
    return code


def _sentence(error: Exception) -> str:
    if isinstance(error, RefusalError):
        return error.body.error.message
    if isinstance(error, GoogleAuthError):
        return "Sign in first: `gcloud auth application-default login`."
    if isinstance(error, LedgerUnavailableError):
        return _unavailable(str(error))
    return str(error)


def _unavailable(what: str) -> str:
    if "PermissionDenied" in what or "Forbidden" in what:
        return "Firestore refuses you: ask for roles/datastore.user on the project."
    return f"It cannot be done just now ({what}): run the command again."
