"""Set up a project once, before its first build, as its owner.

Each function, the scheduler and the build get a service account with minimal rights. Every step can
be repeated.
"""

from collections.abc import Iterator

from dev.deploy.gcloud import Ensured, Step, Words, gcloud
from dev.deploy.target import BUILDER, PUBLIC, QUEUE_OF, SCHEDULER, Target, account_of

SERVICES = (
    "artifactregistry",
    "cloudbuild",
    "cloudfunctions",
    "cloudscheduler",
    "cloudtasks",
    "firebase",
    "firebasehosting",
    "firebaserules",
    "firestore",
    "iam",
    "identitytoolkit",
    "logging",
    "monitoring",
    "run",
    "secretmanager",
)
# Secrets are named opentable-…: the partner's, each restaurant's, and the canary's.
OPENTABLE_SECRETS_CONDITION = 'resource.name.extract("secrets/{id}").startsWith("opentable-")'
_SECRET_ACCESSOR_ROLE = "roles/secretmanager.secretAccessor"  # noqa: S105 -- a role
_BUILDER_ROLES = (
    "roles/run.builder",  # builds the functions' images
    "roles/cloudfunctions.developer",
    "roles/run.admin",  # who may call a function, and which revision serves
    "roles/cloudscheduler.admin",
    "roles/cloudtasks.queueAdmin",
    "roles/datastore.indexAdmin",
    "roles/datastore.viewer",  # the smoke test sees its event in the ledger
    "roles/firebaserules.admin",
    "roles/firebasehosting.admin",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
)
SECRET_CREATOR_ROLE = "openTableSecretMaker"  # noqa: S105 -- a role


def steps(target: Target) -> Iterator[Step]:
    """Yield the steps, in their order."""
    yield gcloud(
        "services",
        "enable",
        *(f"{name}.googleapis.com" for name in SERVICES),
        **_project_flag(target),
    )
    yield _database(target)
    yield _secret(target, target.partner_secret)
    yield _secret(target, canary_secret(target))
    names = [account_of(name) for name in target.functions]
    for name in (*names, SCHEDULER, BUILDER):
        yield _account(target, name)
    for name in names:
        yield _grant(target, name, "roles/datastore.user")
        yield _grant(target, name, _SECRET_ACCESSOR_ROLE, OPENTABLE_SECRETS_CONDITION)
    yield from _grant_queue_access(target)
    yield from _grant_api_access(target)
    yield from _grant_build_access(target, names)


def canary_secret(target: Target) -> str:
    """Return the Secret Manager id of the canary's credential, the convention's."""
    return f"opentable-{target.canary}"


def _grant_queue_access(target: Target) -> Iterator[Step]:
    """A task is called as the scheduler's account, so its creator needs access to that account."""
    for name in map(account_of, QUEUE_OF):
        yield _grant(target, name, "roles/cloudtasks.enqueuer")
        yield _grant_act_as(target, name, SCHEDULER)


def _grant_api_access(target: Target) -> Iterator[Step]:
    """Managers store their restaurant's credentials; to make a secret is the project's right."""
    api = account_of(PUBLIC[1])
    yield _grant(target, api, "roles/secretmanager.secretVersionAdder", OPENTABLE_SECRETS_CONDITION)
    role = ("iam", "roles")
    role_flags = {**_project_flag(target), "permissions": "secretmanager.secrets.create"}
    yield Ensured(
        look=gcloud(*role, "describe", SECRET_CREATOR_ROLE, **_project_flag(target)),
        create=gcloud(*role, "create", SECRET_CREATOR_ROLE, title="Makes secrets", **role_flags),
        update=gcloud(*role, "update", SECRET_CREATOR_ROLE, **role_flags),
    )
    yield _grant(target, api, f"projects/{target.project}/roles/{SECRET_CREATOR_ROLE}")


def _grant_build_access(target: Target, names: list[str]) -> Iterator[Step]:
    for role in _BUILDER_ROLES:
        yield _grant(target, BUILDER, role)
    yield gcloud(
        "secrets",
        "add-iam-policy-binding",
        canary_secret(target),
        **_project_flag(target),
        member=_member(target, BUILDER),
        role=_SECRET_ACCESSOR_ROLE,
    )
    for name in (*names, SCHEDULER):
        yield _grant_act_as(target, BUILDER, name)


def _grant_act_as(target: Target, member_name: str, account_name: str) -> Words:
    return gcloud(
        "iam",
        "service-accounts",
        "add-iam-policy-binding",
        target.account(account_name),
        **_project_flag(target),
        member=_member(target, member_name),
        role="roles/iam.serviceAccountUser",
    )


def _database(target: Target) -> Ensured:
    databases = ("firestore", "databases")
    protection_flags = ("--delete-protection", "--enable-pitr")
    return Ensured(
        look=gcloud(*databases, "describe", **_project_flag(target)),
        create=gcloud(
            *databases, "create", *protection_flags, **_project_flag(target), location=target.region
        ),
        update=gcloud(*databases, "update", *protection_flags, **_project_flag(target)),
    )


def _account(target: Target, name: str) -> Ensured:
    accounts = ("iam", "service-accounts")
    return Ensured(
        look=gcloud(*accounts, "describe", target.account(name), **_project_flag(target)),
        create=gcloud(*accounts, "create", name, **_project_flag(target), display_name=name),
        update=None,
    )


def _secret(target: Target, secret: str) -> Ensured:
    return Ensured(
        look=gcloud("secrets", "describe", secret, **_project_flag(target)),
        create=gcloud(
            "secrets", "create", secret, **_project_flag(target), replication_policy="automatic"
        ),
        update=None,
    )


def _grant(target: Target, name: str, role: str, condition: str | None = None) -> Words:
    only = f"title=opentable-secrets,expression={condition}" if condition else "None"
    return gcloud(
        "projects",
        "add-iam-policy-binding",
        target.project,
        member=_member(target, name),
        role=role,
        condition=only,
    )


def _member(target: Target, name: str) -> str:
    return f"serviceAccount:{target.account(name)}"


def _project_flag(target: Target) -> dict[str, str]:
    return {"project": target.project}
