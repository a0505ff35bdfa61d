"""When a restaurant's webhooks count as silent."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.document import nest
from shared.core.silence import SILENT_AFTER_RUNS, Silence, silence_in
from tests.strategies.objects import NOON, instants

HOUR = timedelta(hours=1)
DEAF = Silence(SILENT_AFTER_RUNS, NOON)
Run = tuple[datetime | None, datetime | None]
runs = st.lists(st.tuples(st.none() | instants, st.none() | instants), max_size=8)


def after(*told: int) -> Silence:
    """Return what is noticed after runs that each missed a change so many hours after noon."""
    silence = Silence()
    for hours in told:
        silence = silence.after_run(NOON + hours * HOUR, None)
    return silence


def test_one_deaf_run_is_no_alarm() -> None:
    assert not after(0).alarms


def test_three_deaf_runs_in_a_row_are_an_alarm() -> None:
    assert after(0, 1, 2).alarms


def test_the_silence_began_with_the_first_change_that_no_webhook_brought() -> None:
    assert after(0, 1, 2).since == NOON


def test_a_quiet_run_neither_counts_nor_ends_the_count() -> None:
    assert after(0, 1).after_run(None, None) == after(0, 1)


def test_a_webhook_heard_before_the_first_missed_change_ends_nothing() -> None:
    assert after(0, 1).after_run(NOON + 2 * HOUR, NOON - HOUR).alarms


def test_a_webhook_heard_since_then_begins_the_count_anew() -> None:
    assert after(0, 1).after_run(NOON + 3 * HOUR, NOON + 2 * HOUR) == Silence(1, NOON + 3 * HOUR)


def test_a_lost_webhook_among_others_is_no_silence() -> None:
    assert Silence().after_run(NOON, NOON + HOUR) == Silence()


def test_a_webhook_ends_the_alarm_though_nothing_is_missed() -> None:
    assert DEAF.after_run(None, NOON + HOUR) == Silence()


def test_a_long_silence_is_not_counted_on() -> None:
    assert DEAF.after_run(NOON + HOUR, None) == DEAF


@pytest.mark.parametrize("silence", [Silence(), Silence(1, NOON), DEAF])
def test_it_is_read_back_as_it_was_stored(silence: Silence) -> None:
    assert silence_in(nest(silence.stored())) == silence


@pytest.mark.parametrize("silence, since", [(after(0, 1), None), (DEAF, NOON)])
def test_the_settings_tell_of_a_silence_only_where_it_alarms(
    silence: Silence, since: object
) -> None:
    assert silence.stored()["poll.webhooksSilentSince"] == since


@given(runs)
def test_the_count_never_stands_once_a_webhook_was_heard_since_it_began(told: list[Run]) -> None:
    silence = Silence()
    for missed_since, heard_at in told:
        silence = silence.after_run(missed_since, heard_at)
        assert silence.since is None or heard_at is None or heard_at < silence.since
