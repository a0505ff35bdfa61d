"""The commands `staff …` of one restaurant, and `operators …` of a project."""

import click

from cli.api import OperatorClient, OperatorSession
from cli.command import operator_command, restaurant_command
from cli.help import LedgerGroup
from cli.output import CommandError, CommandResult, Console
from shared.staff.accounts import UserAccount

_ROLES = ("host", "manager")


def parse_email_address(text: str) -> str:
    """Return an e-mail address; Firebase checks the rest of it."""
    if "@" not in text:
        raise click.BadParameter(f"{text!r} is not an e-mail address such as ana@example.com.")
    return text


_email_argument = click.argument(
    "email", type=parse_email_address, help="E-mail address of the person's account."
)


@restaurant_command("list", examples=["ledger staff list bistro-7"])
async def print_staff(api: OperatorClient, console: Console) -> CommandResult:
    """List who may open a restaurant's page."""
    response = await api.get("staff")
    rows = [("e-mail", "name", "role", "state")]
    for member in response["staff"]:
        state = "disabled" if member["isDisabled"] else "active"
        if member["isInvited"]:
            state = "invited: no password yet"
        rows.append((member["email"] or member["uid"], member["name"] or "", member["role"], state))
    console.print_list(rows, empty="No staff yet: `ledger staff add` adds the first manager.")
    return CommandResult(response)


@restaurant_command(
    "add",
    examples=[
        "ledger staff add bistro-7 ana@example.com --role manager",
        "ledger staff add bistro-7 ben@example.com",
    ],
)
@_email_argument
@click.option("--role", type=click.Choice(_ROLES), default="host", help="What the person may do.")
async def add_staff(
    api: OperatorClient, console: Console, *, email: str, role: str
) -> CommandResult:
    """Give a person access to a restaurant's page, or change the role.

    A new account is created if the address has none. Its owner sets a password with the printed
    link, or with "Forgot password?" on the page.
    """
    response = await api.call("POST", "staff", body={"email": email, "role": role})
    console.print_step("Staff", f"{email} is {role} of {api.restaurant_id}")
    if response["accountIsNew"]:
        console.print_line("New account. Send this link to its owner; it sets the password:")
        console.print_line(await api.accounts.build_password_link(email))
    return CommandResult(response)


@restaurant_command("remove", examples=["ledger staff remove bistro-7 ben@example.com"])
@_email_argument
async def remove_staff(api: OperatorClient, console: Console, *, email: str) -> CommandResult:
    """End a person's access to a restaurant's page, within a minute."""
    members = (await api.get("staff"))["staff"]
    uids = [
        member["uid"] for member in members if email.lower() in {member["email"], member["uid"]}
    ]
    if not uids:
        raise CommandError(
            f"{email} is not on the staff: `ledger staff list {api.restaurant_id}` shows it."
        )
    console.confirm(f"{email} loses access to {api.restaurant_id}.")
    response = await api.call("DELETE", f"staff/{uids[0]}")
    console.print_step("Staff", f"{email} removed")
    return CommandResult(response)


staff = LedgerGroup(
    "staff",
    help="Manage who may open a restaurant's page.",
    commands=[print_staff, add_staff, remove_staff],
    examples=["ledger staff add bistro-7 ana@example.com --role manager"],
)


@operator_command("add", examples=["ledger operators add olga@example.com"])
@_email_argument
async def add_operator(session: OperatorSession, console: Console, *, email: str) -> CommandResult:
    """Let a person open every restaurant, with all rights."""
    account = await _require_account(session, email)
    console.confirm(f"{email} gets all rights on all restaurants.")
    await session.accounts.set_operator(account, is_operator=True)
    console.print_step("Operator", f"{email}: the next sign-in has the right")
    return CommandResult({"uid": account.uid, "isOperator": True})


@operator_command("remove", examples=["ledger operators remove olga@example.com"])
@_email_argument
async def remove_operator(
    session: OperatorSession, console: Console, *, email: str
) -> CommandResult:
    """End a person's rights as an operator, within a minute, and all sessions."""
    account = await _require_account(session, email)
    await session.accounts.set_operator(account, is_operator=False)
    console.print_step("Operator", f"{email} is not an operator anymore and must sign in again")
    return CommandResult({"uid": account.uid, "isOperator": False})


async def _require_account(session: OperatorSession, email: str) -> UserAccount:
    account = await session.accounts.find_by_email(email)
    if account is None:
        raise CommandError(
            f"No account has the address {email}: the person must first open one, for example as "
            "staff of a restaurant with `ledger staff add`."
        )
    return account


operators = LedgerGroup(
    "operators",
    help="Manage who may open every restaurant.",
    commands=[add_operator, remove_operator],
    examples=["ledger operators add olga@example.com"],
)
