"""Entering new credentials into a secret's payload without a moment in which none is valid."""

from collections.abc import Mapping
from typing import Any

CREDENTIAL_LISTS = ("webhookSecrets", "bearerTokens", "basicCredentials")
_OAUTH_KEYS = ("clientId", "clientSecret")


def rotate_secret_payload(
    stored: Mapping[str, Any], new_values: Mapping[str, Any], *, keep_previous: bool
) -> dict[str, Any]:
    """Return a payload with new credentials entered; what is not entered stays.

    Of the lists, newest first, the new ones come before the newest one held, so that a sender
    may move over in its own time; entering none keeps that one alone, which ends a rotation.
    An API key and an OAuth client replace each other: only one of them is ever sent.

    Args:
        stored: The payload as stored.
        new_values: Key to new value, under the payload's own keys.
        keep_previous: Whether the newest of those held stays valid; False revokes them all.
    """
    replaced_keys = (
        _OAUTH_KEYS
        if "apiKey" in new_values
        else ("apiKey",)
        if _has_oauth_keys(new_values)
        else ()
    )
    payload = {name: value for name, value in stored.items() if name not in replaced_keys}
    for name, value in new_values.items():
        previous = (
            _as_list(stored.get(name))[:1] if keep_previous and name in CREDENTIAL_LISTS else []
        )
        payload[name] = [*value, *previous] if name in CREDENTIAL_LISTS else value
    return payload


def _has_oauth_keys(new_values: Mapping[str, Any]) -> bool:
    return any(name in new_values for name in _OAUTH_KEYS)


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
