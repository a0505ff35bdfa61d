"""A current revision is not deployed again, and the previous one can be restored."""

import json
from pathlib import Path
from typing import Any

import pytest

from dev.deploy.functions import compute_content_checksum
from dev.deploy.gcloud import GcloudError
from dev.deploy.release import is_current, record_serving_revisions, release, roll_back
from dev.deploy.target import read_target
from tests.dev.deploy.fake_gcloud import FakeGcloud

TARGET = read_target("production")
LATEST = {"latestRevision": True, "percent": 100, "revisionName": "api-00007-new"}
PINNED = {"percent": 100, "revisionName": "api-00006-old"}


def service(checksum: str, *traffic: dict[str, Any]) -> dict[str, Any]:
    """Return the relevant part of Cloud Run's description."""
    return {"metadata": {"labels": {"content": checksum}}, "status": {"traffic": list(traffic)}}


def test_what_serves_already_is_not_deployed_again(fake_gcloud: FakeGcloud) -> None:
    current = json.dumps(service(compute_content_checksum(TARGET, "api"), LATEST))
    fake_gcloud.answers({"run services describe api": current})
    release(TARGET, "api")
    assert [words[:3] for words in fake_gcloud.asked()] == [["run", "services", "describe"]]


@pytest.mark.parametrize("answer", [None, json.dumps(service("another", LATEST))])
def test_what_is_new_or_changed_is_deployed(fake_gcloud: FakeGcloud, answer: str | None) -> None:
    fake_gcloud.answers({"run services describe api": answer})
    release(TARGET, "api")
    asked = fake_gcloud.asked()[-1]
    assert asked[:3] == ["functions", "deploy", "api"]
    assert f"--update-labels=content={compute_content_checksum(TARGET, 'api')}" in asked


def test_what_was_rolled_back_is_deployed_again() -> None:
    assert is_current(service("now", LATEST), "now")
    assert not is_current(service("now", PINNED), "now")
    assert not is_current(service("now", PINNED, {"latestRevision": True, "percent": 0}), "now")


def test_a_failed_release_is_reported(fake_gcloud: FakeGcloud) -> None:
    fake_gcloud.answers({"functions deploy": None})
    with pytest.raises(GcloudError, match="gcloud functions deploy api"):
        release(TARGET, "api")


def test_content_changes_with_the_source_and_with_the_sizes(tmp_path: Path) -> None:
    for part in ("functions", "shared"):
        (tmp_path / part).mkdir()
    for file in ("main.py", "requirements.txt", "functions/a.py", "shared/b.py"):
        (tmp_path / file).write_text("1")
    seen = {compute_content_checksum(TARGET, "api", tmp_path)}
    (tmp_path / "shared/b.py").write_text("2")
    seen.add(compute_content_checksum(TARGET, "api", tmp_path))
    (tmp_path / "shared/b.py").rename(tmp_path / "shared/c.py")
    seen.add(compute_content_checksum(TARGET, "api", tmp_path))
    seen.add(compute_content_checksum(read_target("staging"), "api", tmp_path))
    assert len(seen) == 4


def test_a_rollback_has_each_function_served_as_before(
    fake_gcloud: FakeGcloud, tmp_path: Path
) -> None:
    file = tmp_path / "build" / "serving.json"
    fake_gcloud.answers(
        {
            "describe api": json.dumps(service("old", PINNED, {**LATEST, "percent": 0})),
            "describe opentable-webhook": json.dumps(service("old", LATEST)),
            "describe": None,  # the poll and the reconciliation were never deployed
        }
    )
    record_serving_revisions(TARGET, file)
    left = roll_back(TARGET, file)
    assert left == ["opentable-poll", "opentable-reconcile"]
    place = ["--project=restaurants-production", "--region=us-central1"]
    traffic = ["run", "services", "update-traffic"]
    assert fake_gcloud.asked()[-2:] == [
        [*traffic, "opentable-webhook", *place, "--to-revisions=api-00007-new=100", "--quiet"],
        [*traffic, "api", *place, "--to-revisions=api-00006-old=100", "--quiet"],
    ]


def test_one_failed_rollback_does_not_stop_the_others(
    fake_gcloud: FakeGcloud, tmp_path: Path
) -> None:
    fake_gcloud.answers(
        {"describe": json.dumps(service("old", PINNED)), "update-traffic opentable-webhook": None}
    )
    record_serving_revisions(TARGET, tmp_path / "serving.json")
    with pytest.raises(GcloudError, match="update-traffic opentable-webhook"):
        roll_back(TARGET, tmp_path / "serving.json")
    asked = [words[3] for words in fake_gcloud.asked() if words[2] == "update-traffic"]
    assert asked == list(TARGET.functions)
