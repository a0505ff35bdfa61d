"""Releases, failed releases and returns, with the unchanged scripts of cloudbuild.yaml."""

from collections.abc import Callable

import pytest

from tests.dev.release.conftest import SKIPPED_AUDIT, Project
from tests.dev.release.rehearsal import PROJECT, SERVICES, Rehearsal

FIRST, SECOND, THIRD, FOURTH = (
    {service: f"{service}-0000{number}-abc" for service in SERVICES} for number in range(1, 5)
)
PAGE_STEPS = ("firestore", "page")
# The failing commands of each step before the promotion.
GCLOUD_COMMANDS = {
    "preflight": [
        "run services describe api",
        "firestore indexes fields list",
        "auth print-access-token",
        "builds list",
    ],
    "test": ["cloudbuild.test.yaml"],
    "image": ["artifacts docker tags list", "cloudbuild.image.yaml"],
    "firestore": ["hosting:channel:list", "deploy --only=firestore"],
    "indexes": ["firestore indexes composite list", "firestore indexes fields list"],
    "deploy": ["run revisions describe opentable-poll", "run deploy opentable-poll"],
    "smoke": [
        "run services describe api",
        "auth print-access-token",
        "auth print-identity-token",
        "secrets versions access",
    ],
}
Release = Callable[..., Rehearsal]


def changes(rehearsal: Rehearsal) -> list[list[str]]:
    changing = ("run deploy", "run update-traffic", "hosting:channel:deploy", "hosting:clone")
    return [command for words in changing for command in rehearsal.commands(*words.split())]


@pytest.fixture
def released(rehearsed_project: Project, first_release: Rehearsal) -> Rehearsal:
    """A project after its first release."""
    rehearsal, _ = rehearsed_project
    rehearsal.restore(first_release.cloud.state)
    return rehearsal


@pytest.fixture(scope="module")
def release(
    rehearsed_project: Project,
    first_release: Rehearsal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Release:
    """Release a source after the first release; return the project, which tests only read."""

    def run(comment: str | None, failed_step: str | None) -> Rehearsal:
        rehearsal, _ = rehearsed_project
        rehearsal.restore(first_release.cloud.state)
        if comment:
            rehearsal.commit(comment)
        assert rehearsal.run() == failed_step, rehearsal.last_output
        return rehearsal.copy(tmp_path_factory.mktemp("release"))

    return run


@pytest.fixture(scope="module")
def unchanged_release(release: Release) -> Rehearsal:
    return release(None, None)


@pytest.fixture(scope="module")
def second_release(release: Release) -> Rehearsal:
    return release("second version", None)


@pytest.fixture(scope="module")
def failed_smoke(release: Release) -> Rehearsal:
    return release("broken: everywhere", "smoke")


@pytest.fixture(scope="module")
def failed_promotion(release: Release) -> Rehearsal:
    return release("broken: live", "promote")


def test_a_release_moves_the_traffic_of_all_services(first_release: Rehearsal) -> None:
    assert first_release.serving() == SECOND


def test_a_second_run_changes_nothing(
    first_release: Rehearsal, unchanged_release: Rehearsal
) -> None:
    assert changes(unchanged_release) == []
    assert unchanged_release.cloud.state == first_release.cloud.state


def test_a_changed_source_is_released(second_release: Rehearsal) -> None:
    assert second_release.serving() == THIRD


def test_changed_settings_are_released_for_their_service_only(released: Rehearsal) -> None:
    file = released.workspace / "deploy" / "api.yaml"
    file.write_text(file.read_text().replace("--memory: 512Mi", "--memory: 1Gi"))
    assert released.run() is None
    assert released.serving() == {**SECOND, "api": "api-00003-abc"}


def test_a_failed_smoke_test_leaves_the_traffic(failed_smoke: Rehearsal) -> None:
    assert failed_smoke.serving() == SECOND
    assert failed_smoke.commands("run", "update-traffic") == []


def test_a_failed_first_release_leaves_the_traffic_too(rehearsal: Rehearsal) -> None:
    # Terraform's services send their traffic to the latest revision, until a release pins it.
    rehearsal.commit("broken: everywhere")
    assert rehearsal.run(_APPROVE_CHANGES="yes") == "smoke"
    assert rehearsal.serving() == FIRST


def test_a_release_that_fails_with_traffic_is_returned(failed_promotion: Rehearsal) -> None:
    assert "Returned to the previous revisions, except: none." in failed_promotion.last_output
    assert failed_promotion.serving() == SECOND


@pytest.mark.parametrize("failed", ["failed_smoke", "failed_promotion"])
def test_the_release_after_a_failed_one_has_all_the_traffic(
    released: Rehearsal, request: pytest.FixtureRequest, failed: str
) -> None:
    released.restore(request.getfixturevalue(failed).cloud.state)
    released.commit("repaired")
    assert released.run() is None
    assert released.serving() == FOURTH


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_release_after_two_returns_by_hand_has_all_the_traffic(
    released: Rehearsal, second_release: Rehearsal, is_changed: bool
) -> None:
    released.restore(second_release.cloud.state)
    released.commit("second version")
    released.return_to(SECOND)
    released.return_to(FIRST)
    assert released.serving() == FIRST
    if is_changed:
        released.commit("third version")
    assert released.run() is None
    assert released.serving() == FOURTH


def test_a_service_without_a_serving_revision_stops_the_release_before_it_changes_anything(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.cloud.state["services"]["opentable-poll"]["traffic"] = []
    assert rehearsal.run(_APPROVE_CHANGES="yes") == "preflight"
    assert "opentable-poll has no revision with traffic." in rehearsal.last_output


def test_the_old_source_after_a_failed_release_changes_nothing(
    released: Rehearsal, failed_smoke: Rehearsal
) -> None:
    released.restore(failed_smoke.cloud.state)
    assert released.run() is None
    assert changes(released) == []


def test_a_promotion_that_stops_halfway_is_returned(released: Rehearsal) -> None:
    released.commit("second version")
    released.cloud.state["failing"] = [
        "update-traffic opentable-reconcile --to-revisions=opentable-reconcile-00003"
    ]
    assert released.run() == "promote"
    assert released.serving() == SECOND


def test_one_failed_return_does_not_stop_the_others(released: Rehearsal) -> None:
    released.commit("broken: live")
    released.cloud.state["failing"] = [
        "update-traffic opentable-poll --to-revisions=opentable-poll-00002"
    ]
    assert released.run() == "promote"
    assert "except: opentable-poll." in released.last_output
    assert released.serving() == {**SECOND, "opentable-poll": "opentable-poll-00003-abc"}


def test_an_error_of_gcloud_is_never_taken_for_an_absence(released: Rehearsal) -> None:
    released.commit("second version")
    for step, commands in GCLOUD_COMMANDS.items():
        for command in commands:
            released.cloud.state["failing"] = [command]
            assert not released.run_step(step), command
        released.cloud.state["failing"] = []
        assert released.run_step(step), released.last_output
    assert released.serving() == SECOND


def test_images_without_a_digest_stop_the_release_with_the_command_that_pins_them(
    rehearsal: Rehearsal,
) -> None:
    images = {"_PACK_IMAGE": "gcr.io/k8s-skaffold/pack:latest", "_PYTHON_IMAGE": "python:3.12"}
    assert rehearsal.run(**images) == "preflight"
    unpinned = "These images have no digest: python:3.12 gcr.io/k8s-skaffold/pack:latest. "
    assert f"{unpinned}Run the target pin-images" in rehearsal.last_output


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_missing_lock_of_terraforms_provider_is_a_warning(
    rehearsal: Rehearsal, is_committed: bool
) -> None:
    (rehearsal.workspace / "infra").mkdir(exist_ok=True)
    lock = rehearsal.workspace / "infra" / ".terraform.lock.hcl"
    if is_committed:
        lock.touch()
    assert rehearsal.run_step("preflight", _APPROVE_CHANGES="yes")
    assert ("Warning: infra/.terraform.lock.hcl" in rehearsal.last_output) is not is_committed
    lock.unlink(missing_ok=True)


def test_a_second_release_at_the_same_time_stops_before_it_changes_anything(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.cloud.state["other_releases"] = "build-0\n"
    assert rehearsal.run(_APPROVE_CHANGES="yes") == "preflight"
    assert "Another release is in progress: build-0." in rehearsal.last_output
    [command] = rehearsal.commands("builds", "list", "--ongoing")
    assert "--filter=tags=opentable-release AND NOT id=build-1" in command


def test_the_code_is_deployed_after_its_indexes_are_built(first_release: Rehearsal) -> None:
    commands = [" ".join(words) for words in first_release.commands()]
    slept = commands.index("sleep 30")
    deployed = [number for number, line in enumerate(commands) if "run deploy" in line]
    assert "composite list" in commands[slept + 1]
    assert slept < min(deployed)


def test_indexes_that_are_not_built_in_time_stop_the_release(rehearsal: Rehearsal) -> None:
    rehearsal.cloud.state["sleeps_until_built"] = 5
    assert rehearsal.run(_APPROVE_CHANGES="yes", _INDEX_WAIT_MINUTES="2") == "indexes"
    assert len(rehearsal.commands("sleep", "30")) * 30 == 2 * 60
    assert "The indexes are not built after 2 minutes." in rehearsal.last_output
    assert rehearsal.serving() == FIRST
    assert rehearsal.commands("run", "deploy") == []
    assert rehearsal.run() is None  # the next release continues


def test_an_index_that_firestore_cannot_build_stops_the_release(rehearsal: Rehearsal) -> None:
    rehearsal.cloud.state["index_state"] = "NEEDS_REPAIR"
    assert rehearsal.run(_APPROVE_CHANGES="yes") == "indexes"
    assert "reservations (localDate, startAt): NEEDS_REPAIR" in rehearsal.last_output
    assert rehearsal.serving() == FIRST


def test_changes_to_shared_settings_need_an_approval(rehearsal: Rehearsal) -> None:
    assert rehearsal.run() == "preflight"
    assert "the automatic indexes -> " in rehearsal.last_output
    assert rehearsal.serving() == FIRST


@pytest.mark.parametrize("requested", ["", "yes"])
def test_security_rules_are_deployed_only_on_request(rehearsal: Rehearsal, requested: str) -> None:
    assert rehearsal.run("firestore", _DEPLOY_RULES=requested) is None
    [command] = rehearsal.commands("deploy")
    only = "firestore:indexes,firestore:rules" if requested else "firestore:indexes"
    assert f"--only={only}" in command
    assert "--force" not in command  # it would delete the indexes of other software


def test_an_emergency_release_leaves_a_trace(first_release: Rehearsal) -> None:
    [entry] = first_release.commands("logging", "write")
    assert SKIPPED_AUDIT in " ".join(entry)
    assert "--severity=WARNING" in entry
    [test] = first_release.commands("submit", "--config=cloudbuild.test.yaml")
    assert f"_SKIP_AUDIT={SKIPPED_AUDIT}" in " ".join(test)
    assert audit_labels(first_release) == {"skipped"}


def test_an_ordinary_release_is_labeled_as_audited(second_release: Rehearsal) -> None:
    assert audit_labels(second_release) == {"passed"}


def audit_labels(rehearsal: Rehearsal) -> set[str]:
    """Return the labels of the newest revision of each service."""
    services = rehearsal.cloud.state["services"].values()
    newest = [list(service["revisions"].values())[-1] for service in services]
    return {revision["labels"]["audit"] for revision in newest}


def test_the_tests_and_the_build_run_with_identities_of_their_own(
    second_release: Rehearsal,
) -> None:
    for part, account in (("test", "opentable-test"), ("image", "opentable-build")):
        [command] = second_release.commands("submit", f"--config=cloudbuild.{part}.yaml")
        [flag] = [word for word in command if word.startswith("--service-account=")]
        assert flag.endswith(f"/{account}@{PROJECT}.iam.gserviceaccount.com")


def test_tokens_and_secrets_are_deleted_before_other_software_runs(
    unchanged_release: Rehearsal,
) -> None:
    # The step `page` runs firebase-tools and its dependencies.
    names = {path.name for path in (unchanged_release.workspace / "build").iterdir()}
    assert not [name for name in names if "token" in name or "secret" in name]
    assert "channels.json" in names


def test_the_page_has_a_site_of_its_own(unchanged_release: Rehearsal) -> None:
    [apply] = unchanged_release.commands("target:apply")
    assert apply[-3] == "restaurants-production-opentable"


def test_the_default_site_is_refused(rehearsal: Rehearsal) -> None:
    assert not rehearsal.run_step("preflight", _APPROVE_CHANGES="yes", _SITE=PROJECT)
    assert "_SITE is the default Hosting site" in rehearsal.last_output


def live_page(rehearsal: Rehearsal) -> str:
    version: str = rehearsal.cloud.state["channels"]["live"]
    return version


def test_a_changed_page_is_published_after_a_test_of_its_preview(released: Rehearsal) -> None:
    released.change_page("second version")
    assert released.run(*PAGE_STEPS) is None
    assert live_page(released) == "version-2"


def test_a_page_that_fails_at_its_preview_is_not_published(released: Rehearsal) -> None:
    released.change_page("broken: everywhere")
    assert released.run(*PAGE_STEPS) == "page"
    assert released.commands("hosting:clone") == []
    assert live_page(released) == "version-1"


def test_a_page_that_fails_when_published_is_returned(released: Rehearsal) -> None:
    released.change_page("broken: live")
    assert released.run(*PAGE_STEPS) == "page"
    assert "The page failed. Returned to the version: version-1." in released.last_output
    assert live_page(released) == "version-1"


def test_a_first_page_that_fails_has_no_version_to_return_to(rehearsal: Rehearsal) -> None:
    rehearsal.change_page("broken: live")
    assert rehearsal.run(*PAGE_STEPS) == "page"
    assert "Returned to the version: none, it is the first." in rehearsal.last_output


def test_the_page_after_a_failed_one_is_published(released: Rehearsal) -> None:
    released.change_page("broken: live")
    assert released.run(*PAGE_STEPS) == "page"
    page = released.workspace / "public" / "index.html"
    page.write_text(page.read_text().replace("broken: ", "repaired: "))
    assert released.run(*PAGE_STEPS) is None
    assert live_page(released) == "version-3"


@pytest.mark.parametrize(
    "failing,step",
    [("hosting:channel:list", "firestore"), ("hosting:channel:deploy", "page")],
)
def test_an_error_of_firebase_leaves_the_page(released: Rehearsal, failing: str, step: str) -> None:
    released.change_page("second version")
    released.cloud.state["failing"] = [failing]
    assert released.run(*PAGE_STEPS) == step
    assert live_page(released) == "version-1"


def test_a_project_without_a_site_for_the_page_stops_the_release_before_a_deployment(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.cloud.state["failing"] = ["hosting:channel:list"]  # as firebase-tools does
    assert rehearsal.run(_APPROVE_CHANGES="yes") == "firestore"
    assert rehearsal.commands("deploy") == []
    assert rehearsal.serving() == FIRST
