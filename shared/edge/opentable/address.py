"""The addresses that calls go to: built from the configured base alone."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from shared.errors import InvalidSettingsError


def validate_base_url(variable_name: str, value: str) -> str:
    """Return a configured base URL without its last slash, once it is safe to send a token to.

    Args:
        variable_name: The environment variable it came from, for the error's text.
        value: The URL: https, or http to this machine itself (the sandbox).

    Raises:
        InvalidSettingsError: When the URL is anything else or carries more than host and path.
    """
    url = _parse_url(value)
    if url is None or not url.hostname or "@" in url.netloc or url.query or url.fragment:
        raise InvalidSettingsError(
            f"{variable_name} is not a plain URL such as https://host. Mend it."
        )
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname)):
        raise InvalidSettingsError(
            f"{variable_name} must be https unless it names this machine itself."
        )
    return url.geturl().rstrip("/")


def build_url(base: str, *path: str, query: Mapping[str, str] | None = None) -> str:
    """Return the URL of a path below a base; every segment and value is quoted.

    Args:
        base: What `validate_base_url` returned.
        path: Its segments; a slash within one is data and stays within it.
        query: The query's names and values.
    """
    segments = "/".join(quote(segment, safe="") for segment in path)
    return f"{base}/{segments}?{urlencode(query)}" if query else f"{base}/{segments}"


def _parse_url(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        _ = url.port  # reading it is what validates it
    except ValueError:
        return None
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
