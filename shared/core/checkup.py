"""What works, but keeps a restaurant's webhooks out: told in words before anybody misses them."""

from shared.core.credentials import Credentials, decode_webhook_secret
from shared.core.settings import Scheme, Settings

_HELD_IN = {
    Scheme.STANDARD_WEBHOOKS: "webhookSecrets",
    Scheme.BEARER: "bearerTokens",
    Scheme.BASIC: "basicCredentials",
}
_NO_SCHEME = (
    "webhookAuth is empty, so every webhook is refused and changes come with the polls alone: "
    f"list any of {', '.join(_HELD_IN)}."
)


def shortcomings(
    settings: Settings, credentials: Credentials, claimed_by: str | None
) -> tuple[str, ...]:
    """Return what is to be mended so that webhooks come in, a sentence each.

    Args:
        settings: The restaurant's.
        credentials: The restaurant's, completed by the partner's.
        claimed_by: The restaurant that ``openTableRids/{rid}`` names, None where it names none.
    """
    return (
        *_schemes(settings, credentials),
        *_undecodable(credentials),
        *_route(settings, claimed_by),
    )


def _schemes(settings: Settings, credentials: Credentials) -> list[str]:
    if not settings.webhook_auth:
        return [_NO_SCHEME]
    held = {
        Scheme.STANDARD_WEBHOOKS: credentials.webhook_secrets,
        Scheme.BEARER: credentials.bearer_tokens,
        Scheme.BASIC: credentials.basic_credentials,
    }
    return [
        f"webhookAuth accepts {scheme}, but the secret holds no {_HELD_IN[scheme]}: enter one."
        for scheme in sorted(settings.webhook_auth)
        if not held[scheme]
    ]


def _undecodable(credentials: Credentials) -> list[str]:
    return [
        f"webhookSecrets[{position}] is no Standard Webhooks secret (whsec_ and base64), so it "
        "opens nothing: enter it anew."
        for position, secret in enumerate(credentials.webhook_secrets)
        if not _decodes(secret)
    ]


def _decodes(secret: str) -> bool:
    try:
        return bool(decode_webhook_secret(secret))
    except ValueError:
        return False


def _route(settings: Settings, claimed_by: str | None) -> list[str]:
    if claimed_by == settings.restaurant_id:
        return []
    named = "does not exist" if claimed_by is None else "names another restaurant"
    refused = f"openTableRids/{settings.rid} {named}, so OpenTable's webhooks are refused"
    return [f'{refused}: give it the restaurantId "{settings.restaurant_id}".']
