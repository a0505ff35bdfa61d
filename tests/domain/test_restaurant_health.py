"""The health of a restaurant, summarized from its settings document."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.health import MAX_POLL_AGE, HealthStatus, RestaurantHealth, summarize_health
from shared.domain.settings import parse_settings
from tests.test_codes import documented_codes

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)
HEALTHY: dict[str, Any] = {
    "enabled": True,
    "restaurantId": "555001",
    "timeZone": "America/New_York",
    "lastPolledAt": NOW - timedelta(minutes=14),
    "poll": {"consecutiveFailures": 0},
    "reconciliation": {
        "lastReconciledAt": NOW - timedelta(minutes=59),
        "lastStatus": "COMPLETED",
        "openDivergences": 0,
    },
}
SILENT = {"missedRuns": 3, "missedSince": NOW - timedelta(hours=2)}
# One document for each cause.
CAUSES: dict[str, dict[str, Any]] = {
    "settings_unusable": {"timeZone": "Mars/Olympus"},
    "poll_failed": {"poll": {"consecutiveFailures": 1}},
    "poll_late": {"lastPolledAt": NOW - timedelta(minutes=46)},
    "reconciliation_failed": {"reconciliation": {"lastStatus": "FAILED"}},
    "reconciliation_late": {"reconciliation": {"lastReconciledAt": NOW - timedelta(hours=4)}},
    "report_held": {"reconciliation": {"lastStatus": "HELD"}},
    "divergences_open": {"reconciliation": {"openDivergences": 2}},
    "webhooks_silent": {"poll": SILENT},
}
COUNTED_CAUSES = {"quarantine_open": "open_quarantine", "webhooks_refused": "refused_webhooks"}


def summarize_restaurant(counts: dict[str, int] | None = None, **changes: Any) -> RestaurantHealth:
    document = HEALTHY | changes
    return summarize_health(parse_settings("r", document), document, NOW, **counts or {})


def test_a_healthy_restaurant_has_no_reason() -> None:
    health = summarize_restaurant()
    assert (health.status, health.reasons, health.divergences) == (HealthStatus.OK, (), 0)


def test_the_summary_has_the_times_of_the_last_runs() -> None:
    health = summarize_restaurant()
    assert health.last_polled_at == NOW - timedelta(minutes=14)
    assert health.last_reconciled_at == NOW - timedelta(minutes=59)


@pytest.mark.parametrize("runs, since", [(3, SILENT["missedSince"]), (2, None)])
def test_webhooks_are_silent_only_after_enough_runs(runs: int, since: datetime | None) -> None:
    health = summarize_restaurant(poll=SILENT | {"missedRuns": runs})
    assert health.webhooks_silent_since == since


def test_a_run_at_the_limit_of_its_age_is_not_late() -> None:
    assert summarize_restaurant(lastPolledAt=NOW - MAX_POLL_AGE).reasons == ()


@pytest.mark.parametrize("reason", CAUSES)
def test_each_cause_has_its_reason(reason: str) -> None:
    assert summarize_restaurant(**CAUSES[reason]).reasons == (reason,)


@pytest.mark.parametrize("reason, count", COUNTED_CAUSES.items())
def test_a_count_has_its_reason(reason: str, count: str) -> None:
    assert summarize_restaurant({count: 1}).reasons == (reason,)


def test_every_reason_is_documented_and_no_other() -> None:
    assert sorted(documented_codes("Health reasons")) == sorted([*CAUSES, *COUNTED_CAUSES])


@pytest.mark.parametrize(
    "reason, status",
    [
        ("poll_late", HealthStatus.ERROR),
        ("report_held", HealthStatus.REVIEW),
        ("divergences_open", HealthStatus.REVIEW),
        ("webhooks_silent", HealthStatus.WARNING),
    ],
)
def test_the_status_says_how_bad_the_cause_is(reason: str, status: HealthStatus) -> None:
    assert summarize_restaurant(**CAUSES[reason]).status is status


def test_refused_webhooks_are_less_urgent_than_the_quarantine() -> None:
    health = summarize_restaurant({"refused_webhooks": 3})
    assert health.status is HealthStatus.WARNING
    health = summarize_restaurant({"refused_webhooks": 3, "open_quarantine": 1})
    reasons = ("quarantine_open", "webhooks_refused")
    assert (health.status, health.reasons) == (HealthStatus.REVIEW, reasons)


def test_more_decisions_than_divergences_count_as_none_open() -> None:
    health = summarize_restaurant(reconciliation={"openDivergences": -1})
    assert (health.status, health.divergences) == (HealthStatus.OK, 0)


def test_the_worst_cause_decides() -> None:
    health = summarize_restaurant(lastPolledAt=NOW - timedelta(hours=1), poll=SILENT)
    assert health.status is HealthStatus.ERROR
    assert health.reasons == ("poll_late", "webhooks_silent")
    assert health.webhooks_silent_since == NOW - timedelta(hours=2)


def test_a_disabled_restaurant_is_paused_whatever_its_runs_did() -> None:
    late = NOW - timedelta(days=9)
    health = summarize_restaurant({"open_quarantine": 1}, enabled=False, lastPolledAt=late)
    assert (health.status, health.reasons) == (HealthStatus.PAUSED, ())


@pytest.mark.parametrize("age, reasons", [(44, ()), (46, ("poll_late",))])
def test_a_new_restaurant_is_late_only_after_the_time_of_a_run(
    age: int, reasons: tuple[str, ...]
) -> None:
    changed_at = NOW - timedelta(minutes=age)
    health = summarize_restaurant(lastPolledAt=None, reconciliation={}, updatedAt=changed_at)
    assert health.reasons == reasons


@pytest.mark.parametrize("damaged", ["x", 1, None, [], {"lastReconciledAt": "x"}])
def test_damaged_states_count_as_unknown(damaged: object) -> None:
    health = summarize_restaurant(poll=damaged, reconciliation=damaged, lastPolledAt=damaged)
    assert (health.status, health.last_reconciled_at, health.divergences) == ("OK", None, None)
