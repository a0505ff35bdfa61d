"""The commands `webhooks …`: address, test events, and credentials."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import click

from cli.api import OperatorClient, encode_struct
from cli.command import Count, read_webhook_url, request_webhook_url, restaurant_command
from cli.help import LedgerGroup
from cli.output import CommandError, CommandResult, Console, read_input
from cli.rotation import (
    check_credential,
    read_webhook_credentials,
    retire_credentials,
    rotate_credential,
)
from shared.domain.normalization.field_values import format_utc
from shared.domain.settings import WebhookAuthScheme
from shared.ingest.deliveries import MAX_DELIVERIES, read_recent_webhooks
from shared.restaurants.webhook_credentials import build_authentication_headers

_EVENT_TYPES = ("created", "updated", "cancelled")


@restaurant_command("url", examples=["ledger webhooks url bistro-7"])
async def show_url(api: OperatorClient, console: Console) -> CommandResult:
    """Print the address to which webhooks are sent, and the accepted authentication.

    All restaurants have the same address.
    """
    url = read_webhook_url()
    integration = await api.get("integration")
    console.print_step("URL", url)
    accepted = ", ".join(integration["webhookAuth"]) or "none: no webhook is accepted"
    console.print_step("Accepted", accepted)
    return CommandResult({"url": url, "webhookAuth": integration["webhookAuth"]})


@restaurant_command(
    "recent",
    examples=["ledger webhooks recent bistro-7", "ledger webhooks recent bistro-7 --failed"],
)
@click.option("--failed", is_flag=True, help="Only refused and quarantined webhooks.")
@click.option("--limit", type=Count(1, MAX_DELIVERIES), default=20, help="How many.")
async def list_recent(
    api: OperatorClient, console: Console, *, failed: bool, limit: int
) -> CommandResult:
    """List the newest received webhooks, refused ones included, without personal data."""
    deliveries = (await read_recent_webhooks(api.app_context, api.restaurant_id)).deliveries
    if failed:
        deliveries = [each for each in deliveries if each.outcome in {"refused", "quarantined"}]
    deliveries = deliveries[:limit]
    rows = [("received", "outcome", "times", "event", "scheme", "reservation or reason")]
    rows += [
        (
            format_utc(each.at),
            each.outcome,
            str(each.count),
            each.event_type or "",
            each.scheme or "",
            each.reason or each.reservation_id or "",
        )
        for each in deliveries
    ]
    kind = "refused or quarantined" if failed else "received"
    console.print_list(rows, empty=f"No webhook was {kind} recently.")
    return CommandResult({"webhooks": [encode_struct(delivery) for delivery in deliveries]})


@restaurant_command(
    "send",
    examples=[
        "ledger webhooks send restaurant-123 --local",
        "ledger webhooks send restaurant-123 --local --event cancelled --reservation test_1",
        "ledger webhooks send restaurant-123 --local --file envelope.json",
    ],
    exclusive=(("file", "event"), ("file", "reservation")),
)
@click.option(
    "--event",
    type=click.Choice(_EVENT_TYPES),
    help="Send an example of this event. Default: created.",
)
@click.option(
    "--reservation",
    metavar="ID",
    help="Reservation id of the example. Default: a new id.",
)
@click.option("--file", metavar="FILE", help="Send this body instead; - for stdin.")
@click.option(
    "--scheme",
    type=click.Choice([scheme.value for scheme in WebhookAuthScheme]),
    help="Authentication. Default: the first accepted one that has a credential.",
)
async def send_webhook(
    api: OperatorClient,
    console: Console,
    *,
    event: str | None,
    reservation: str | None,
    file: str | None,
    scheme: str | None,
) -> CommandResult:
    """Send a webhook with the restaurant's own credential, and print the response.

    The example is a party of 2, tomorrow at the present time. It becomes a real reservation of the
    ledger; cancel it with --event cancelled and its id.
    """
    url = read_webhook_url()
    selected, credential = await _select_credential(api, scheme)
    if file is not None:
        body = read_input(file)
    else:
        reservation = reservation or f"test_{uuid4().hex[:8]}"
        body = _build_example(api, event or "created", reservation)
        console.print_step("Reservation", reservation)
    if api.app_context.environment.firestore_emulator is None:
        console.confirm(f"{api.restaurant_id} will receive this event as a real one.")
    headers = {
        "content-type": "application/json",
        **build_authentication_headers(selected, credential, body, datetime.now(UTC)),
    }
    response = await request_webhook_url(
        "POST", url, timeout_seconds=30, content=body, headers=headers
    )
    console.print_step("Sent", f"{len(body)} bytes to {url}")
    console.print_step("Response", f"{response.status_code} {response.text.strip()}")
    try:
        answer = response.json()
    except ValueError:
        raise CommandError(f"{url} answers without JSON: check WEBHOOK_URL.") from None
    return CommandResult(
        {"httpStatus": response.status_code, "response": answer},
        is_action_required=response.status_code != HTTPStatus.OK,
    )


def _build_example(api: OperatorClient, event: str, reservation: str) -> bytes:
    now = api.app_context.clock()
    data: dict[str, Any] = {"reservationId": reservation, "restaurantId": api.restaurant_id}
    if event == "created":
        data |= {
            "dinerName": "Test Webhook",
            "partySize": 2,
            "reservationDateTime": format_utc(now + timedelta(days=1)),
            "status": "confirmed",
        }
    elif event == "updated":
        data |= {"partySize": 3}
    else:
        data |= {"cancellationReason": "Test"}
    envelope = {
        "eventType": f"reservation.{event}",
        "id": f"evt_{uuid4().hex}",
        "timestamp": format_utc(now),
        "data": data,
    }
    return json.dumps(envelope).encode()


async def _select_credential(
    api: OperatorClient, scheme: str | None
) -> tuple[WebhookAuthScheme, str]:
    """Return the restaurant's newest credential of the scheme, or of the first accepted one."""
    integration = await api.get("integration")
    secret_id = integration["secret"] or api.app_context.environment.partner_secret
    if secret_id is None:
        raise CommandError("This restaurant has no secret: `ledger restaurants add` makes one.")
    live = await read_webhook_credentials(api, secret_id)
    names = [scheme] if scheme else integration["webhookAuth"]
    if not names:
        raise CommandError(
            "This restaurant accepts no webhook: change it with `ledger restaurants set`."
        )
    for name in names:
        selected = WebhookAuthScheme(name)
        if live[selected]:
            return selected, live[selected][0]
    raise CommandError(
        f"The secret {secret_id} has no credential for {' or '.join(names)}: add one with "
        "`ledger restaurants add`, or name another scheme with --scheme."
    )


webhooks = LedgerGroup(
    "webhooks",
    help="Show the webhook address, send test events, and replace credentials.",
    commands=[
        show_url,
        send_webhook,
        list_recent,
        rotate_credential,
        check_credential,
        retire_credentials,
    ],
    examples=[
        "ledger webhooks send restaurant-123 --local",
        "ledger webhooks rotate bistro-7 --save-to new.credentials.json",
    ],
)
