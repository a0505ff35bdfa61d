"""When it can be said that the newest key is in use."""

from datetime import UTC, datetime, timedelta

import pytest

from dev.operating.usage import CredentialUsage, format_usage, select_newest_usage
from shared.edge.staff.proofs import WebhookCredentialUse

ENTERED = datetime(2026, 3, 9, 12, tzinfo=UTC)


def use(minutes: int, position: int, entered: datetime | None = ENTERED) -> CredentialUsage:
    return CredentialUsage("bearer", position, ENTERED + timedelta(minutes=minutes), entered)


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
def test_a_use_is_of_the_newest_key_once_no_older_list_is_held(
    minutes: int,
    position: int,
    newest: bool | None,  # noqa: FBT001 -- a table of cases
) -> None:
    assert use(minutes, position).is_newest is newest


def test_with_no_rotation_the_first_key_is_the_newest() -> None:
    assert use(0, 0, None).is_newest is True


def test_the_newest_use_of_each_scheme_counts() -> None:
    proofs = [
        WebhookCredentialUse("bearer", 0, ENTERED),
        WebhookCredentialUse("basic", 1, ENTERED),
        WebhookCredentialUse("bearer", 1, ENTERED),
    ]
    uses = select_newest_usage(proofs, ENTERED)
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
def test_it_is_told_in_words(minutes: int, position: int, words: str) -> None:
    [line] = format_usage([use(minutes, position)])
    assert line.endswith(words)
