"""The command `doctor`: check the project and its restaurants, from this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import click

from cli.api import OperatorSession
from cli.command import (
    list_restaurants,
    operator_command,
    read_webhook_url,
    request_webhook_url,
    translate_failures,
)
from cli.output import CommandError, CommandResult, Console


@operator_command(
    "doctor", examples=["ledger doctor --local", "ledger doctor --profile production"]
)
@click.option("--connections", is_flag=True, help="Also test every restaurant's OpenTable access.")
async def doctor(session: OperatorSession, console: Console, *, connections: bool) -> CommandResult:
    """Check that this machine can operate the project.

    Reads Firestore, the partner secret and the accounts, and calls the webhook address. Changes
    nothing. Exit code 4 means that a check failed.
    """
    checkup = Checkup(console)
    with checkup.continue_after_failure("Firestore"):
        count = len(await list_restaurants(session))
        checkup.report("Firestore", f"can be read; restaurants: {count}")
    with checkup.continue_after_failure("Secrets"):
        secret_id = session.app_context.environment.partner_secret
        if secret_id is not None:
            await session.app_context.secret_store.read(secret_id)
            checkup.report("Secrets", f"{secret_id} can be read")
        else:
            checkup.report(
                "Secrets",
                "OPENTABLE_PARTNER_SECRET is not set: each restaurant has its own credentials",
            )
    with checkup.continue_after_failure("Accounts"):
        # Any address will do: a missing account is no failure, a missing permission is one.
        await session.accounts.find_by_email("nobody@example.com")
        checkup.report("Accounts", "Firebase Authentication can be read")
    with checkup.continue_after_failure("Webhook URL"):
        checkup.report("Webhook URL", await _check_webhook_url())
    if connections:
        for restaurant in await list_restaurants(session):
            name = restaurant["id"]
            with checkup.continue_after_failure(name):
                result = await session.restaurant(name).call("POST", "integration/test")
                works = result["works"]
                detail = "OpenTable returns its reservations" if works else result["problem"]
                checkup.report(name, detail, works=works)
    is_healthy = all(outcome["works"] for outcome in checkup.outcomes.values())
    return CommandResult({"checks": checkup.outcomes}, is_action_required=not is_healthy)


@dataclass(frozen=True, slots=True)
class Checkup:
    """The outcome of each check, also printed."""

    console: Console
    outcomes: dict[str, dict[str, str | bool]] = field(default_factory=dict)

    def report(self, name: str, detail: str, *, works: bool = True) -> None:
        """Record and print the outcome of a check."""
        self.outcomes[name] = {"works": works, "detail": detail}
        if works:
            self.console.print_step(name, detail)
        else:
            self.console.print_problem(f"{name}: {detail}")

    @contextmanager
    def continue_after_failure(self, name: str) -> Iterator[None]:
        """Report an expected failure in the block as the outcome of the check."""
        try:
            with translate_failures():
                yield
        except CommandError as error:
            self.report(name, error.message, works=False)


async def _check_webhook_url() -> str:
    url = read_webhook_url()
    status = (await request_webhook_url("GET", url, timeout_seconds=10)).status_code
    if status != HTTPStatus.METHOD_NOT_ALLOWED:  # the function accepts POST only
        raise CommandError(
            f"{url} answers a GET request with {status} instead of 405: it is not the address of "
            "opentable-webhook, or it is not public."
        )
    return f"{url} answers"
