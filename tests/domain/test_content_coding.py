"""Content codings in every form that RFC 9110 allows."""

import pytest

from shared.domain.content_coding import list_content_codings


@pytest.mark.parametrize(
    "header_values, codings",
    [
        ([], []),
        (["identity"], []),
        (["", " , identity"], []),
        (["X-GZIP"], ["gzip"]),
        (["identity, gzip", "br"], ["gzip", "br"]),
    ],
)
def test_codings_are_listed_in_their_order(header_values: list[str], codings: list[str]) -> None:
    assert list_content_codings(header_values) == codings
