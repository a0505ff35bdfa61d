"""Runs one of the operator's commands, and gives whatever happens an exit code and a sentence."""

import argparse
import asyncio
import getpass
import os
import sys

from google.auth.exceptions import GoogleAuthError

from cli.console import Console, NotConfirmedError, redirect_logs
from cli.desk import open_operator_client, require_integration
from cli.endings import CommandResult, ExitCode, RetryLaterError
from cli.place import describe_environment, select_environment
from dev.local.remote import RunNotReachableError
from functions.api.replies import ApiError
from shared.config import Environment
from shared.context import build_app_context
from shared.errors import (
    InvalidSettingsError,
    OpenTableError,
    OpenTableUnavailableError,
    PlanNotExecutableError,
    ServiceUnavailableError,
)
from shared.staff.auth import build_api_context

_DEFAULT_PORT = 8080
_RETRYABLE_ERRORS = (ServiceUnavailableError, OpenTableUnavailableError, RetryLaterError)
_REPORTED_ERRORS = (
    PlanNotExecutableError,
    GoogleAuthError,
    InvalidSettingsError,
    NotConfirmedError,
    RunNotReachableError,
    OpenTableError,
    ApiError,
)


def run_command(args: argparse.Namespace) -> int:
    """Run a command.

    Args:
        args: The command line, as `cli.arguments` reads it.

    Returns:
        The exit code, an `ExitCode`.
    """
    try:
        environment = select_environment(_resolve_local_port(args), args.project)
        return asyncio.run(_run_handler(args, _build_console(args), environment))
    except KeyboardInterrupt:
        return _print_error(
            ExitCode.INTERRUPTED, "Interrupted: run the same command again to go on."
        )
    except _RETRYABLE_ERRORS as error:
        return _print_error(ExitCode.RETRY_LATER, _describe_error(error))
    except _REPORTED_ERRORS as error:
        return _print_error(ExitCode.FAILED, _describe_error(error))


async def _run_handler(args: argparse.Namespace, console: Console, environment: Environment) -> int:
    console.print_step("Place", describe_environment(environment))
    api_context = build_api_context(build_app_context(environment))
    api = open_operator_client(api_context, args.restaurant, _get_user_name())
    with redirect_logs(console, show_logs=args.verbose):
        if args.command != "onboard":
            await require_integration(api)
        result: CommandResult = await args.operate(api, console, args)
    console.write_result(result.output)
    return result.exit_code


def _get_user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _build_console(args: argparse.Namespace) -> Console:
    # An export to the standard output leaves no room for words there.
    as_json = args.json or (args.command == "export" and args.to is None)
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    return Console(
        sys.stdout, sys.stderr, as_json=as_json, is_terminal=is_terminal, assume_yes=args.yes
    )


def _resolve_local_port(args: argparse.Namespace) -> int | None:
    if args.port is None and not args.local:
        return None
    return int(args.port or os.environ.get("PORT") or _DEFAULT_PORT)


def _print_error(code: ExitCode, text: str) -> int:
    print(text, file=sys.stderr)
    return code


def _describe_error(error: Exception) -> str:
    if isinstance(error, ApiError):
        return error.body.error.message
    if isinstance(error, GoogleAuthError):
        return "Sign in first: `gcloud auth application-default login`."
    if isinstance(error, ServiceUnavailableError):
        return _describe_unavailable(str(error))
    return str(error)


def _describe_unavailable(error_text: str) -> str:
    if "PermissionDenied" in error_text or "Forbidden" in error_text:
        return "Firestore refuses you: ask for roles/datastore.user on the project."
    return f"It cannot be done just now ({error_text}): run the command again."
