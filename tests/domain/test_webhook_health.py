"""Webhooks that did not arrive, and webhooks that were refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.health import (
    MAX_REFUSAL_PAUSE,
    REFUSAL_LIFETIME,
    SILENCE_THRESHOLD_RUNS,
    MissedWebhooks,
    WebhookRefusal,
    WebhookSilence,
    merge_refusals,
    refusals_from_document,
    select_unresolved_refusals,
    webhook_silence_from_document,
)
from shared.domain.validation import nest_fields
from tests.strategies.events import NOON, instants
from tests.strategies.json_values import json_values

LATE = timedelta(minutes=5, seconds=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def record_change(field: str, *ages: timedelta) -> MissedWebhooks:
    """Return the count after one change of the field for each age."""
    missed = MissedWebhooks()
    for age in ages:
        change = {field: {"from": None, "to": 1}}
        missed.record({"changes": change, "occurredAt": NOON - age}, NOON)
    return missed


@pytest.mark.parametrize("field", ["status", "startAt", "partySize"])
def test_status_time_and_party_changes_count_as_missed(field: str) -> None:
    assert record_change(field, LATE) == MissedWebhooks(1, NOON - LATE)


@pytest.mark.parametrize("field", ["source.state", "metadata.server", "localDate"])
def test_other_changes_do_not_count_as_missed(field: str) -> None:
    assert record_change(field, LATE) == MissedWebhooks(0, None)


def test_a_recent_change_is_not_missed() -> None:
    assert record_change("status", timedelta(minutes=5)) == MissedWebhooks(0, None)


@pytest.mark.parametrize("hours", [(1, 3, 2), (3, 2, 1)])
def test_every_late_change_counts_and_the_earliest_is_found_in_any_order(
    hours: tuple[int, ...],
) -> None:
    missed = record_change("status", *(hour * HOUR for hour in hours))
    assert missed == MissedWebhooks(3, NOON - 3 * HOUR)


def test_the_age_of_the_earliest_missed_change_is_stored() -> None:
    missed = record_change("status", HOUR, 30 * MINUTE)
    now = NOON + timedelta(seconds=0.6)
    stored = {"poll.lastMissedAt": now, "poll.lastMissedLagSeconds": 3601}
    assert missed.to_update_fields(now) == stored


def test_a_run_that_missed_nothing_has_no_age_and_changes_no_settings() -> None:
    missed = record_change("status", timedelta(minutes=5))
    assert (missed.lag_seconds(NOON), missed.to_update_fields(NOON)) == (None, {})


SILENT_STATE = WebhookSilence(SILENCE_THRESHOLD_RUNS, NOON)
Run = tuple[datetime | None, datetime | None]
run_lists = st.lists(st.tuples(st.none() | instants, st.none() | instants), max_size=8)


def silence_after_runs(*hours_after_noon: int) -> WebhookSilence:
    """Return the silence after runs with one missed change each, at these hours after noon."""
    silence = WebhookSilence()
    for hours in hours_after_noon:
        silence = silence.with_run(NOON + hours * HOUR, None)
    return silence


@pytest.mark.parametrize("runs, is_silent", [(1, False), (2, False), (3, True)])
def test_three_runs_with_missed_webhooks_are_an_alert(runs: int, is_silent: bool) -> None:
    assert silence_after_runs(*range(runs)).is_silent is is_silent


def test_the_silence_starts_with_the_first_missed_change() -> None:
    assert silence_after_runs(0, 1, 2).missed_since == NOON


def test_a_run_without_changes_does_not_affect_the_count() -> None:
    assert silence_after_runs(0, 1).with_run(None, None) == silence_after_runs(0, 1)


def test_a_webhook_before_the_first_missed_change_does_not_end_the_silence() -> None:
    assert silence_after_runs(0, 1).with_run(NOON + 2 * HOUR, NOON - HOUR).is_silent


def test_a_webhook_after_the_first_missed_change_resets_the_count() -> None:
    later = NOON + 3 * HOUR
    assert silence_after_runs(0, 1).with_run(later, NOON + 2 * HOUR) == WebhookSilence(1, later)


@pytest.mark.parametrize("webhook_at", [NOON, NOON + HOUR])
def test_one_lost_webhook_among_others_is_no_silence(webhook_at: datetime) -> None:
    assert WebhookSilence().with_run(NOON, webhook_at) == WebhookSilence()


@pytest.mark.parametrize("webhook_at", [NOON, NOON + HOUR])
def test_a_webhook_ends_the_alert_without_missed_changes(webhook_at: datetime) -> None:
    assert SILENT_STATE.with_run(None, webhook_at) == WebhookSilence()


def test_a_webhook_after_every_missed_change_ends_the_alert() -> None:
    assert SILENT_STATE.with_run(NOON + HOUR, NOON + 2 * HOUR) == WebhookSilence()


def test_the_count_stops_at_the_alert_threshold() -> None:
    assert SILENT_STATE.with_run(NOON + HOUR, None) == SILENT_STATE


@pytest.mark.parametrize("silence", [WebhookSilence(), WebhookSilence(1, NOON), SILENT_STATE])
def test_a_stored_silence_is_read_back_unchanged(silence: WebhookSilence) -> None:
    assert webhook_silence_from_document(nest_fields(silence.to_update_fields())) == silence


@pytest.mark.parametrize("silence, since", [(silence_after_runs(0, 1), None), (SILENT_STATE, NOON)])
def test_the_settings_contain_a_silence_only_at_the_alert_threshold(
    silence: WebhookSilence, since: object
) -> None:
    assert silence.to_update_fields()["poll.webhooksSilentSince"] == since


@given(run_lists)
def test_the_count_is_reset_by_any_later_webhook(runs: list[Run]) -> None:
    silence = WebhookSilence()
    for missed_at, webhook_at in runs:
        silence = silence.with_run(missed_at, webhook_at)
        assert not (silence.missed_since and webhook_at) or webhook_at < silence.missed_since


@pytest.mark.parametrize("damage", [{"missedRuns": "3"}, {"missedSince": "yesterday"}])
def test_a_damaged_silence_counts_as_none(damage: dict[str, object]) -> None:
    poll = {"missedRuns": 3, "missedSince": NOON} | damage
    assert webhook_silence_from_document({"poll": poll}) == WebhookSilence()


def refusal(
    count: int = 1, minute: int = 0, scheme: str = "bearer", duration: int = 0
) -> WebhookRefusal:
    since = NOON + minute * MINUTE
    return WebhookRefusal(scheme, "no_credential_matches", count, since, since + duration * MINUTE)


refusals = st.builds(
    refusal,
    st.integers(1, 9),
    st.integers(0, 400),
    st.sampled_from(["bearer", "basic"]),
    st.integers(0, 200),
)


def test_counts_of_one_kind_are_added() -> None:
    merged = merge_refusals([refusal(2)], [refusal(3, minute=10)], NOON)
    expected = WebhookRefusal("bearer", "no_credential_matches", 5, NOON, NOON + 10 * MINUTE)
    assert merged == [expected]


def test_a_pause_of_the_longest_length_continues_the_count() -> None:
    later = refusal(3, minute=MAX_REFUSAL_PAUSE // MINUTE)
    [merged] = merge_refusals([refusal(2)], [later], NOON + MAX_REFUSAL_PAUSE)
    assert (merged.count, merged.since) == (5, NOON)


def test_a_long_pause_begins_a_new_count() -> None:
    later = refusal(3, minute=MAX_REFUSAL_PAUSE // MINUTE + 1, duration=5)
    assert merge_refusals([refusal(2)], [later], NOON) == [later]


def test_another_scheme_is_counted_apart() -> None:
    kinds = [refusal(scheme="bearer"), refusal(scheme="basic", minute=1)]
    assert merge_refusals([], kinds, NOON) == kinds[::-1]


def test_counts_older_than_a_day_are_dropped() -> None:
    assert merge_refusals([refusal()], [], NOON + REFUSAL_LIFETIME) == [refusal()]
    assert merge_refusals([refusal()], [], NOON + REFUSAL_LIFETIME + MINUTE) == []


def test_a_stored_count_of_the_future_is_dropped() -> None:
    assert merge_refusals([refusal(2, minute=10)], [refusal()], NOON) == [refusal()]


@given(st.lists(refusals), st.lists(refusals))
def test_which_of_two_instances_stores_first_does_not_matter(
    one: list[WebhookRefusal], other: list[WebhookRefusal]
) -> None:
    now = NOON + timedelta(hours=12)
    first, second = merge_refusals([], one, now), merge_refusals([], other, now)
    both = {(each.scheme, each.last_at) for each in merge_refusals(first, second, now)}
    assert both == {(each.scheme, each.last_at) for each in merge_refusals(second, first, now)}


@pytest.mark.parametrize(
    "accepted, unresolved",
    [
        ({"bearer": NOON + MINUTE}, []),
        ({"bearer": NOON}, [refusal()]),
        ({"bearer": NOON - MINUTE}, [refusal()]),
        ({"basic": NOON + MINUTE}, [refusal()]),
    ],
    ids=["later", "same moment", "earlier", "another scheme"],
)
def test_only_a_later_accepted_webhook_of_the_same_scheme_ends_a_refusal(
    accepted: dict[str, datetime], unresolved: list[WebhookRefusal]
) -> None:
    assert select_unresolved_refusals([refusal()], accepted, NOON) == unresolved


@given(refusals)
def test_a_stored_count_is_read_back(stored: WebhookRefusal) -> None:
    assert refusals_from_document({"refusals": [stored.to_map()]}) == [stored]


def test_a_stored_count_beside_damaged_ones_is_read_back() -> None:
    whole = refusal(2, minute=1, duration=5)
    assert whole.to_map() == {
        "scheme": "bearer",
        "reason": "no_credential_matches",
        "count": 2,
        "since": NOON + MINUTE,
        "lastAt": NOON + 6 * MINUTE,
    }
    stored = whole.to_map()
    damaged = [stored | {name: None} for name in stored]
    damaged += [stored | {"count": count} for count in (-1, 2**63 - 1)]
    assert refusals_from_document({"refusals": [*damaged, "x", stored]}) == [whole]


@pytest.mark.parametrize("document", [None, {}, {"refusals": None}, {"refusals": {"count": 1}}])
def test_a_document_without_a_list_contains_no_refusals(document: dict[str, Any] | None) -> None:
    assert refusals_from_document(document) == []


names = st.sampled_from(["scheme", "reason", "count", "since", "lastAt"])


@given(json_values | st.lists(json_values | st.dictionaries(names, json_values)))
def test_a_damaged_document_contains_no_refusals(refusals: object) -> None:
    assert refusals_from_document({"refusals": refusals}) == []
