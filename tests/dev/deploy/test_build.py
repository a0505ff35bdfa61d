"""gcloud accepts cloudbuild.yaml, and its steps run in the required order."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from dev.bootstrap import ROOT
from dev.deploy.__main__ import PARTS
from dev.deploy.target import read_target
from tests.dev.deploy.build_reading import UnreadableError, read_build

pytestmark = pytest.mark.skipif(
    not shutil.which("gcloud"), reason="the Cloud SDK is not installed here: it reads the build"
)
FILE = ROOT / "cloudbuild.yaml"
FUNCTIONS = {"opentable-webhook", "opentable-poll", "opentable-reconcile", "api"}


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    return read_build(FILE)


@pytest.fixture(scope="module")
def steps(build: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["id"]: step for step in build["steps"]}


def before(steps: dict[str, dict[str, Any]], step: str) -> set[str]:
    """Return every step that must succeed before a step starts."""
    direct = set(steps[step].get("waitFor", []))
    return direct.union(*(before(steps, earlier) for earlier in direct))


def deployment(step: dict[str, Any]) -> list[str] | None:
    """Return the arguments of `python3 -m dev.deploy`, None for another step."""
    args = step.get("args", [])
    return args[2:] if args[:2] == ["-m", "dev.deploy"] else None


def test_a_field_that_is_none_would_be_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "cloudbuild.yaml"
    wrong.write_text(FILE.read_text().replace("waitFor: [smoke]", "waitsFor: [smoke]"))
    with pytest.raises(UnreadableError, match="waitsFor"):
        read_build(wrong)


def test_every_step_waits_for_earlier_steps(steps: dict[str, dict[str, Any]]) -> None:
    seen: set[str] = set()
    for name, step in steps.items():
        assert set(step.get("waitFor", [])) <= seen
        assert step.get("waitFor") or not seen, f"{name} would begin at once"
        seen.add(name)


def test_every_function_is_deployed_under_its_name(steps: dict[str, dict[str, Any]]) -> None:
    deployed = [told[2] for step in steps.values() if (told := deployment(step)) and told[2:]]
    assert sorted(deployed) == sorted(FUNCTIONS)


def test_every_part_of_a_deployment_that_is_not_done_once_or_by_hand_has_a_step(
    steps: dict[str, dict[str, Any]],
) -> None:
    done = {told[0] for step in steps.values() if (told := deployment(step))}
    assert done == PARTS.keys() - {"plan", "setup"} | {"function"}


def test_nothing_is_released_before_the_tests_and_the_audit(
    steps: dict[str, dict[str, Any]],
) -> None:
    for name in FUNCTIONS:
        assert {"test", "supply", "remember", "firestore", "queues"} <= before(steps, name)


def test_indexes_and_rules_go_before_the_code(steps: dict[str, dict[str, Any]]) -> None:
    assert "--only=firestore" in steps["firestore"]["args"]
    assert all("firestore" in before(steps, name) for name in FUNCTIONS)


def test_what_follows_a_release_waits_for_its_smoke_test(steps: dict[str, dict[str, Any]]) -> None:
    assert before(steps, "smoke") >= FUNCTIONS
    for name in ("schedule", "watch", "hosting"):
        assert "smoke" in before(steps, name)


def test_every_step_that_deploys_knows_which_project_it_is_in(
    steps: dict[str, dict[str, Any]],
) -> None:
    for step in steps.values():
        if deployment(step):
            assert step["env"] == ["PROJECT_ID=$PROJECT_ID"]


def test_the_environment_that_is_meant_where_none_is_named_exists(build: dict[str, Any]) -> None:
    read_target(build["substitutions"]["_ENVIRONMENT"])


def test_the_release_record_is_stored(build: dict[str, Any]) -> None:
    assert "sbom" in next(step for step in build["steps"] if step["id"] == "supply")["args"]
    assert build["artifacts"]["objects"]["paths"] == ["build/sbom.cdx.json"]
