"""Terraform accepts the configuration with the published schema of the provider."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.bootstrap import ROOT
from tests.dev.commands import run_program
from tests.infra.google_provider import Terraform, TerraformError, use_terraform
from tests.infra.planned_resources import ENVIRONMENTS

VARIABLES = Path("production.tfvars")


def replace_once(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def test_the_configuration_is_formatted(terraform: Terraform) -> None:
    terraform.run("fmt", "-check", "-diff", "-recursive")


def test_the_configuration_is_valid(terraform: Terraform) -> None:
    assert "The configuration is valid" in terraform.run("validate")


@pytest.mark.parametrize(
    "file,before,after,message",
    [
        ("scheduler.tf", "attempt_deadline ", "attempt_timeout ", "attempt_timeout"),
        ("database.tf", '"google_firestore_database"', '"google_firestore_db"', "resource type"),
        ("queues.tf", "name     = each.key\n", "", '"name" is required'),
        ("monitoring.tf", "use_ssl      = true", 'use_ssl      = "perhaps"', "a bool is required"),
        ("scheduler.tf", "service_account.account", "service_account.acount", "acount"),
    ],
    ids=["argument", "type", "required", "value", "reference"],
)  # fmt: skip
def test_a_mistake_is_refused(
    terraform: Terraform, file: str, before: str, after: str, message: str
) -> None:
    replace_once(terraform.folder / file, before, after)
    with pytest.raises(TerraformError) as error:
        terraform.run("validate", "-no-color")
    assert message in " ".join(str(error.value).split())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_second_apply_changes_nothing(terraform: Terraform, environment: str) -> None:
    variables = f"-var-file={environment}.tfvars"
    terraform.run("apply", "-auto-approve", "-input=false", variables)
    assert "No changes" in terraform.run("plan", "-input=false", "-no-color", variables)


def test_an_apply_after_a_release_keeps_its_images_settings_and_traffic(
    terraform: Terraform,
) -> None:
    variables = f"-var-file={VARIABLES}"
    terraform.run("apply", "-auto-approve", "-input=false", variables)
    file = terraform.folder / "terraform.tfstate"
    state = json.loads(file.read_text())
    [services] = [row for row in state["resources"] if row["type"] == "google_cloud_run_v2_service"]
    for service in services["instances"]:  # as a release leaves them
        attributes = service["attributes"]
        attributes["template"][0]["containers"][0]["image"] = "ledger@sha256:0123"
        attributes["template"][0]["timeout"] = "540s"
        attributes["traffic"] = [
            {"percent": 100, "revision": "x-00002-abc", "tag": None, "type": "REVISION"}
        ]
        attributes |= {"labels": {"release": "0123"}, "client": "gcloud", "client_version": "528"}
    file.write_text(json.dumps(state))
    assert "No changes" in terraform.run("plan", "-input=false", "-no-color", variables)


def test_a_plan_of_a_new_project_needs_no_value_that_google_sets(configuration: Path) -> None:
    with use_terraform(configuration, invents_at_plan=False) as terraform:
        plan = terraform.plan(VARIABLES)
    actions = {tuple(resource["change"]["actions"]) for resource in plan["resource_changes"]}
    assert actions == {("create",)}


def test_every_resource_is_created_after_the_apis_are_enabled(terraform: Terraform) -> None:
    edges = re.findall(r'"(google_[^"]+)" -> "(google_[^"]+)"', terraform.run("graph"))
    resources = set(re.findall(r'"(google_[^"]+)" \[', terraform.run("graph")))
    after = {"google_project_service.api"}
    while found := {resource for resource, needed in edges if needed in after} - after:
        after |= found
    assert len(resources) > 20
    assert resources <= after


def test_production_needs_a_person_to_notify(terraform: Terraform) -> None:
    with pytest.raises(TerraformError, match="Production needs a person to notify"):
        terraform.plan(VARIABLES, "-var=alert_emails=[]")


def test_an_existing_channel_is_a_person_to_notify(terraform: Terraform) -> None:
    channel = "projects/restaurants-production/notificationChannels/1"
    plan = terraform.plan(VARIABLES, "-var=alert_emails=[]", f'-var=alert_channels=["{channel}"]')
    alerts = [
        resource["values"]
        for resource in plan["planned_values"]["root_module"]["resources"]
        if resource["type"] == "google_monitoring_alert_policy"
    ]
    assert alerts
    assert all(alert["notification_channels"] == [channel] for alert in alerts)


def test_a_database_of_an_existing_project_is_imported(terraform: Terraform) -> None:
    plan = terraform.plan(VARIABLES, "-var=existing={database=true}")
    [change] = [
        resource["change"]
        for resource in plan["resource_changes"]
        if resource["type"] == "google_firestore_database"
    ]
    assert change["importing"] == {"id": "projects/restaurants-production/databases/(default)"}
    assert change["actions"] == ["update"]


@pytest.mark.parametrize(
    "kind,name,path",
    [
        ("secrets", "opentable-partner", "secrets/opentable-partner"),
        ("queues", "opentable-poll", "locations/us-central1/queues/opentable-poll"),
        ("service_accounts", "opentable-api", "serviceAccounts/opentable-api@{}"),
    ],
)
def test_what_an_existing_project_has_is_imported(
    terraform: Terraform, kind: str, name: str, path: str
) -> None:
    plan = terraform.plan(VARIABLES, f'-var=existing={{{kind}=["{name}"]}}')
    imported = [
        resource["change"]["importing"]["id"]
        for resource in plan["resource_changes"]
        if "importing" in resource["change"]
    ]
    host = "restaurants-production.iam.gserviceaccount.com"
    assert imported == [f"projects/restaurants-production/{path.format(host)}"]


@pytest.mark.parametrize(
    "target",
    [
        "google_firestore_database.ledger",
        'google_secret_manager_secret.secret["opentable-partner"]',
    ],
)
def test_terraform_refuses_to_delete_data(terraform: Terraform, target: str) -> None:
    variables = f"-var-file={VARIABLES}"
    terraform.run("apply", "-auto-approve", "-input=false", variables)
    with pytest.raises(TerraformError, match="Instance cannot be destroyed"):
        terraform.run(
            "plan", "-destroy", "-input=false", "-no-color", variables, f"-target={target}"
        )


def test_the_state_is_stored_in_a_bucket_for_each_environment(configuration: Path) -> None:
    assert 'backend "gcs"' in (configuration / "versions.tf").read_text()
    buckets = {
        re.fullmatch(r'bucket = "(.+)"\n', (configuration / f"{name}.tfbackend").read_text())[1]  # type: ignore[index] # fails if absent
        for name in ENVIRONMENTS
    }
    assert len(buckets) == len(ENVIRONMENTS) > 1


def test_git_keeps_the_lock_of_the_provider_but_no_state(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".gitignore", tmp_path)
    paths = ["infra/.terraform.lock.hcl", "infra/.terraform/modules", "infra/terraform.tfstate"]
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, timeout=60, check=True)
    command = ["git", "check-ignore", *paths]
    ignored = subprocess.check_output(command, cwd=tmp_path, text=True, timeout=60)
    assert ignored.splitlines() == paths[1:]


def test_the_check_on_a_machine_without_terraform_says_what_is_missing(tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make
    completed = run_program(
        make, "--old-file=bootstrap", "check-infra", env={"PATH": str(tmp_path)}
    )
    assert completed.returncode
    assert "Terraform is missing: install version 1.11" in completed.stderr
