"""When a restaurant's webhooks count as silent."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.document import nest_fields
from shared.core.silence import (
    SILENCE_THRESHOLD_RUNS,
    WebhookSilence,
    webhook_silence_from_document,
)
from tests.strategies.objects import NOON, instants

HOUR = timedelta(hours=1)
DEAF = WebhookSilence(SILENCE_THRESHOLD_RUNS, NOON)
Run = tuple[datetime | None, datetime | None]
runs = st.lists(st.tuples(st.none() | instants, st.none() | instants), max_size=8)


def after(*told: int) -> WebhookSilence:
    """Return what is noticed after runs that each missed a change so many hours after noon."""
    silence = WebhookSilence()
    for hours in told:
        silence = silence.with_run(NOON + hours * HOUR, None)
    return silence


def test_one_deaf_run_is_no_alarm() -> None:
    assert not after(0).is_silent


def test_three_deaf_runs_in_a_row_are_an_alarm() -> None:
    assert after(0, 1, 2).is_silent


def test_the_silence_began_with_the_first_change_that_no_webhook_brought() -> None:
    assert after(0, 1, 2).missed_since == NOON


def test_a_quiet_run_neither_counts_nor_ends_the_count() -> None:
    assert after(0, 1).with_run(None, None) == after(0, 1)


def test_a_webhook_heard_before_the_first_missed_change_ends_nothing() -> None:
    assert after(0, 1).with_run(NOON + 2 * HOUR, NOON - HOUR).is_silent


def test_a_webhook_heard_since_then_begins_the_count_anew() -> None:
    assert after(0, 1).with_run(NOON + 3 * HOUR, NOON + 2 * HOUR) == WebhookSilence(
        1, NOON + 3 * HOUR
    )


def test_a_lost_webhook_among_others_is_no_silence() -> None:
    assert WebhookSilence().with_run(NOON, NOON + HOUR) == WebhookSilence()


def test_a_webhook_ends_the_alarm_though_nothing_is_missed() -> None:
    assert DEAF.with_run(None, NOON + HOUR) == WebhookSilence()


def test_a_long_silence_is_not_counted_on() -> None:
    assert DEAF.with_run(NOON + HOUR, None) == DEAF


@pytest.mark.parametrize("silence", [WebhookSilence(), WebhookSilence(1, NOON), DEAF])
def test_it_is_read_back_as_it_was_stored(silence: WebhookSilence) -> None:
    assert webhook_silence_from_document(nest_fields(silence.to_update_fields())) == silence


@pytest.mark.parametrize("silence, since", [(after(0, 1), None), (DEAF, NOON)])
def test_the_settings_tell_of_a_silence_only_where_it_alarms(
    silence: WebhookSilence, since: object
) -> None:
    assert silence.to_update_fields()["poll.webhooksSilentSince"] == since


@given(runs)
def test_the_count_never_stands_once_a_webhook_was_heard_since_it_began(told: list[Run]) -> None:
    silence = WebhookSilence()
    for missed_since, heard_at in told:
        silence = silence.with_run(missed_since, heard_at)
        assert silence.missed_since is None or heard_at is None or heard_at < silence.missed_since
