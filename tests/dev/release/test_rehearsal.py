"""Releases, failed releases and returns, with the scripts of cloudbuild.yaml as they are."""

import json
from typing import Any

import pytest

from dev.bootstrap import ROOT
from tests.dev.release.conftest import Project
from tests.dev.release.rehearsal import SERVICES, Rehearsal

FIRST = {service: f"{service}-00001-abc" for service in SERVICES}
SECOND = {service: f"{service}-00002-abc" for service in SERVICES}
CHANGING = (("run", "deploy"), ("run", "update-traffic"))


def changes(rehearsal: Rehearsal) -> list[list[str]]:
    return [command for words in CHANGING for command in rehearsal.commands(*words)]


@pytest.fixture(scope="module")
def state_after_release(rehearsed_project: Project) -> dict[str, Any]:
    rehearsal, state = rehearsed_project
    rehearsal.restore(state)
    assert rehearsal.run(_APPROVE_CHANGES="yes") is None, rehearsal.last_output
    return {**rehearsal.state(), "fields": deployed_fields()}


@pytest.fixture
def released(rehearsed_project: Project, state_after_release: dict[str, Any]) -> Rehearsal:
    """A project after its first release."""
    rehearsal, _ = rehearsed_project
    rehearsal.restore(state_after_release)
    return rehearsal


def deployed_fields() -> list[dict[str, Any]]:
    """Return the settings of the index file as gcloud prints them."""
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    return [
        {
            "name": f"projects/p/databases/(default)/collectionGroups/{row['collectionGroup']}"
            f"/fields/{row['fieldPath']}",
            "indexConfig": {
                "indexes": [
                    {"queryScope": index.get("queryScope", "COLLECTION"), "fields": [index]}
                    for index in row["indexes"]
                ]
            },
            **({"ttlConfig": {"state": "ACTIVE"}} if row.get("ttl") else {}),
        }
        for row in overrides
    ]


def test_a_release_moves_the_traffic_of_all_services(released: Rehearsal) -> None:
    assert released.serving() == SECOND


def test_a_second_run_changes_nothing(released: Rehearsal) -> None:
    before = released.state()
    assert released.run() is None
    assert changes(released) == []
    assert released.state() == before


def test_a_changed_source_is_released(released: Rehearsal) -> None:
    released.commit("second version")
    assert released.run() is None
    assert released.serving() == {service: f"{service}-00003-abc" for service in SERVICES}


def test_changed_settings_are_released_for_their_service_only(released: Rehearsal) -> None:
    file = released.workspace / "deploy" / "api.yaml"
    file.write_text(file.read_text().replace("--memory: 512Mi", "--memory: 1Gi"))
    assert released.run() is None
    assert released.serving() == {**SECOND, "api": "api-00003-abc"}


def test_a_failed_smoke_test_leaves_the_traffic(released: Rehearsal) -> None:
    released.commit("broken: everywhere")
    assert released.run() == "smoke"
    assert released.serving() == SECOND
    assert released.commands("run", "update-traffic") == []


def test_a_failed_first_release_leaves_the_traffic_too(rehearsal: Rehearsal) -> None:
    # Terraform's services send their traffic to the latest revision, until a release pins it.
    rehearsal.commit("broken: everywhere")
    assert rehearsal.run(_APPROVE_CHANGES="yes") == "smoke"
    assert rehearsal.serving() == FIRST


def test_a_release_that_fails_with_traffic_is_returned(released: Rehearsal) -> None:
    released.commit("broken: live")
    assert released.run() == "promote"
    assert "Returned to the previous revisions, except: none." in released.last_output
    assert released.serving() == SECOND


@pytest.mark.parametrize("failed_step", ["smoke", "promote"])
def test_the_release_after_a_failed_one_has_all_the_traffic(
    released: Rehearsal, failed_step: str
) -> None:
    released.commit("broken: live" if failed_step == "promote" else "broken: everywhere")
    assert released.run() == failed_step
    main = released.workspace / "main.py"
    main.write_text(main.read_text().replace("# broken: ", "# repaired: "))
    assert released.run() is None
    assert released.serving() == {service: f"{service}-00004-abc" for service in SERVICES}


def test_the_old_source_after_a_failed_release_changes_nothing(released: Rehearsal) -> None:
    source = (released.workspace / "main.py").read_text()
    released.commit("broken: everywhere")
    assert released.run() == "smoke"
    (released.workspace / "main.py").write_text(source)
    assert released.run() is None
    assert changes(released) == []


def test_a_promotion_that_stops_halfway_is_returned(released: Rehearsal) -> None:
    released.commit("second version")
    released.update_state(
        failing=["update-traffic opentable-reconcile --to-revisions=opentable-reconcile-00003"]
    )
    assert released.run() == "promote"
    assert released.serving() == SECOND


def test_one_failed_return_does_not_stop_the_others(released: Rehearsal) -> None:
    released.commit("broken: live")
    released.update_state(
        failing=["update-traffic opentable-poll --to-revisions=opentable-poll-00002"]
    )
    assert released.run() == "promote"
    assert "except: opentable-poll." in released.last_output
    assert released.serving() == {**SECOND, "opentable-poll": "opentable-poll-00003-abc"}


@pytest.mark.parametrize(
    "failing,step",
    [
        ("run services describe api", "preflight"),
        ("firestore indexes fields list", "preflight"),
        ("auth print-access-token", "preflight"),
        ("cloudbuild.test.yaml", "test"),
        ("artifacts docker tags list", "image"),
        ("cloudbuild.image.yaml", "image"),
        ("run revisions describe opentable-poll", "deploy"),
        ("secrets versions access", "smoke"),
    ],
)
def test_an_error_of_gcloud_is_never_taken_for_an_absence(
    released: Rehearsal, failing: str, step: str
) -> None:
    released.commit("second version")
    released.update_state(failing=[failing])
    assert released.run() == step
    assert released.serving() == SECOND


def test_an_image_without_a_digest_stops_the_release(rehearsal: Rehearsal) -> None:
    assert rehearsal.run(_PACK_IMAGE="gcr.io/k8s-skaffold/pack:latest") == "preflight"
    assert "Pin gcr.io/k8s-skaffold/pack:latest by its digest" in rehearsal.last_output


def test_changes_to_shared_settings_need_an_approval(rehearsal: Rehearsal) -> None:
    assert rehearsal.run() == "preflight"
    assert "the automatic indexes -> " in rehearsal.last_output
    assert rehearsal.serving() == FIRST


@pytest.mark.parametrize("requested", ["", "yes"])
def test_security_rules_are_deployed_only_on_request(rehearsal: Rehearsal, requested: str) -> None:
    (rehearsal.programs / "commands.jsonl").write_text("")
    assert rehearsal.run_step("firestore", _DEPLOY_RULES=requested)
    [command] = rehearsal.commands("deploy")
    only = "firestore:indexes,firestore:rules" if requested else "firestore:indexes"
    assert f"--only={only}" in command
    assert "--force" not in command  # it would delete the indexes of other software


def test_an_emergency_release_leaves_a_trace(rehearsal: Rehearsal) -> None:
    reason = "CVE in the audit service; approved by the owner"
    assert rehearsal.run(_APPROVE_CHANGES="yes", _SKIP_AUDIT=reason) is None
    [entry] = rehearsal.commands("logging", "write")
    assert reason in " ".join(entry)
    assert "--severity=WARNING" in entry
    [test] = [row for row in rehearsal.commands("submit") if "--config=cloudbuild.test.yaml" in row]
    assert f"_SKIP_AUDIT={reason}" in " ".join(test)
    for row in rehearsal.state()["services"].values():
        assert list(row["revisions"].values())[-1]["labels"]["audit"] == "skipped"


def test_an_ordinary_release_is_labeled_as_audited(released: Rehearsal) -> None:
    for row in released.state()["services"].values():
        assert list(row["revisions"].values())[-1]["labels"]["audit"] == "passed"


def test_the_tests_and_the_build_run_with_identities_of_their_own(released: Rehearsal) -> None:
    released.commit("second version")
    assert released.run() is None
    accounts = {
        flag.removeprefix("--config="): next(
            word for word in command if word.startswith("--service-account=")
        )
        for command in released.commands("builds", "submit")
        for flag in command
        if flag.startswith("--config=")
    }
    assert accounts["cloudbuild.test.yaml"].endswith(
        "/opentable-test@restaurants-production.iam.gserviceaccount.com"
    )
    assert accounts["cloudbuild.image.yaml"].endswith(
        "/opentable-build@restaurants-production.iam.gserviceaccount.com"
    )


def test_the_page_has_a_site_of_its_own(released: Rehearsal) -> None:
    assert released.run() is None
    [apply] = released.commands("target:apply")
    assert apply[-2] == "restaurants-production-opentable"
    assert released.run(_SITE="restaurants-production") == "preflight"
