"""When it can be said that the newest key is in use."""

from datetime import UTC, datetime, timedelta

import pytest

from dev.operating.usage import CredentialUsage, format_usage, select_newest_usage
from shared.edge.staff.proofs import WebhookCredentialUse

ENTERED_AT = datetime(2026, 3, 9, 12, tzinfo=UTC)


def key_use(minutes: int, position: int, entered: datetime | None = ENTERED_AT) -> CredentialUsage:
    return CredentialUsage("bearer", position, ENTERED_AT + timedelta(minutes=minutes), entered)


@pytest.mark.parametrize(
    "minutes, position, newest",
    [
        (-1, 0, None),  # the first of an older list
        (-1, 1, None),
        (1, 0, None),  # perhaps judged by an older list
        (1, 1, False),
        (5, 0, True),
        (5, 1, False),
    ],
)
def test_a_use_counts_for_the_newest_key_after_older_secrets_expire(
    minutes: int,
    position: int,
    newest: bool | None,  # noqa: FBT001 -- a table of cases
) -> None:
    assert key_use(minutes, position).is_newest is newest


def test_with_no_rotation_the_first_key_is_the_newest() -> None:
    assert key_use(0, 0, None).is_newest is True


def test_the_newest_use_of_each_scheme_counts() -> None:
    proofs = [
        WebhookCredentialUse("bearer", 0, ENTERED_AT),
        WebhookCredentialUse("basic", 1, ENTERED_AT),
        WebhookCredentialUse("bearer", 1, ENTERED_AT),
    ]
    uses = select_newest_usage(proofs, ENTERED_AT)
    assert [(use.scheme, use.position) for use in uses] == [("bearer", 0), ("basic", 1)]


@pytest.mark.parametrize(
    "minutes, position, words",
    [
        (-1, 0, "a key of before the newest was entered"),
        (1, 0, "webhooks after 2026-03-09T12:05:00Z make it certain"),
        (1, 1, "an older key"),
        (5, 0, "the newest key"),
    ],
)
def test_the_use_is_printed_as_text(minutes: int, position: int, words: str) -> None:
    [line] = format_usage([key_use(minutes, position)])
    assert line.endswith(words)
