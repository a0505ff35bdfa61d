from zoneinfo import ZoneInfo

import pytest

from shared.core.snapshot import has_time_zone_conflict
from tests.core.row_reading import COMPLETE_ROW, ROW_ZONE


def test_times_that_agree_do_not_contradict_the_zone() -> None:
    assert not has_time_zone_conflict(COMPLETE_ROW, ROW_ZONE)


def test_times_that_disagree_contradict_the_zone() -> None:
    assert has_time_zone_conflict(COMPLETE_ROW, ZoneInfo("America/Chicago"))


def test_the_second_of_a_repeated_hour_does_not_contradict_the_zone() -> None:
    row = {"scheduled_time": "2026-11-01T01:30:00", "scheduled_time_utc": "2026-11-01T06:30:00Z"}
    assert not has_time_zone_conflict(row, ROW_ZONE)


@pytest.mark.parametrize("name", ["scheduled_time", "scheduled_time_utc"])
@pytest.mark.parametrize("value", [None, 5, "soon", []])
def test_a_time_that_cannot_be_read_contradicts_nothing(name: str, value: object) -> None:
    assert not has_time_zone_conflict(COMPLETE_ROW | {name: value}, ZoneInfo("America/Chicago"))


def test_a_row_with_one_time_contradicts_nothing() -> None:
    assert not has_time_zone_conflict({"scheduled_time": "2026-03-14T19:15:00"}, ROW_ZONE)
