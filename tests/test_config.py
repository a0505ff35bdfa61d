"""Every invalid variable is rejected at start with a message."""

from itertools import combinations

import pytest

from shared.config import build_url, read_environment, validate_base_url
from shared.errors import InvalidSettingsError
from shared.tasks.queue import CloudTasksQueue, InProcessTaskQueue, build_task_queue

EMULATOR = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:8787"}

QUEUE = {
    "TASKS_QUEUE": "projects/p/locations/us-central1/queues/opentable",
    "TASKS_TARGET_URL": "https://us-central1-p.cloudfunctions.net",
    "TASKS_SERVICE_ACCOUNT": "opentable-tasks@p.iam.gserviceaccount.com",
}

BOUNDED = {
    "WEBHOOK_DEADLINE_SECONDS": ("0", "60.5", "60"),
    "HINT_BUDGET_SECONDS": ("-0.1", "10.5", "0"),
    "POLL_LOOKBACK_SECONDS": ("0", "172801", "1"),
    "RESTAURANTS_AT_ONCE": ("0", "65", "64"),
    "RUN_BUDGET_SECONDS": ("0", "3501", "3500"),
    "FAN_OUT_ABOVE": ("-1", "1000001", "0"),
    "JOURNAL_RETENTION_DAYS": ("0", "36501", "1"),
    "QUARANTINE_RETENTION_DAYS": ("0", "36501", "1"),
}


def test_nothing_set_is_production() -> None:
    environment = read_environment({})
    assert environment.api_url == "https://platform.opentable.com"
    assert environment.oauth_url == "https://oauth.opentable.com"
    assert environment.firestore_emulator is None


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_environment({"SECRETS_FILE": "", "HINT_BUDGET_SECONDS": ""}) == read_environment({})


def test_a_secrets_file_beside_the_auth_emulator_alone_is_refused() -> None:
    with pytest.raises(InvalidSettingsError, match="SECRETS_FILE"):
        read_environment({"SECRETS_FILE": "f", "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:1"})


def test_a_secrets_file_beside_the_emulator_is_taken() -> None:
    assert read_environment({**EMULATOR, "SECRETS_FILE": "secrets.json"}).secrets_file


@pytest.mark.parametrize("name", ["OPENTABLE_API_URL", "OPENTABLE_OAUTH_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://platform.opentable.com",
        "http://127.0.0.1.attacker.example",
        "http://localhost@attacker.example",
        "ftp://127.0.0.1",
        "ftp://localhost",
        "platform.opentable.com",
        "//platform.opentable.com",
        "file:///etc/passwd",
        "https://",
        "https://user:password@platform.opentable.com",
        "https://@host",
        "https://host?x=1",
        "https://host#x",
        "https://host:port",
        "https://[",
    ],
)
def test_a_url_that_no_token_may_be_sent_to_is_refused(name: str, url: str) -> None:
    with pytest.raises(InvalidSettingsError, match=name):
        read_environment({name: url})


@pytest.mark.parametrize(
    "url",
    ["https://host", "http://127.0.0.1:9100", "http://localhost:9100", "http://[::1]"],
)
def test_https_and_this_machine_may_be_sent_a_token(url: str) -> None:
    assert read_environment({"OPENTABLE_API_URL": f"{url}/"}).api_url == url


@pytest.mark.parametrize("name", BOUNDED)
def test_a_number_outside_its_range_is_refused_by_name(name: str) -> None:
    least, most, _ = BOUNDED[name]
    for value in (least, most, "many"):
        with pytest.raises(InvalidSettingsError, match=name):
            read_environment({name: value})


@pytest.mark.parametrize("name", BOUNDED)
def test_a_number_at_the_edge_of_its_range_is_taken(name: str) -> None:
    read_environment({name: BOUNDED[name][2]})


@pytest.mark.parametrize("name", ["RUN_BUDGET_SECONDS", "WEBHOOK_DEADLINE_SECONDS"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_budget_without_end_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidSettingsError, match=name):
        read_environment({name: value})


@pytest.mark.parametrize("size", [1, 2])
def test_an_incomplete_queue_configuration_names_the_missing_variables(size: int) -> None:
    for names in combinations(QUEUE, size):
        with pytest.raises(InvalidSettingsError) as caught:
            read_environment({name: QUEUE[name] for name in names})
        lacking = " and ".join(name for name in QUEUE if name not in names)
        assert f"{lacking} must be set too" in str(caught.value)


def test_a_whole_queue_is_taken() -> None:
    assert isinstance(build_task_queue(read_environment(QUEUE)), CloudTasksQueue)


def test_beside_the_emulator_a_url_alone_makes_a_queue_in_this_process() -> None:
    url = {"TASKS_TARGET_URL": "http://127.0.0.1:8080"}
    assert isinstance(build_task_queue(read_environment(EMULATOR | url)), InProcessTaskQueue)


def test_without_a_queue_there_is_none() -> None:
    assert build_task_queue(read_environment({})) is None


@pytest.mark.parametrize(
    "name,value",
    [
        ("TASKS_QUEUE", "opentable"),
        ("TASKS_TARGET_URL", "http://example.com"),
        ("TASKS_SERVICE_ACCOUNT", "opentable"),
    ],
)
def test_a_queue_that_cannot_be_one_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidSettingsError, match=name):
        read_environment(QUEUE | {name: value})


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(InvalidSettingsError, match=r"RESTAURANTS_AT_ONCE.*; .*RUN_BUDGET_SECONDS"):
        read_environment({"RESTAURANTS_AT_ONCE": "0", "RUN_BUDGET_SECONDS": "0"})


def test_a_refusal_never_quotes_the_value() -> None:
    url = "http://key:marked@x"
    with pytest.raises(InvalidSettingsError) as caught:
        read_environment({"OPENTABLE_API_URL": url, "RUN_BUDGET_SECONDS": "marked"})
    assert "marked" not in str(caught.value)


@pytest.mark.parametrize(
    "text,seconds", [("5", 5), (" 5 ", 5), ("2.5", 2.5), (".5", 0.5), ("1e0", 1)]
)
def test_a_number_is_taken_as_it_is_commonly_written(text: str, seconds: float) -> None:
    assert read_environment({"WEBHOOK_DEADLINE_SECONDS": text}).webhook_deadline_seconds == seconds


@pytest.mark.parametrize("text", ["2.5", "many", "9" * 5000, "\ud800"])
def test_what_is_no_whole_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidSettingsError, match="RESTAURANTS_AT_ONCE"):
        read_environment({"RESTAURANTS_AT_ONCE": text})


def test_a_missing_project_is_reported_on_use() -> None:
    with pytest.raises(InvalidSettingsError, match="Set GOOGLE_CLOUD_PROJECT"):
        read_environment({}).require_project()


def test_an_empty_url_is_a_configuration_error() -> None:
    with pytest.raises(InvalidSettingsError, match="OPENTABLE_API_URL"):
        validate_base_url("OPENTABLE_API_URL", "")


def test_a_path_segment_cannot_escape() -> None:
    assert build_url("https://h", "a", "1-../b?c#d") == "https://h/a/1-..%2Fb%3Fc%23d"


def test_a_query_is_quoted() -> None:
    assert build_url("https://h", "a", query={"t": "1&u=2"}) == "https://h/a?t=1%26u%3D2"
