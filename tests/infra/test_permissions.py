"""Each account has the permissions that its steps need, and no role that none of them needs."""

import re
from types import SimpleNamespace

import pytest

from dev.bootstrap import ROOT
from tests.dev.release.conftest import (  # noqa: F401 -- fixtures
    first_release,
    rehearsed_project,
)
from tests.dev.release.rehearsal import Rehearsal
from tests.infra.granted_permissions import Grant, granted_roles, read_grants, read_roles
from tests.infra.needed_permissions import (
    BUILD_STEPS,
    CALLERS,
    CLIENT_METHODS,
    HARMLESS,
    OPERATOR,
    OPERATORS,
    RELEASE_COMMANDS,
    RUNTIME,
    RUNTIME_ACCOUNTS,
)
from tests.infra.planned_resources import ENVIRONMENTS, Resources, plan_resources

CLIENT_CALL = re.compile(
    r"(?:\b_?client|_get_client\(\))\.(\w*secret\w*|\w*task\w*)[(,]|(?<!\.)\bauth\.([a-z]\w+)[(,]"
)


# The API that Terraform calls for a type of resource, by the start of its name.
APIS = {
    "google_artifact_registry": "artifactregistry",
    "google_cloud_run": "run",
    "google_cloud_scheduler": "cloudscheduler",
    "google_cloud_tasks": "cloudtasks",
    "google_firestore": "firestore",
    "google_logging": "logging",
    "google_monitoring": "monitoring",
    "google_project_iam": "cloudresourcemanager",
    "google_project_service": "serviceusage",
    "google_secret_manager": "secretmanager",
    "google_service_account": "iam",
    "google_storage": "storage",
}
# The API of a permission, if it has another name.
PERMISSION_APIS = {"datastore": "firestore", "firebaseauth": "identitytoolkit"}
ACCESS_TOKENS = {"iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"}


# By account.
NEEDED: dict[str, set[Grant]] = {
    **RUNTIME,
    **CALLERS,
    **BUILD_STEPS,
    OPERATORS: OPERATOR,
    "opentable-deploy": BUILD_STEPS["opentable-deploy"].union(*RELEASE_COMMANDS.values()),
}


def name_command(words: list[str]) -> str | None:
    """Return the entry of a recorded command in RELEASE_COMMANDS."""
    line = " ".join(word for word in words if word not in {"--yes", "firebase-tools@15.34.2"})
    if line.startswith("npx deploy"):
        line = f"npx deploy {line.partition('--only=')[2]}"
    return next((name for name in RELEASE_COMMANDS if line.startswith(name)), None)


@pytest.mark.parametrize("account", NEEDED)
def test_an_account_has_the_permissions_that_its_steps_need(
    planned: Resources, account: str
) -> None:
    missing = NEEDED[account] - read_grants(planned)[account]
    assert not missing


def test_the_permissions_of_every_command_of_a_release_are_known(
    first_release: Rehearsal,  # noqa: F811 -- the fixture
) -> None:
    commands = [*first_release.commands("gcloud"), *first_release.commands("npx")]
    assert {name_command(words) for words in commands} == RELEASE_COMMANDS.keys()


def test_the_permissions_of_every_call_of_the_services_are_known(planned: Resources) -> None:
    code = "".join(path.read_text() for path in (ROOT / "shared").rglob("*.py"))
    called = {name for pair in CLIENT_CALL.findall(code) for name in pair if name}
    assert called == CLIENT_METHODS.keys()
    granted = {permission for permission, _ in read_grants(planned)["opentable-api"]}
    assert {CLIENT_METHODS[name] for name in called} - {None} <= granted


def test_an_unknown_command_would_be_noticed() -> None:
    assert name_command(["gcloud", "projects", "delete", "p"]) is None


@pytest.mark.parametrize("account", NEEDED)
def test_every_role_of_an_account_gives_a_permission_that_it_needs(
    planned: Resources, account: str
) -> None:
    needed = {permission for permission, _ in NEEDED[account]}
    for role in granted_roles(planned)[account]:
        assert needed & set(read_roles(planned)[role]), role


@pytest.mark.parametrize("account", NEEDED)
def test_no_account_reaches_more_data_secrets_or_accounts_than_it_needs(
    planned: Resources, account: str
) -> None:
    services = ("datastore.entities.", "secretmanager.", "firebaseauth.", "iam.", "cloudtasks.")
    excess = {
        permission
        for permission, _ in read_grants(planned)[account] - NEEDED[account]
        if permission.startswith(services) or permission.endswith("setIamPolicy")
    }
    assert excess <= HARMLESS


def test_a_role_of_our_own_has_only_needed_permissions(planned: Resources) -> None:
    needed = {permission for permission, _ in NEEDED["opentable-api"]}
    for role in planned["google_project_iam_custom_role"].values():
        assert set(role["permissions"]) <= needed, role["title"]


def test_every_account_has_grants_and_every_grant_an_account(planned: Resources) -> None:
    accounts = {account["account_id"] for account in planned["google_service_account"].values()}
    assert accounts | {OPERATORS} == read_grants(planned).keys() == NEEDED.keys()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_account_has_a_basic_role(environment: str) -> None:
    roles = set[str]().union(*granted_roles(plan_resources(environment)).values())
    assert not roles & {"roles/owner", "roles/editor", "roles/viewer"}
    assert not [role for role in roles if role.endswith(".owner")]


@pytest.mark.parametrize("account", ["opentable-test", "opentable-build"])
def test_third_party_code_reaches_no_data_and_deploys_nothing(
    planned: Resources, account: str
) -> None:
    services = ("datastore.entities.", "secretmanager.", "run.", "iam.", "firebase", "cloudtasks.")
    granted = {permission for permission, _ in read_grants(planned)[account]}
    assert not [permission for permission in granted if permission.startswith(services)]


def test_a_deployment_reads_no_guest_and_no_secret(planned: Resources) -> None:
    granted = {permission for permission, _ in read_grants(planned)["opentable-deploy"]}
    assert "datastore.entities.get" not in granted
    assert "secretmanager.versions.access" not in granted


def secret_conditions(planned: Resources) -> dict[str, str]:
    return {
        name: binding["condition"][0]["expression"]
        for name, binding in planned["google_project_iam_member"].items()
        if binding["condition"]
    }


@pytest.mark.parametrize("account", RUNTIME_ACCOUNTS)
def test_a_service_reads_only_secrets_of_the_integration(planned: Resources, account: str) -> None:
    condition = secret_conditions(planned)[f"read_credentials[{account}]"]
    assert evaluate(condition, "projects/1/secrets/opentable-canary/versions/3")
    assert evaluate(condition, "projects/1/secrets/opentable-partner/versions/3")
    assert not evaluate(condition, "projects/1/secrets/stripe/versions/3")
    assert not evaluate(condition, "projects/1/secrets/my-opentable-canary/versions/3")


@pytest.mark.parametrize("version", ["", "/versions/3"])
def test_the_api_replaces_the_credentials_of_restaurants_but_not_the_partners(
    planned: Resources, version: str
) -> None:
    condition = secret_conditions(planned)["rotate_credentials[opentable-api]"]
    assert evaluate(condition, f"projects/1/secrets/opentable-canary{version}")
    assert evaluate(condition, f"projects/1/secrets/opentable-partner-cafe{version}")
    assert not evaluate(condition, f"projects/1/secrets/opentable-partner{version}")
    assert not evaluate(condition, f"projects/1/secrets/stripe{version}")


def evaluate(condition: str, resource: str) -> bool:
    """Evaluate the part of CEL that the conditions use, for a resource."""

    class Text(str):
        __slots__ = ()

        def extract(self, template: str) -> "Text":
            before, _, after = template.partition("{id}")
            assert not after
            return Text(self.partition(before)[2])

        startsWith = str.startswith  # noqa: N815 -- the name in CEL

        def __add__(self, other: str) -> "Text":
            return Text(str(self) + other)

    python = condition.replace("&&", " and ").replace("!(", " not (")
    names = {"resource": SimpleNamespace(name=Text(resource))}
    return bool(eval(python, {"__builtins__": {}}, names))  # noqa: S307 -- our own file


def test_the_database_is_protected_and_backed_up(planned: Resources) -> None:
    [database] = planned["google_firestore_database"].values()
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    schedules = planned["google_firestore_backup_schedule"]
    assert schedules["daily"]["retention"] == "604800s"
    assert schedules["daily"]["daily_recurrence"]
    assert schedules["weekly"]["retention"] == "8467200s"
    assert schedules["weekly"]["weekly_recurrence"]


def test_a_database_that_terraform_no_longer_manages_is_kept(planned: Resources) -> None:
    [database] = planned["google_firestore_database"].values()
    assert database["deletion_policy"] == "ABANDON"


def test_every_service_is_protected_from_deletion(planned: Resources) -> None:
    services = planned["google_cloud_run_v2_service"].values()
    assert all(service["deletion_protection"] for service in services)


def test_no_bucket_can_be_opened_to_everyone(planned: Resources) -> None:
    for bucket in planned["google_storage_bucket"].values():
        assert bucket["public_access_prevention"] == "enforced"
        assert bucket["uniform_bucket_level_access"]


def enabled_apis(planned: Resources) -> set[str]:
    services = planned["google_project_service"].values()
    return {row["service"].removesuffix(".googleapis.com") for row in services}


def test_the_api_of_every_resource_is_enabled(planned: Resources) -> None:
    apis = {api for kind in planned for prefix, api in APIS.items() if kind.startswith(prefix)}
    assert all(kind.startswith(tuple(APIS)) for kind in planned)
    assert apis <= enabled_apis(planned)


def test_the_api_of_every_step_and_call_is_enabled(planned: Resources) -> None:
    apis = {"clouderrorreporting"}  # reads log lines: nothing calls it
    for permission, _ in set[Grant]().union(*NEEDED.values()):
        service = permission.partition(".")[0]
        is_token = permission in ACCESS_TOKENS
        apis.add("iamcredentials" if is_token else PERMISSION_APIS.get(service, service))
    assert apis <= enabled_apis(planned)


def test_only_services_that_authenticate_their_callers_are_open_to_everyone(
    planned: Resources,
) -> None:
    services = planned["google_cloud_run_v2_service"].values()
    is_open = {service["name"]: service["invoker_iam_disabled"] for service in services}
    assert is_open == {
        "opentable-webhook": True,
        "opentable-poll": False,
        "opentable-reconcile": False,
        "api": True,
    }


def test_the_token_of_a_job_is_for_the_service_that_it_calls(planned: Resources) -> None:
    for job in planned["google_cloud_scheduler_job"].values():
        [target] = job["http_target"]
        [token] = target["oidc_token"]
        service = planned["google_cloud_run_v2_service"][f"service[{job['name']}]"]
        assert target["uri"] == token["audience"] == service["uri"]
        assert token["service_account_email"].startswith("opentable-scheduler@")
