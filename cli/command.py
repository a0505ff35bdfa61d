"""Makes click commands of coroutine functions, with target, output and errors of all commands."""

import asyncio
import getpass
import io
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, TypeAlias

import click
import httpx
from click.shell_completion import CompletionItem
from google.auth.exceptions import GoogleAuthError
from typing_extensions import override

from cli.api import OperatorSession, open_operator_session
from cli.help import LedgerCommand
from cli.output import (
    STANDARD_STREAM,
    CommandError,
    CommandResult,
    Console,
    RetryLaterError,
    redirect_logs,
)
from cli.target import (
    EXCLUSIVE_TARGETS,
    TARGET_NAMES,
    TARGET_OPTIONS,
    LocalRun,
    select_target,
)
from functions.api.auth import build_api_context
from shared.config import Environment
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

_COMPLETION_TIMEOUT_SECONDS = 3
_RESTAURANTS_PER_PAGE = 100
_COMMON_OPTIONS = (
    *TARGET_OPTIONS,
    click.Option(["--json", "as_json"], is_flag=True, help="Write one JSON object to stdout."),
    click.Option(["--yes", "assume_yes"], is_flag=True, help="Confirm every question."),
    click.Option(["--verbose"], is_flag=True, help="Show log lines on stderr."),
)

CommandHandler: TypeAlias = Callable[..., Awaitable[CommandResult]]
Restaurant: TypeAlias = dict[str, Any]


class RestaurantId(click.ParamType[str]):
    """Lineup's id of a restaurant, checked and completed."""

    name = "restaurant"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_restaurant_id(value):
            self.fail("a restaurant's id has 1 to 128 letters, digits, - or _.", param, ctx)
        return str(value)

    @override
    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the restaurants of the target that the command line names so far."""

        async def list_ids(environment: Environment, local_run: LocalRun | None) -> list[str]:
            async with asyncio.timeout(_COMPLETION_TIMEOUT_SECONDS):
                session = _open_session(environment, local_run)
                return [restaurant["id"] for restaurant in await list_restaurants(session)]

        # Nothing but the ids may reach the terminal.
        console = Console(io.StringIO(), io.StringIO())
        try:
            with redirect_logs(console, show_logs=False), translate_failures():
                names = asyncio.run(list_ids(*_select_target(ctx)))
        except (click.ClickException, TimeoutError):
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


restaurant_argument = partial(
    click.argument, "restaurant", type=RestaurantId(), help="Lineup's id, such as bistro-7."
)


class Moment(click.DateTime):
    """A date or time; its error message shows examples instead of format codes."""

    def __init__(self, *examples: str, formats: Sequence[str]) -> None:
        super().__init__(formats)
        self._examples = examples

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not in the form {' or '.join(self._examples)}.", param, ctx)


class Count(click.IntRange):
    """A number of things; click would call it an "integer range" in its messages."""

    name = "number"


def restaurant_command(
    name: str,
    *,
    examples: Sequence[str],
    exclusive: Sequence[tuple[str, str]] = (),
    requires_one_of: Sequence[str] = (),
    requires_integration: bool = True,
) -> Callable[[CommandHandler], click.Command]:
    """Make a command of a coroutine function that works on one restaurant.

    The function gets an `OperatorClient`, a `Console` and its options. Its docstring is the
    command's help. The parameters of an `exclusive` pair cannot be combined, and exactly one of
    `requires_one_of` must be given.
    """

    def decorate(handler: CommandHandler) -> click.Command:
        @wraps(handler)
        async def handle(
            session: OperatorSession, console: Console, *, restaurant: str, **options: Any
        ) -> CommandResult:
            await require_integration(session, restaurant, is_required=requires_integration)
            return await handler(session.restaurant(restaurant), console, **options)

        make_command = operator_command(
            name, examples=examples, exclusive=exclusive, requires_one_of=requires_one_of
        )
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


async def list_restaurants(session: OperatorSession, **query: Any) -> list[Restaurant]:
    """Return every restaurant with an OpenTable integration, as the API lists it."""
    restaurants: list[Restaurant] = []
    cursor: dict[str, str] = {}
    while True:
        page = await session.get("restaurants", limit=_RESTAURANTS_PER_PAGE, **query, **cursor)
        restaurants += page["restaurants"]
        if page["nextCursor"] is None:
            return restaurants
        cursor = {"cursor": page["nextCursor"]}


def read_webhook_url() -> str:
    """Return the address of the webhook function."""
    url = os.environ.get("WEBHOOK_URL")
    if not url:
        raise CommandError(
            "Set WEBHOOK_URL to the address of opentable-webhook, in the environment or in a "
            "profile. `gcloud run services describe opentable-webhook` shows it."
        )
    return url


async def request_webhook_url(
    method: str, url: str, *, timeout_seconds: float, **request: Any
) -> httpx.Response:
    """Return the response of the webhook function."""
    try:
        async with httpx.AsyncClient(timeout=timeout_seconds) as http:
            return await http.request(method, url, **request)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(
            f"{url} does not answer ({type(error).__name__}): check WEBHOOK_URL and the network."
        ) from None


def operator_command(
    name: str,
    *,
    examples: Sequence[str],
    exclusive: Sequence[tuple[str, str]] = (),
    requires_one_of: Sequence[str] = (),
) -> Callable[[CommandHandler], click.Command]:
    """Make a command of a coroutine function that works on a project; see `restaurant_command`."""

    def decorate(handler: CommandHandler) -> click.Command:
        @wraps(handler)
        def run(*, as_json: bool, assume_yes: bool, verbose: bool, **options: Any) -> None:
            context = click.get_current_context()
            _check_combinations(context, exclusive, requires_one_of)
            console = Console(
                sys.stdout,
                sys.stderr,
                # Data on stdout leaves no place there for messages.
                as_json=as_json or options.get("to") == STANDARD_STREAM,
                is_terminal=sys.stdin.isatty() and sys.stderr.isatty(),
                assume_yes=assume_yes,
            )
            handler_options = {k: v for k, v in options.items() if k not in TARGET_NAMES}

            async def run_handler(
                environment: Environment, local_run: LocalRun | None
            ) -> CommandResult:
                emulator = environment.firestore_emulator
                place = f"emulator at {emulator}" if emulator else "Google Cloud"
                console.print_step("Project", f"{environment.project} ({place})")
                session = _open_session(environment, local_run)
                return await handler(session, console, **handler_options)

            with redirect_logs(console, show_logs=verbose), translate_failures():
                result = asyncio.run(run_handler(*_select_target(context)))
            if as_json:
                console.write_result(result.output)
            context.exit(result.exit_code)

        command = click.command(name, cls=LedgerCommand, examples=examples)(run)
        command.params += _COMMON_OPTIONS
        return command

    return decorate


def _select_target(context: click.Context) -> tuple[Environment, LocalRun | None]:
    options = {name: context.params[name] for name in TARGET_NAMES}
    return select_target(**options, is_project_given=_is_given(context, "project"))


def _open_session(environment: Environment, local_run: LocalRun | None) -> OperatorSession:
    try:
        user_name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user_name = "unknown"
    api_context = build_api_context(build_app_context(environment))
    return open_operator_session(api_context, user_name, local_run)


def _is_given(context: click.Context, parameter: str) -> bool:
    """Whether a parameter stands on the command line, not only in the environment."""
    source = context.get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE


def _check_combinations(
    context: click.Context, exclusive: Sequence[tuple[str, str]], requires_one_of: Sequence[str]
) -> None:
    """Raise a usage error if parameters that exclude each other are given."""
    labels = {
        parameter.name: (
            parameter.human_readable_name
            if isinstance(parameter, click.Argument)
            else parameter.opts[0]
        )
        for parameter in context.command.params
    }
    for names in (*EXCLUSIVE_TARGETS, *exclusive, requires_one_of):
        given = [labels[name] for name in names if _is_given(context, name)]
        if len(given) > 1:
            raise click.UsageError(f"Use only one of {', '.join(given)}.")
        if names is requires_one_of and names and not given:
            raise click.UsageError(f"Missing {' or '.join(labels[name] for name in names)}.")


@contextmanager
def translate_failures() -> Iterator[None]:
    """Turn every expected failure into one sentence and its exit code."""
    try:
        yield
    except GoogleAuthError:
        raise CommandError("Sign in first: `gcloud auth application-default login`.") from None
    except ServiceUnavailableError as error:
        # The text is the type of Google's error; see `translate_firestore_errors`.
        match str(error):
            case "PermissionDenied" | "Forbidden":
                text = (
                    "Firestore denies access: check the project's name, and ask for "
                    "roles/datastore.user on it (`operators` in infra/)."
                )
                raise CommandError(text) from None
            case "NotFound":
                text = "The project or its Firestore database does not exist: check the name."
                raise CommandError(text) from None
        raise RetryLaterError(
            f"Temporarily unavailable ({error}): run the command again."
        ) from None
    except OpenTableUnavailableError as error:
        raise RetryLaterError(str(error)) from None
    except (InvalidSettingsError, OpenTableError, PlanNotExecutableError) as error:
        raise CommandError(str(error)) from None
