"""Send a test event to the webhook function, as a sender of the restaurant's events would."""

import asyncio
import json
import secrets
import time
from http import HTTPStatus

import requests
from msgspec import Struct

from shared.concurrency import SYSTEM_CLOCK
from shared.context import AppContext
from shared.domain.normalization.envelope import TEST_EVENT_TYPE
from shared.domain.normalization.field_values import format_utc
from shared.domain.settings import IntegrationSettings, WebhookAuthScheme
from shared.domain.webhook_auth.credentials import Credentials
from shared.errors import InvalidSettingsError
from shared.restaurants.webhook_credentials import build_authentication_headers

_TIMEOUT_SECONDS = 10.0
_PAUSED = "OpenTable sync is paused, so every webhook is refused. Resume it first."
_PROBLEM_BY_STATUS = {
    HTTPStatus.UNAUTHORIZED: (
        "The webhook function does not accept the restaurant's newest credential. Wait ten "
        "seconds and try again. If it fails again, ask your administrator."
    ),
    HTTPStatus.FORBIDDEN: _PAUSED,
}


class WebhookProbeResult(Struct, frozen=True):
    """The response to a test event; `problem` says what to do if it was not accepted."""

    scheme: WebhookAuthScheme
    status_code: int | None
    duration_seconds: float
    problem: str | None


async def probe_webhook(
    context: AppContext, settings: IntegrationSettings, scheme: WebhookAuthScheme | None
) -> WebhookProbeResult:
    """Send a test event, which changes nothing, with the restaurant's newest credential.

    Without a `scheme`, it uses an accepted one with a credential. Raises `InvalidSettingsError` if
    there is none, if the integration is disabled, or if the address of the function is not set.
    """
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
    used_scheme, credential = _select_credential(settings, credentials, scheme)
    now = SYSTEM_CLOCK.now()  # the receiver compares it with its own
    envelope = {
        "eventType": TEST_EVENT_TYPE,
        "id": f"evt_{secrets.token_hex(16)}",
        "timestamp": format_utc(now),
        "data": {"restaurantId": settings.restaurant_id},
    }
    body = json.dumps(envelope).encode()
    headers = {
        "content-type": "application/json",
        **build_authentication_headers(used_scheme, credential, body, now),
    }
    started_at = time.monotonic()
    status_code = await asyncio.to_thread(_post, url, body, headers)
    return WebhookProbeResult(
        used_scheme, status_code, time.monotonic() - started_at, _describe_problem(status_code)
    )


def _select_credential(
    settings: IntegrationSettings, credentials: Credentials, scheme: WebhookAuthScheme | None
) -> tuple[WebhookAuthScheme, str]:
    newest_first = {
        WebhookAuthScheme.STANDARD_WEBHOOKS: credentials.webhook_secrets,
        WebhookAuthScheme.BEARER: credentials.bearer_tokens,
        WebhookAuthScheme.BASIC: credentials.basic_credentials,
    }
    candidates = sorted(settings.webhook_auth) if scheme is None else [scheme]
    for candidate in candidates:
        if newest_first[candidate]:
            return candidate, newest_first[candidate][0]
    raise InvalidSettingsError(
        "There is no credential for the test event. Select a kind of webhook authentication, and "
        "generate a credential for it."
    )


def _post(url: str, body: bytes, headers: dict[str, str]) -> int | None:
    """Return the status of the response, None without one."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # a .netrc file would replace the Authorization header
            response = session.post(
                url, body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False
            )
    except requests.RequestException:
        return None
    return response.status_code


def _describe_problem(status_code: int | None) -> str | None:
    if status_code == HTTPStatus.OK:
        return None
    if status_code is None:
        return "The webhook function does not answer. Try again, or ask your administrator."
    return _PROBLEM_BY_STATUS.get(
        HTTPStatus(status_code), "The webhook function refused the test. Ask your administrator."
    )
