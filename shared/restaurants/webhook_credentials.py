"""Create credentials for webhooks, and send a test event with one as its sender would."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus

import requests
from msgspec import Struct

from shared.concurrency import SYSTEM_CLOCK
from shared.context import RestaurantContext
from shared.domain.normalization.field_values import format_utc
from shared.domain.normalization.webhook_body import TEST_EVENT_TYPE
from shared.domain.settings import IntegrationSettings, WebhookAuthScheme
from shared.domain.webhook_auth import decode_webhook_secret, group_by_scheme
from shared.errors import InvalidSettingsError

_KEY_BYTES = 32
_PROBE_TIMEOUT_SECONDS = 10.0
_PAUSED = "OpenTable sync is paused, so every webhook is refused. Resume it first."
_REFUSED = "The webhook function refused the test. Ask your administrator."
_PROBLEM_BY_STATUS: dict[int | None, str | None] = {
    HTTPStatus.OK: None,
    HTTPStatus.UNAUTHORIZED: (
        "The webhook function does not accept the restaurant's newest credential. Wait ten "
        "seconds and try again. If it fails again, ask your administrator."
    ),
    HTTPStatus.FORBIDDEN: _PAUSED,
    None: "The webhook function does not answer. Try again, or ask your administrator.",
}


def generate_credential(scheme: WebhookAuthScheme) -> str:
    """Return a new random credential."""
    match scheme:
        case WebhookAuthScheme.BEARER:
            return secrets.token_urlsafe(_KEY_BYTES)
        case WebhookAuthScheme.BASIC:
            return f"opentable:{secrets.token_urlsafe(_KEY_BYTES)}"
        case WebhookAuthScheme.STANDARD_WEBHOOKS:
            # Standard Webhooks uses standard base64, not the URL-safe alphabet.
            return f"whsec_{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


def build_authentication_headers(
    scheme: WebhookAuthScheme, credential: str, body: bytes, now: datetime
) -> dict[str, str]:
    """Return the headers that authenticate a body with a credential."""
    match scheme:
        case WebhookAuthScheme.BEARER:
            return {"authorization": f"Bearer {credential}"}
        case WebhookAuthScheme.BASIC:
            encoded = base64.b64encode(credential.encode()).decode()
            return {"authorization": f"Basic {encoded}"}
        case WebhookAuthScheme.STANDARD_WEBHOOKS:
            message_id, seconds = f"msg_{secrets.token_hex(16)}", int(now.timestamp())
            signed = f"{message_id}.{seconds}.".encode() + body
            digest = hmac.new(decode_webhook_secret(credential), signed, hashlib.sha256).digest()
            return {
                "webhook-id": message_id,
                "webhook-timestamp": str(seconds),
                "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
            }


class WebhookProbeResult(Struct, frozen=True):
    """The response to a test event; `problem` says what to do if it was not accepted."""

    scheme: WebhookAuthScheme
    status_code: int | None
    duration_seconds: float
    problem: str | None


async def probe_webhook(
    restaurant: RestaurantContext, scheme: WebhookAuthScheme | None
) -> WebhookProbeResult:
    """Send a test event, which changes nothing, with the restaurant's newest credential.

    Without a `scheme`, it uses an accepted one with a credential.

    Raises:
        InvalidSettingsError: There is no such scheme, the integration is disabled, or the address
            of the function is not set.
    """
    context, settings = restaurant.context, restaurant.settings
    if not settings.is_enabled:
        raise InvalidSettingsError(_PAUSED)
    url = context.environment.webhook_url
    if url is None:
        raise InvalidSettingsError(
            "The address of webhooks is not set. Ask your administrator to set WEBHOOK_URL."
        )
    # A person tests what they just stored: skip the caches.
    context.directory.invalidate(settings)
    credentials = await context.directory.load_credentials(settings)
    newest_first = group_by_scheme(credentials)
    candidates = sorted(settings.webhook_auth) if scheme is None else [scheme]
    used_scheme = next((candidate for candidate in candidates if newest_first[candidate]), None)
    if used_scheme is None:
        raise InvalidSettingsError(
            "There is no credential for the test event. Select a kind of webhook authentication, "
            "and generate a credential for it."
        )
    body, headers = _build_test_event(settings, used_scheme, newest_first[used_scheme][0])
    started_at, status_code = time.monotonic(), None
    with suppress(requests.RequestException):
        status_code = await asyncio.to_thread(_post_test_event, url, body, headers)
    return WebhookProbeResult(
        used_scheme,
        status_code,
        time.monotonic() - started_at,
        _PROBLEM_BY_STATUS.get(status_code, _REFUSED),
    )


def _build_test_event(
    settings: IntegrationSettings, scheme: WebhookAuthScheme, credential: str
) -> tuple[bytes, dict[str, str]]:
    now = SYSTEM_CLOCK.now()  # the receiver compares it with its own
    envelope = {
        "eventType": TEST_EVENT_TYPE,
        "id": f"evt_{secrets.token_hex(16)}",
        "timestamp": format_utc(now),
        "data": {"restaurantId": settings.restaurant_id},
    }
    body = json.dumps(envelope).encode()
    try:
        credential.encode("ascii")  # a header can contain nothing else
        headers = build_authentication_headers(scheme, credential, body, now)
    except ValueError:  # written into the secret by hand
        raise InvalidSettingsError(
            f"The newest credential of the scheme {scheme} is malformed. Generate a new one."
        ) from None
    return body, {"content-type": "application/json", **headers}


def _post_test_event(url: str, body: bytes, headers: dict[str, str]) -> int:
    with requests.Session() as session:
        session.trust_env = False  # a .netrc file would replace the Authorization header
        # A redirect could lead the credential to another server.
        response = session.post(
            url, body, headers=headers, timeout=_PROBE_TIMEOUT_SECONDS, allow_redirects=False
        )
    return response.status_code
