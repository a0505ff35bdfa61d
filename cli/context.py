"""What every command needs: an environment, an API client for one restaurant, and a console."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeAlias

import click
import httpx

from cli.output import CommandError, CommandResult, Console, RetryLaterError, redirect_logs
from dev.local.processes import LOOPBACK
from dev.local.remote import read_run_status
from functions.api.app import build_app
from functions.api.requests import API_PREFIX
from shared.config import Environment, read_environment
from shared.context import AppContext, build_app_context
from shared.domain.normalization.identifiers import is_restaurant_id
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.restaurants.settings import read_integration_document
from shared.staff.identity import ApiContext, AuthenticatedUser, build_api_context

STANDARD_STREAM = "-"
_DEFAULT_PORT = 8080
_PORT_TYPE = click.IntRange(1, 65535)

CommandHandler: TypeAlias = Callable[..., Awaitable[CommandResult]]


@dataclass(frozen=True, slots=True)
class OperatorClient:
    """Calls the staff API for one restaurant, in this process and as an operator."""

    app_context: AppContext
    restaurant_id: str
    http: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Make a GET call; see `call`."""
        return await self.call("GET", path, query=query)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON of one call; `path` is below ``/api/restaurants/{restaurant_id}/``.

        Raises `CommandError` with the message of an API error.
        """
        response = await self.http.request(method, path, params=query, json=body)
        content: dict[str, Any] = response.json()
        if response.is_success:
            return content
        message = content["error"]["message"]
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            raise RetryLaterError(f"{message} --verbose shows the cause.")
        raise CommandError(message)


def build_operator_client(
    api_context: ApiContext, restaurant_id: str, user_name: str
) -> OperatorClient:
    """Connect to the staff API as an operator, without HTTP and without an ID token."""
    user = AuthenticatedUser(f"operator:{user_name}", is_operator=True)
    app = build_app(api_context, user)
    # Let these reach the operator with their text; a 503 response would not contain it.
    for error in (InvalidSettingsError, ServiceUnavailableError):
        del app.exception_handlers[error]
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"http://api{API_PREFIX.format(restaurant_id=restaurant_id)}/",
    )
    return OperatorClient(api_context.app_context, restaurant_id, http)


def restaurant_command(
    name: str,
    *,
    example: str,
    exclusive: Sequence[str] = (),
    requires_integration: bool = True,
) -> Callable[[CommandHandler], click.Command]:
    """Make a click command of a coroutine function that works on one restaurant.

    The function gets an `OperatorClient`, a `Console` and its options. Its docstring is the
    command's help. At most one of the `exclusive` parameters may be given.
    """

    def decorate(handler: CommandHandler) -> click.Command:
        @wraps(handler)
        def run(
            *,
            restaurant: str,
            project: str | None,
            local: bool,
            port: int | None,
            as_json: bool,
            assume_yes: bool,
            verbose: bool,
            **options: Any,
        ) -> None:
            _reject_combination({"local": local, "project": project})
            _reject_combination({parameter: options[parameter] for parameter in exclusive})
            environment = _select_environment(project, port, is_local=local)
            console = Console(
                sys.stdout,
                sys.stderr,
                # Data on stdout leaves no place there for messages.
                as_json=as_json or options.get("to") == STANDARD_STREAM,
                is_terminal=sys.stdin.isatty() and sys.stderr.isatty(),
                assume_yes=assume_yes,
            )

            async def run_handler() -> CommandResult:
                emulator = environment.firestore_emulator
                place = f"in the emulator at {emulator}" if emulator else "of Google Cloud"
                console.print_step("Place", f"project {environment.require_project()} {place}")
                api = await _open_client(
                    environment, restaurant, requires_integration=requires_integration
                )
                return await handler(api, console, **options)

            with redirect_logs(console, show_logs=verbose):
                result = asyncio.run(run_handler())
            console.write_result(result.output)
            click.get_current_context().exit(result.exit_code)

        command = click.command(name, epilog=f"\b\nExample:\n  python -m cli {example}")(run)
        command.params = [
            click.Argument(["restaurant"]),
            *command.params,
            click.Option(
                ["--project"], help="Google Cloud project. Default: GOOGLE_CLOUD_PROJECT."
            ),
            click.Option(["--local"], is_flag=True, help="Use the `make run` on this machine."),
            click.Option(["--port"], type=_PORT_TYPE, help="Port of that run; implies --local."),
            click.Option(
                ["--json", "as_json"], is_flag=True, help="Write one JSON object to stdout."
            ),
            click.Option(["--yes", "assume_yes"], is_flag=True, help="Confirm every question."),
            click.Option(["--verbose"], is_flag=True, help="Show log lines on stderr."),
        ]
        return command

    return decorate


def _reject_combination(parameters: Mapping[str, object]) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in parameters.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"Use only one of {', '.join(given)}.")


def _select_environment(project: str | None, port: int | None, *, is_local: bool) -> Environment:
    """Set the variables of this process for a local run or a project, and read them.

    Firestore's client reads some variables itself, so they must be set in the process.
    """
    if is_local or port:
        status = read_run_status(port or _PORT_TYPE(os.environ.get("PORT") or _DEFAULT_PORT))
        os.environ |= {
            "GOOGLE_CLOUD_PROJECT": status["project"],
            "FIRESTORE_EMULATOR_HOST": status["firestoreEmulator"],
            "OPENTABLE_API_URL": status["sandbox"],
            "OPENTABLE_OAUTH_URL": status["sandbox"],
            "OPENTABLE_PARTNER_SECRET": status["partnerSecret"],
            "SECRETS_FILE": status["secretsFile"],
            "no_proxy": LOOPBACK,
        }
    elif project:
        os.environ["GOOGLE_CLOUD_PROJECT"] = project
    # K_SERVICE marks a deployed function, but Cloud Shell and Cloud Run jobs set it too.
    return read_environment({k: v for k, v in os.environ.items() if k != "K_SERVICE"})


async def _open_client(
    environment: Environment, restaurant_id: str, *, requires_integration: bool
) -> OperatorClient:
    if not is_restaurant_id(restaurant_id):
        raise CommandError("A restaurant's id has 1 to 128 letters, digits, - or _.")
    try:
        user_name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user_name = "unknown"
    api_context = build_api_context(build_app_context(environment))
    api = build_operator_client(api_context, restaurant_id, user_name)
    # This read also shows at once whether the operator is signed in and may read Firestore.
    integration = await read_integration_document(api.app_context.firestore, restaurant_id)
    if requires_integration and integration is None:
        raise CommandError(f"{restaurant_id} has no OpenTable integration: `onboard` connects it.")
    return api
