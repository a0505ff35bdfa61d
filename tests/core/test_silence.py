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
SILENT_STATE = WebhookSilence(SILENCE_THRESHOLD_RUNS, NOON)
Run = tuple[datetime | None, datetime | None]
runs = st.lists(st.tuples(st.none() | instants, st.none() | instants), max_size=8)


def silence_after_runs(*hours_after_noon: int) -> WebhookSilence:
    """Return what is noticed after runs that each missed a change so many hours after noon."""
    silence = WebhookSilence()
    for hours in hours_after_noon:
        silence = silence.with_run(NOON + hours * HOUR, None)
    return silence


def test_one_run_with_missed_webhooks_is_no_alert() -> None:
    assert not silence_after_runs(0).is_silent


def test_three_consecutive_runs_with_missed_webhooks_are_an_alert() -> None:
    assert silence_after_runs(0, 1, 2).is_silent


def test_the_silence_starts_with_the_first_missed_change() -> None:
    assert silence_after_runs(0, 1, 2).missed_since == NOON


def test_a_run_without_changes_does_not_affect_the_count() -> None:
    assert silence_after_runs(0, 1).with_run(None, None) == silence_after_runs(0, 1)


def test_a_webhook_before_the_first_missed_change_does_not_end_the_silence() -> None:
    assert silence_after_runs(0, 1).with_run(NOON + 2 * HOUR, NOON - HOUR).is_silent


def test_a_webhook_after_the_first_missed_change_resets_the_count() -> None:
    assert silence_after_runs(0, 1).with_run(NOON + 3 * HOUR, NOON + 2 * HOUR) == WebhookSilence(
        1, NOON + 3 * HOUR
    )


def test_one_lost_webhook_among_others_is_no_silence() -> None:
    assert WebhookSilence().with_run(NOON, NOON + HOUR) == WebhookSilence()


def test_a_webhook_ends_the_alert_without_missed_changes() -> None:
    assert SILENT_STATE.with_run(None, NOON + HOUR) == WebhookSilence()


def test_the_count_stops_at_the_alert_threshold() -> None:
    assert SILENT_STATE.with_run(NOON + HOUR, None) == SILENT_STATE


@pytest.mark.parametrize("silence", [WebhookSilence(), WebhookSilence(1, NOON), SILENT_STATE])
def test_it_is_read_back_as_it_was_stored(silence: WebhookSilence) -> None:
    assert webhook_silence_from_document(nest_fields(silence.to_update_fields())) == silence


@pytest.mark.parametrize("silence, since", [(silence_after_runs(0, 1), None), (SILENT_STATE, NOON)])
def test_the_settings_contain_a_silence_only_at_the_alert_threshold(
    silence: WebhookSilence, since: object
) -> None:
    assert silence.to_update_fields()["poll.webhooksSilentSince"] == since


@given(runs)
def test_the_count_is_reset_by_any_later_webhook(told: list[Run]) -> None:
    silence = WebhookSilence()
    for missed_since, heard_at in told:
        silence = silence.with_run(missed_since, heard_at)
        assert silence.missed_since is None or heard_at is None or heard_at < silence.missed_since
