"""Entering new credentials into a secret's payload without a moment in which none is valid."""

from collections.abc import Mapping
from typing import Any

LISTS = ("webhookSecrets", "bearerTokens", "basicCredentials")
_OAUTH = ("clientId", "clientSecret")


def rotated(
    held: Mapping[str, Any], entered: Mapping[str, Any], *, keep_previous: bool
) -> dict[str, Any]:
    """Return a payload with new credentials entered; what is not entered stays.

    Of the lists, newest first, the new ones come before the newest one held, so that a sender
    may move over in its own time; entering none keeps that one alone, which ends a rotation.
    An API key and an OAuth client replace each other: only one of them is ever sent.

    Args:
        held: The payload as stored.
        entered: Key to new value, under the payload's own keys.
        keep_previous: Whether the newest of those held stays valid; False revokes them all.
    """
    outdated = _OAUTH if "apiKey" in entered else ("apiKey",) if _entered_oauth(entered) else ()
    payload = {name: value for name, value in held.items() if name not in outdated}
    for name, value in entered.items():
        previous = _texts(held.get(name))[:1] if keep_previous and name in LISTS else []
        payload[name] = [*value, *previous] if name in LISTS else value
    return payload


def _entered_oauth(entered: Mapping[str, Any]) -> bool:
    return any(name in entered for name in _OAUTH)


def _texts(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
