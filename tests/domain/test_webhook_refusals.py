from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.health import (
    MAX_REFUSAL_PAUSE,
    REFUSAL_LIFETIME,
    WebhookRefusal,
    merge_refusals,
    refusals_from_document,
    select_unresolved_refusals,
)
from tests.strategies.events import NOON
from tests.strategies.json_values import json_values

MINUTE = timedelta(minutes=1)


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
