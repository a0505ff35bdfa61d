"""A repetition of a task has its name, and nothing else has."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION, QueuedTask

ids = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
occasions = st.text(max_size=30)
tasks = st.builds(
    QueuedTask,
    st.sampled_from([POLL_FUNCTION, RECONCILE_FUNCTION]),
    st.fixed_dictionaries({"restaurantId": ids}, optional={"dryRun": st.booleans()}),
    occasions,
)


@given(tasks, tasks)
def test_only_equal_tasks_share_a_name(one: QueuedTask, other: QueuedTask) -> None:
    assert (one.name == other.name) is (one == other)


@given(tasks)
def test_a_name_is_valid_for_cloud_tasks(task: QueuedTask) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,500}", task.name)


def test_the_order_of_a_bodys_fields_does_not_matter() -> None:
    one, other = {"restaurantId": "a", "dryRun": True}, {"dryRun": True, "restaurantId": "a"}
    assert QueuedTask(POLL_FUNCTION, one, "t").name == QueuedTask(POLL_FUNCTION, other, "t").name


def test_names_of_neighbouring_ticks_begin_differently() -> None:
    ticks = (f"2026-03-14T15:{minute:02}:00Z" for minute in range(60))
    names = {QueuedTask(POLL_FUNCTION, {"restaurantId": "a"}, tick).name[:8] for tick in ticks}
    assert len(names) == 60


@given(tasks)
def test_the_content_is_the_body_as_json(task: QueuedTask) -> None:
    assert json.loads(task.body_bytes) == task.body


def test_its_content_is_its_body_as_json() -> None:
    assert (
        QueuedTask(POLL_FUNCTION, {"restaurantId": "a"}, "t").body_bytes == b'{"restaurantId": "a"}'
    )
