"""The command `doctor`: check the project and its restaurants, from this machine."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

import click
import httpx

from cli.api import OperatorSession
from cli.command import list_all, operator_command, read_webhook_url, translate_failures
from cli.output import CommandError, CommandResult, Console

_TIMEOUT_SECONDS = 10


@operator_command(
    "doctor", examples=["ledger doctor --local", "ledger doctor --profile production"]
)
@click.option("--connections", is_flag=True, help="Also test every restaurant's OpenTable access.")
async def doctor(session: OperatorSession, console: Console, *, connections: bool) -> CommandResult:
    """Check that this machine can operate the project.

    Reads Firestore, the partner secret and the accounts, and calls the webhook address. Changes
    nothing. Exit code 4 means that a check failed.
    """
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "Firestore": partial(_check_firestore, session),
        "Secrets": partial(_check_partner_secret, session),
        "Accounts": partial(_check_accounts, session),
        "Webhook URL": _check_webhook_url,
    }
    results: dict[str, dict[str, str | bool]] = {}

    async def run_check(name: str, check: Callable[[], Awaitable[str]]) -> None:
        try:
            with translate_failures():
                text, works = await check(), True
        except CommandError as error:
            text, works = error.message, False
        results[name] = {"works": works, "detail": text}
        if works:
            console.print_step(name, text)
        else:
            console.print_problem(f"{name}: {text}")

    for name, check in checks.items():
        await run_check(name, check)
    if connections:
        for restaurant in await list_all(session):
            name = restaurant["id"]
            await run_check(name, partial(_check_connection, session, name))
    is_healthy = all(result["works"] for result in results.values())
    return CommandResult({"checks": results}, is_action_required=not is_healthy)


async def _check_firestore(session: OperatorSession) -> str:
    return f"can be read; restaurants: {len(await list_all(session))}"


async def _check_partner_secret(session: OperatorSession) -> str:
    secret_id = session.app_context.environment.partner_secret
    if secret_id is None:
        return "OPENTABLE_PARTNER_SECRET is not set: each restaurant has its own credentials"
    await session.app_context.secret_store.read(secret_id)
    return f"{secret_id} can be read"


async def _check_accounts(session: OperatorSession) -> str:
    await session.accounts.find_by_email("nobody@example.com")
    return "Firebase Authentication can be read"


async def _check_webhook_url() -> str:
    url = read_webhook_url()
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as http:
            status = (await http.get(url)).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandError(f"{url} does not answer ({type(error).__name__}).") from None
    if status != HTTPStatus.METHOD_NOT_ALLOWED:  # the function accepts POST only
        raise CommandError(
            f"{url} answers a GET request with {status} instead of 405: it is not the address of "
            "opentable-webhook, or it is not public."
        )
    return f"{url} answers"


async def _check_connection(session: OperatorSession, restaurant_id: str) -> str:
    result = await session.restaurant(restaurant_id).call("POST", "integration/test")
    if not result["works"]:
        raise CommandError(result["problem"])
    return "OpenTable returns its reservations"
