"""Create credentials for webhooks, and authenticate a webhook with one as its sender does."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth.credentials import decode_webhook_secret

# The keys of the lists in a secret's payload.
CREDENTIAL_KEYS = {
    WebhookAuthScheme.BEARER: "bearerTokens",
    WebhookAuthScheme.BASIC: "basicCredentials",
    WebhookAuthScheme.STANDARD_WEBHOOKS: "webhookSecrets",
}
_KEY_BYTES = 32


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
