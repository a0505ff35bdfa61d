"""The permissions that Terraform's plan grants to each service account."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.infra.planned_resources import Resources

# Google's predefined roles; the file names its source.
ROLES: dict[str, list[str]] = json.loads((Path(__file__).parent / "google_roles.json").read_text())[
    "roles"
]
PROJECT = "project"
# Where each type of grant applies, by the argument that names the resource.
_SCOPES = {
    "google_cloud_run_v2_service_iam_member": ("service", "name"),
    "google_cloud_tasks_queue_iam_member": ("queue", "name"),
    "google_service_account_iam_member": ("account", "service_account_id"),
    "google_storage_bucket_iam_member": ("bucket", "bucket"),
    "google_artifact_registry_repository_iam_member": ("repository", "repository"),
    "google_secret_manager_secret_iam_member": ("secret", "secret_id"),
}
Grant = tuple[str, str]
"""A permission, and the project or one resource."""


def read_grants(planned: Resources) -> dict[str, set[Grant]]:
    """Return permissions with their scope by account."""
    roles = read_roles(planned)
    grants = defaultdict[str, set[Grant]](set)
    for account, role, scope in _read_bindings(planned):
        grants[account] |= {(permission, scope) for permission in roles[role]}
    return grants


def read_roles(planned: Resources) -> dict[str, list[str]]:
    """Return the permissions of Google's roles and of our own."""
    own = planned["google_project_iam_custom_role"].values()
    return ROLES | {role["id"]: role["permissions"] for role in own}


def granted_roles(planned: Resources) -> dict[str, set[str]]:
    """Return the roles of each account, of the project and of single resources."""
    roles = defaultdict[str, set[str]](set)
    for account, role, _ in _read_bindings(planned):
        roles[account].add(role)
    return roles


def _read_bindings(planned: Resources) -> Iterator[tuple[str, str, str]]:
    """Yield account, role and scope of each grant."""
    for kind, (scope, argument) in {"google_project_iam_member": ("", ""), **_SCOPES}.items():
        for binding in planned[kind].values():
            account = binding["member"].removeprefix("serviceAccount:").partition("@")[0]
            name = f"{scope} {binding[argument].rpartition('/')[2]}" if scope else PROJECT
            yield account, binding["role"], name
