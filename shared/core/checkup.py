"""What works, but keeps a restaurant's webhooks out: told in words before anybody misses them."""

from shared.core.credentials import Credentials, decode_webhook_secret
from shared.core.settings import IntegrationSettings, WebhookAuthScheme

_CREDENTIAL_LIST_BY_SCHEME = {
    WebhookAuthScheme.STANDARD_WEBHOOKS: "webhookSecrets",
    WebhookAuthScheme.BEARER: "bearerTokens",
    WebhookAuthScheme.BASIC: "basicCredentials",
}
_NO_SCHEME_PROBLEM = (
    "webhookAuth is empty, so every webhook is refused and changes come with the polls alone: "
    f"list any of {', '.join(_CREDENTIAL_LIST_BY_SCHEME)}."
)


def webhook_config_problems(
    settings: IntegrationSettings, credentials: Credentials, claiming_restaurant_id: str | None
) -> tuple[str, ...]:
    """Return what is to be mended so that webhooks come in, a sentence each.

    Args:
        settings: The restaurant's.
        credentials: The restaurant's, completed by the partner's.
        claiming_restaurant_id: The restaurant that ``openTableRids/{rid}`` names, None where it
            names none.
    """
    return (
        *_scheme_problems(settings, credentials),
        *_secret_problems(credentials),
        *_rid_claim_problems(settings, claiming_restaurant_id),
    )


def _scheme_problems(settings: IntegrationSettings, credentials: Credentials) -> list[str]:
    if not settings.webhook_auth:
        return [_NO_SCHEME_PROBLEM]
    credentials_by_scheme = {
        WebhookAuthScheme.STANDARD_WEBHOOKS: credentials.webhook_secrets,
        WebhookAuthScheme.BEARER: credentials.bearer_tokens,
        WebhookAuthScheme.BASIC: credentials.basic_credentials,
    }
    return [
        f"webhookAuth accepts {scheme}, but the secret holds no "
        f"{_CREDENTIAL_LIST_BY_SCHEME[scheme]}: enter one."
        for scheme in sorted(settings.webhook_auth)
        if not credentials_by_scheme[scheme]
    ]


def _secret_problems(credentials: Credentials) -> list[str]:
    return [
        f"webhookSecrets[{index}] is no Standard Webhooks secret (whsec_ and base64), so it "
        "opens nothing: enter it anew."
        for index, secret in enumerate(credentials.webhook_secrets)
        if not _is_decodable(secret)
    ]


def _is_decodable(secret: str) -> bool:
    try:
        return bool(decode_webhook_secret(secret))
    except ValueError:
        return False


def _rid_claim_problems(
    settings: IntegrationSettings, claiming_restaurant_id: str | None
) -> list[str]:
    if claiming_restaurant_id == settings.restaurant_id:
        return []
    mismatch = "does not exist" if claiming_restaurant_id is None else "names another restaurant"
    problem = f"openTableRids/{settings.rid} {mismatch}, so OpenTable's webhooks are refused"
    return [f'{problem}: give it the restaurantId "{settings.restaurant_id}".']
