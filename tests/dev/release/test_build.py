"""gcloud accepts the build files, and a release does its steps in the required order."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from dev.bootstrap import ROOT
from tests.dev.release.build_parser import UnreadableError, read_build

pytestmark = pytest.mark.skipif(
    not shutil.which("gcloud"), reason="the Cloud SDK is not installed here: it reads the build"
)
FILE = ROOT / "cloudbuild.yaml"
Build = dict[str, Any]


@pytest.fixture(scope="module")
def cloud_build() -> Build:
    return read_build(FILE)


@pytest.fixture(scope="module")
def parts() -> dict[str, Build]:
    """The builds that a release starts."""
    return {name: read_build(ROOT / f"cloudbuild.{name}.yaml") for name in ("test", "image")}


def test_a_field_that_is_none_would_be_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "cloudbuild.yaml"
    wrong.write_text(FILE.read_text().replace("  script: |", "  scripts: |", 1))
    with pytest.raises(UnreadableError, match="scripts"):
        read_build(wrong)


def find_script(build: Build, step_id: str) -> str:
    [script] = [step["script"] for step in build["steps"] if step["id"] == step_id]
    return str(script)


def test_the_steps_run_one_after_another_in_the_required_order(cloud_build: Build) -> None:
    order = "preflight test image firestore indexes deploy smoke promote page"
    assert [step["id"] for step in cloud_build["steps"]] == order.split()
    assert not [step for step in cloud_build["steps"] if "waitFor" in step]


def test_every_image_is_a_substitution_whose_digest_is_checked(
    cloud_build: Build, parts: dict[str, Build]
) -> None:
    images = {name for name in cloud_build["substitutions"] if name.endswith("_IMAGE")}
    used = {step["name"] for part in (cloud_build, *parts.values()) for step in part["steps"]}
    assert {f"${name}" for name in images} - used == {"$_BUILDER_IMAGE"}  # an argument of pack
    assert used <= {f"${name}" for name in images}
    assert all(f'"${name}"' in find_script(cloud_build, "preflight") for name in images)


def test_a_release_has_time_for_its_longest_steps(
    cloud_build: Build, parts: dict[str, Build]
) -> None:
    # A build that is cut during its promotion returns no service.
    seconds = {name: int(part["timeout"].removesuffix("s")) for name, part in parts.items()}
    index_seconds = int(cloud_build["substitutions"]["_INDEX_WAIT_MINUTES"]) * 60
    assert index_seconds == 30 * 60
    other_seconds = 30 * 60
    total = sum(seconds.values()) + index_seconds + other_seconds
    assert int(cloud_build["timeout"].removesuffix("s")) >= total


def test_a_release_is_recognized_by_its_tag(cloud_build: Build) -> None:
    [tag] = cloud_build["tags"]
    assert f"tags={tag} " in find_script(cloud_build, "preflight")


def test_a_release_runs_as_the_account_for_deployments(cloud_build: Build) -> None:
    account = cloud_build["serviceAccount"].rpartition("/")[2]
    assert account == "opentable-deploy@$PROJECT_ID.iam.gserviceaccount.com"


def test_third_party_code_of_the_tests_and_packages_never_runs_in_the_release_itself(
    cloud_build: Build,
) -> None:
    scripts = " ".join(step["script"] for step in cloud_build["steps"])
    assert not [word for word in ("pip ", "make ", ".ci/run", "pytest") if word in scripts]


@pytest.fixture(scope="module")
def scripts(cloud_build: Build, parts: dict[str, Build]) -> list[str]:
    """The scripts of a release and of the builds that it starts."""
    steps = [step for build in (cloud_build, *parts.values()) for step in build["steps"]]
    return [step["script"] for step in steps if "script" in step]


def test_the_scripts_stop_at_the_first_error(scripts: list[str]) -> None:
    for script in scripts:
        assert script.startswith("#!/usr/bin/env bash\nset -")
        assert "euo pipefail" in script.splitlines()[1]


def test_no_script_ignores_a_failure(scripts: list[str]) -> None:
    lines = [line for script in scripts for line in script.splitlines()]
    ignoring = ("|| true", "|| :", "|| echo", "set +", "2>/dev/null", "; true")
    assert not [line for line in lines if any(text in line for text in ignoring)]


def test_only_packages_with_a_pinned_hash_are_listed(parts: dict[str, Build]) -> None:
    command = "pip install --quiet --require-hashes --requirement requirements.txt"
    assert command in find_script(parts["image"], "sbom")


def test_the_list_of_deployed_packages_is_stored(parts: dict[str, Build]) -> None:
    objects = parts["image"]["artifacts"]["objects"]
    assert objects["paths"] == ["build/sbom.cdx.json"]
    assert objects["location"].startswith("gs://$PROJECT_ID-opentable-builds/")


def test_the_tests_and_the_audit_come_before_the_image(parts: dict[str, Build]) -> None:
    test, audit = parts["test"]["steps"]
    assert "bash .ci/run" in test["script"]
    assert "make audit" in audit["script"]
