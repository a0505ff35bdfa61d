import pytest

from shared.edge.opentable.address import build_url, validate_base_url
from shared.errors import InvalidSettingsError


@pytest.mark.parametrize(
    "url",
    [
        "https://platform.opentable.com",
        "http://127.0.0.1:8181",
        "http://localhost:1",
        "http://[::1]:2",
    ],
)
def test_https_and_this_machine_may_be_sent_a_token(url: str) -> None:
    assert validate_base_url("OPENTABLE_API_URL", f"{url}/") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.opentable.com",
        "http://127.0.0.1.example",
        "ftp://localhost",
        "platform.opentable.com",
        "https://",
        "https://user:password@host",
        "https://@host",
        "https://host?x=1",
        "https://host#x",
        "https://host:port",
        "https://[host",
        "",
    ],
)
def test_any_other_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(InvalidSettingsError, match="OPENTABLE_API_URL"):
        validate_base_url("OPENTABLE_API_URL", url)


def test_the_text_does_not_quote_the_url() -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        validate_base_url("OPENTABLE_API_URL", "https://user:password@host")
    assert "password" not in str(caught.value)


def test_a_path_segment_cannot_escape() -> None:
    assert build_url("https://h", "a", "1-../b?c#d") == "https://h/a/1-..%2Fb%3Fc%23d"


def test_a_query_is_quoted() -> None:
    assert build_url("https://h", "a", query={"t": "1&u=2"}) == "https://h/a?t=1%26u%3D2"
