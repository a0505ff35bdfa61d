"""The permissions that each command of a release and each call of the services needs.

Sources: the reference pages of the APIs, the Cloud SDK 528 (which API methods a command calls), and
`requirePermissions` in firebase-tools 15.34.
"""

from tests.infra.granted_permissions import PROJECT, Grant

SERVICES = ("opentable-webhook", "opentable-poll", "opentable-reconcile", "api")
RUNTIME_ACCOUNTS = ("opentable-webhook", "opentable-poll", "opentable-reconcile", "opentable-api")
_BUCKET = "bucket restaurants-production-opentable-builds"
_REPOSITORY = "repository opentable"


def _in(scope: str, *permissions: str) -> set[Grant]:
    return {(permission, scope) for permission in permissions}


def _for_each_service(*permissions: str) -> set[Grant]:
    return set().union(*(_in(f"service {name}", *permissions) for name in SERVICES))


# As opentable-deploy, by the first words of a command of cloudbuild.yaml.
RELEASE_COMMANDS: dict[str, set[Grant]] = {
    "gcloud run services describe": _for_each_service("run.services.get"),
    "gcloud run revisions describe": _for_each_service("run.revisions.get"),
    "gcloud run deploy": _for_each_service("run.services.get", "run.services.update")
    | _in(_REPOSITORY, "artifactregistry.repositories.downloadArtifacts")
    | {("iam.serviceAccounts.actAs", f"account {name}") for name in RUNTIME_ACCOUNTS},
    "gcloud run services update-traffic": _for_each_service(
        "run.services.get", "run.services.update"
    ),
    "gcloud builds submit": _in(
        PROJECT,
        "cloudbuild.builds.create",
        "cloudbuild.builds.get",
        "serviceusage.services.use",
    )
    | _in(_BUCKET, "storage.buckets.get", "storage.objects.create", "storage.objects.get")
    | {
        ("iam.serviceAccounts.actAs", f"account {name}")
        for name in ("opentable-test", "opentable-build")
    },
    "gcloud builds list": _in(PROJECT, "cloudbuild.builds.list"),
    "gcloud artifacts docker tags": _in(
        _REPOSITORY, "artifactregistry.tags.list", "artifactregistry.packages.list"
    ),
    "gcloud firestore indexes fields": _in(PROJECT, "datastore.schemas.list"),
    "gcloud firestore indexes composite": _in(PROJECT, "datastore.schemas.list"),
    "gcloud auth print-access-token": _in(
        "account opentable-smoke", "iam.serviceAccounts.getAccessToken"
    ),
    "gcloud auth print-identity-token": _in(
        "account opentable-smoke", "iam.serviceAccounts.getOpenIdToken"
    ),
    "gcloud secrets versions access": _in(
        "account opentable-smoke", "iam.serviceAccounts.getAccessToken"
    ),
    "gcloud logging write": _in(PROJECT, "logging.logEntries.create"),
    # Google renamed the permissions datastore.indexes.* to datastore.schemas.*.
    "npx deploy firestore": _in(
        PROJECT,
        "datastore.databases.getMetadata",
        "datastore.schemas.create",
        "datastore.schemas.delete",  # required by firebase-tools, which deletes with --force only
        "datastore.schemas.list",
        "datastore.schemas.update",
        "firebase.projects.get",
        "firebaserules.releases.create",
        "firebaserules.releases.get",
        "firebaserules.releases.update",
        "firebaserules.rulesets.create",
        "firebaserules.rulesets.get",
        "serviceusage.services.get",
        "serviceusage.services.use",
    ),
    # It reads, deploys and clones channels.
    "npx hosting:": _in(
        PROJECT,
        "firebase.projects.get",
        "firebasehosting.sites.get",
        "firebasehosting.sites.list",
        "firebasehosting.sites.update",
        "serviceusage.services.get",
        "serviceusage.services.use",
    ),
    "npx target:apply": set(),  # writes a file
}
# What Google does for a build as its account: logs, source, artifacts.
BUILD_STEPS: dict[str, set[Grant]] = {
    "opentable-test": _in(PROJECT, "logging.logEntries.create")
    | _in(_BUCKET, "storage.objects.get"),
    "opentable-build": _in(PROJECT, "logging.logEntries.create")
    | _in(_BUCKET, "storage.objects.get", "storage.objects.create")
    | _in(
        _REPOSITORY,
        "artifactregistry.repositories.uploadArtifacts",
        "artifactregistry.repositories.downloadArtifacts",
        "artifactregistry.tags.create",
    ),
    "opentable-deploy": _in(PROJECT, "logging.logEntries.create")
    | _in(_BUCKET, "storage.objects.get"),
}
_LEDGER = _in(
    PROJECT,
    "datastore.databases.get",
    "datastore.entities.create",
    "datastore.entities.delete",
    "datastore.entities.get",
    "datastore.entities.list",
    "datastore.entities.update",
)
_READ_SECRETS = _in(PROJECT, "secretmanager.versions.access")
_MANAGE_CREDENTIALS = _in(
    PROJECT,
    "secretmanager.secrets.create",
    "secretmanager.secrets.get",
    "secretmanager.secrets.update",
    "secretmanager.versions.add",
    "secretmanager.versions.disable",
    "secretmanager.versions.list",
)


# The methods of Google's clients that `shared/` calls, as the services or as an operator's account.
CLIENT_METHODS: dict[str, str | None] = {
    "access_secret_version": "secretmanager.versions.access",
    "add_secret_version": "secretmanager.versions.add",
    "create_secret": "secretmanager.secrets.create",
    "create_task": "cloudtasks.tasks.create",
    "create_user": "firebaseauth.users.create",
    "disable_secret_version": "secretmanager.versions.disable",
    "generate_password_reset_link": None,  # `ledger` runs with a person's own rights
    "get_secret": "secretmanager.secrets.get",
    "get_user": "firebaseauth.users.get",
    "get_users": "firebaseauth.users.get",
    "list_secret_versions": "secretmanager.versions.list",
    "revoke_refresh_tokens": None,
    "set_custom_user_claims": None,
    "update_secret": "secretmanager.secrets.update",
    "verify_id_token": None,  # reads public keys
}


def _enqueue(queue: str) -> set[Grant]:
    return {
        ("cloudtasks.tasks.create", f"queue {queue}"),
        ("iam.serviceAccounts.actAs", "account opentable-tasks"),
    }


# The calls of Google's client libraries in `shared/`.
RUNTIME: dict[str, set[Grant]] = {
    "opentable-webhook": _LEDGER | _READ_SECRETS,
    "opentable-poll": _LEDGER | _READ_SECRETS | _enqueue("opentable-poll"),
    "opentable-reconcile": _LEDGER | _READ_SECRETS | _enqueue("opentable-reconcile"),
    "opentable-api": _LEDGER
    | _READ_SECRETS
    | _enqueue("opentable-poll")
    | _MANAGE_CREDENTIALS
    | _in(PROJECT, "firebaseauth.users.get", "firebaseauth.users.create"),
}
# The calls of `ledger`. Changes of accounts need a role that Terraform grants to nobody.
OPERATORS = "group:oncall"
OPERATOR = (
    _LEDGER
    | _READ_SECRETS
    | _MANAGE_CREDENTIALS
    | _in(PROJECT, "firebaseauth.users.get", "serviceusage.services.use")
)
# Permissions that Google's roles contain beyond the need. They read no secret and change nothing.
HARMLESS = {
    "cloudtasks.operations.get",
    "cloudtasks.tasks.fullView",
    "datastore.entities.allocateIds",
    "datastore.entities.list",  # of the smoke test, which may read every document anyway
    "firebaseauth.configs.get",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.implicitDelegation",  # of the smoke test's account, by the release
    "iam.serviceAccounts.list",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
}
_INVOKE = {
    ("run.routes.invoke", f"service {name}") for name in ("opentable-poll", "opentable-reconcile")
}
CALLERS: dict[str, set[Grant]] = {
    "opentable-scheduler": _INVOKE,
    "opentable-tasks": _INVOKE,
    "opentable-smoke": _INVOKE
    | _in(PROJECT, "datastore.entities.get")
    | _in("secret opentable-canary", "secretmanager.versions.access"),
}
