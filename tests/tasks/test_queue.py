import json
import re

from hypothesis import given
from hypothesis import strategies as st

from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION, QueuedTask

ids = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
triggers = st.text(max_size=30)
tasks = st.builds(
    QueuedTask,
    st.sampled_from([POLL_FUNCTION, RECONCILE_FUNCTION]),
    st.fixed_dictionaries({"restaurantId": ids}, optional={"dryRun": st.booleans()}),
    triggers,
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


def test_names_of_consecutive_ticks_have_no_common_prefix() -> None:
    ticks = (f"2026-03-14T15:{minute:02}:00Z" for minute in range(60))
    names = {QueuedTask(POLL_FUNCTION, {"restaurantId": "a"}, tick).name[:8] for tick in ticks}
    assert len(names) == 60


@given(tasks)
def test_the_body_is_sent_as_json(task: QueuedTask) -> None:
    assert json.loads(task.body_bytes) == task.body
