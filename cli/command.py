"""Makes click commands of coroutine functions, with target, output and errors of all commands."""

import asyncio
import getpass
import os
import sys
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeAlias

import click
from google.auth.exceptions import GoogleAuthError

from cli.api import OperatorSession, open_operator_session
from cli.help import LedgerCommand
from cli.local_run import (
    LOCAL_WEBHOOK_PATH,
    LocalRun,
    RunNotReachableError,
    build_run_url,
    read_run_status,
)
from cli.output import CommandError, CommandResult, Console, RetryLaterError, redirect_logs
from shared.config import Environment, read_environment
from shared.context import build_app_context
from shared.domain.normalization.identifiers import is_restaurant_id
from shared.errors import (
    InvalidSettingsError,
    OpenTableError,
    OpenTableUnavailableError,
    PlanNotExecutableError,
    ServiceUnavailableError,
)
from shared.restaurants.settings import read_integration_document
from shared.staff.identity import build_api_context

STANDARD_STREAM = "-"
PROFILES_FILE = Path("~/.config/opentable-ledger/profiles.toml")
_DEFAULT_PORT = 8080
_PORT_TYPE = click.IntRange(1, 65535)

CommandHandler: TypeAlias = Callable[..., Awaitable[CommandResult]]


def _check_restaurant_id(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> str | None:
    if value is not None and not is_restaurant_id(value):
        raise click.BadParameter("a restaurant's id has 1 to 128 letters, digits, - or _.")
    return value


restaurant_argument = partial(
    click.argument,
    "restaurant",
    callback=_check_restaurant_id,
    help="Lineup's id, such as bistro-7.",
)


def restaurant_command(
    name: str,
    *,
    examples: Sequence[str],
    exclusive: Sequence[str] = (),
    requires_integration: bool = True,
) -> Callable[[CommandHandler], click.Command]:
    """Make a command of a coroutine function that works on one restaurant.

    The function gets an `OperatorClient`, a `Console` and its options. Its docstring is the
    command's help. At most one of the `exclusive` parameters may be given.
    """

    def decorate(handler: CommandHandler) -> click.Command:
        @wraps(handler)
        async def handle(
            session: OperatorSession, console: Console, *, restaurant: str, **options: Any
        ) -> CommandResult:
            await require_integration(session, restaurant, is_required=requires_integration)
            return await handler(session.restaurant(restaurant), console, **options)

        make_command = operator_command(name, examples=examples, exclusive=exclusive)
        return make_command(restaurant_argument()(handle))

    return decorate


async def require_integration(
    session: OperatorSession, restaurant_id: str, *, is_required: bool = True
) -> None:
    """Refuse a restaurant without an OpenTable integration.

    The read also shows at once whether the operator is signed in and may read Firestore.
    """
    document = await read_integration_document(session.app_context.firestore, restaurant_id)
    if document is None and is_required:
        raise CommandError(
            f"{restaurant_id} has no OpenTable integration: `ledger restaurants list` shows "
            "the connected restaurants, `ledger restaurants add` connects one."
        )


def read_webhook_url() -> str:
    """Return the address of the webhook function."""
    url = os.environ.get("WEBHOOK_URL")
    if not url:
        raise CommandError(
            "Set WEBHOOK_URL to the address of opentable-webhook, in the environment or in a "
            "profile. `gcloud run services describe opentable-webhook` shows it."
        )
    return url


def operator_command(
    name: str, *, examples: Sequence[str], exclusive: Sequence[str] = ()
) -> Callable[[CommandHandler], click.Command]:
    """Make a command of a coroutine function that works on a project; see `restaurant_command`."""

    def decorate(handler: CommandHandler) -> click.Command:
        @wraps(handler)
        def run(
            *,
            project: str | None,
            local: bool,
            port: int | None,
            profile: str | None,
            as_json: bool,
            assume_yes: bool,
            verbose: bool,
            **options: Any,
        ) -> None:
            _reject_combination(
                {"local": local or port, "project": project and _is_given("project")}
            )
            _reject_combination({parameter: options[parameter] for parameter in exclusive})
            console = Console(
                sys.stdout,
                sys.stderr,
                # Data on stdout leaves no place there for messages.
                as_json=as_json or options.get("to") == STANDARD_STREAM,
                is_terminal=sys.stdin.isatty() and sys.stderr.isatty(),
                assume_yes=assume_yes,
            )

            async def run_handler(environment: Environment) -> CommandResult:
                emulator = environment.firestore_emulator
                place = f"in the emulator at {emulator}" if emulator else "of Google Cloud"
                console.print_step("Place", f"project {environment.project} {place}")
                context = build_api_context(build_app_context(environment))
                session = open_operator_session(context, _read_user_name(), local_run)
                return await handler(session, console, **options)

            with redirect_logs(console, show_logs=verbose), _expected_failures():
                local_run = None
                if local or port:
                    port = port or _PORT_TYPE(os.environ.get("PORT") or _DEFAULT_PORT)
                    local_run = LocalRun(port, read_run_status(port))
                environment = _select_environment(local_run, project, profile)
                result = asyncio.run(run_handler(environment))
            if as_json:
                console.write_result(result.output)
            click.get_current_context().exit(result.exit_code)

        command = click.command(name, cls=LedgerCommand, examples=examples)(run)
        command.params += _build_common_options()
        return command

    return decorate


def _build_common_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--project"],
            envvar=["LEDGER_PROJECT", "GOOGLE_CLOUD_PROJECT"],
            metavar="NAME",
            help="Google Cloud project. Default: LEDGER_PROJECT, else GOOGLE_CLOUD_PROJECT.",
        ),
        click.Option(["--local"], is_flag=True, help="Use the `make run` on this machine."),
        click.Option(
            ["--port"], type=_PORT_TYPE, metavar="N", help="Port of that run; implies --local."
        ),
        click.Option(
            ["--profile"],
            envvar="LEDGER_PROFILE",
            metavar="NAME",
            help=f"Settings from {PROFILES_FILE}. Default: LEDGER_PROFILE.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Write one JSON object to stdout."),
        click.Option(["--yes", "assume_yes"], is_flag=True, help="Confirm every question."),
        click.Option(["--verbose"], is_flag=True, help="Show log lines on stderr."),
    ]


def _is_given(parameter: str) -> bool:
    """Whether a parameter stands on the command line, not only in the environment."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE


def _reject_combination(parameters: Mapping[str, object]) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in parameters.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"Use only one of {', '.join(given)}.")


def _read_user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _select_environment(
    local_run: LocalRun | None, project: str | None, profile: str | None
) -> Environment:
    """Set the variables of this process for a local run or a project, and read them.

    Firestore's client reads some variables itself, so they must be set in the process.
    """
    if local_run is not None:
        status = local_run.status
        os.environ |= {
            "GOOGLE_CLOUD_PROJECT": status["project"],
            "FIRESTORE_EMULATOR_HOST": status["firestoreEmulator"],
            "FIREBASE_AUTH_EMULATOR_HOST": status["authEmulator"],
            "OPENTABLE_API_URL": status["sandbox"],
            "OPENTABLE_OAUTH_URL": status["sandbox"],
            "OPENTABLE_PARTNER_SECRET": status["partnerSecret"],
            "SECRETS_FILE": status["secretsFile"],
            "WEBHOOK_URL": build_run_url(local_run.port, LOCAL_WEBHOOK_PATH),
            "no_proxy": "127.0.0.1",
        }
    else:
        if profile:
            os.environ |= _read_profile(profile)
        if project and (_is_given("project") or not profile):
            os.environ["GOOGLE_CLOUD_PROJECT"] = project
        if not os.environ.get("GOOGLE_CLOUD_PROJECT"):
            raise CommandError(
                "Name a place: --local for the `make run` on this machine, --project for a Google "
                "Cloud project, or --profile."
            )
    # K_SERVICE marks a deployed function, but Cloud Shell and Cloud Run jobs set it too.
    return read_environment({k: v for k, v in os.environ.items() if k != "K_SERVICE"})


def _read_profile(name: str) -> dict[str, str]:
    """Return the environment variables of a profile."""
    try:
        profiles = tomllib.loads(PROFILES_FILE.expanduser().read_text())
    except (OSError, RuntimeError):
        raise CommandError(
            f"{PROFILES_FILE} cannot be read: create it with a table [{name}] of environment "
            'variables, such as GOOGLE_CLOUD_PROJECT = "my-project".'
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"{PROFILES_FILE} is not valid TOML: {error}.") from None
    variables = profiles.get(name)
    if not isinstance(variables, dict) or not all(isinstance(v, str) for v in variables.values()):
        raise CommandError(f"{PROFILES_FILE} needs a table [{name}] of texts.")
    return variables


@contextmanager
def _expected_failures() -> Iterator[None]:
    """Turn every expected failure into one sentence and its exit code."""
    try:
        yield
    except GoogleAuthError:
        raise CommandError("Sign in first: `gcloud auth application-default login`.") from None
    except ServiceUnavailableError as error:
        if "PermissionDenied" in str(error) or "Forbidden" in str(error):
            text = "Firestore denies access: ask for roles/datastore.user on the project."
        else:
            text = f"Temporarily unavailable ({error}): run the command again."
        raise RetryLaterError(text) from None
    except OpenTableUnavailableError as error:
        raise RetryLaterError(str(error)) from None
    except (
        InvalidSettingsError,
        OpenTableError,
        PlanNotExecutableError,
        RunNotReachableError,
    ) as error:
        raise CommandError(str(error)) from None
