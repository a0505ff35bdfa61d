from datetime import UTC, datetime, timedelta

import pytest

from shared.core.retention import is_expired

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    "expires_at, gone", [(NOON - INSTANT, True), (NOON, True), (NOON + INSTANT, False)]
)
def test_a_document_is_expired_from_its_expiry_time_on(expires_at: datetime, *, gone: bool) -> None:
    assert is_expired({"expireAt": expires_at}, "expireAt", NOON) is gone


@pytest.mark.parametrize("document", [{}, {"expireAt": None}, {"expireAt": "2026-03-09"}])
def test_a_document_without_expiry_never_expires(document: dict[str, object]) -> None:
    assert not is_expired(document, "expireAt", NOON)
