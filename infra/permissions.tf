locals {
  member = { for name, account in google_service_account.account : name => "serviceAccount:${account.email}" }

  runtime_accounts = toset([for service in local.services : service.account])

  # Operators run the code of the services, as `ledger`, with their own accounts.
  operators           = { for member in var.operators : member => member }
  ledger_users        = merge({ for name in local.runtime_accounts : name => local.member[name] }, local.operators)
  credential_managers = merge({ opentable-api = local.member["opentable-api"] }, local.operators)

  secret_id                = "resource.name.extract(\"/secrets/{id}\")"
  is_opentable_secret      = "${local.secret_id}.startsWith(\"opentable-\")"
  is_partner_secret        = "(${local.secret_id} + \"/\").startsWith(\"${local.partner_secret_id}/\")"
  is_restaurant_credential = "${local.is_opentable_secret} && !${local.is_partner_secret}"
}

# --- Services at run time, and operators ---

resource "google_project_iam_member" "ledger" {
  for_each = local.ledger_users

  project = var.project_id
  role    = "roles/datastore.user"
  member  = each.value
}

resource "google_project_iam_member" "read_credentials" {
  for_each = local.ledger_users

  project = var.project_id
  role    = "roles/secretmanager.secretAccessor"
  member  = each.value

  condition {
    title      = "opentable-secrets"
    expression = local.is_opentable_secret
  }
}

# A manager stores the credentials of a restaurant through the API. No condition limits the
# creation of a secret, so this role contains nothing else.
resource "google_project_iam_custom_role" "secret_creator" {
  role_id     = "openTableSecretCreator"
  title       = "OpenTable: create secrets"
  permissions = ["secretmanager.secrets.create"]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "create_secrets" {
  for_each = local.credential_managers

  project = var.project_id
  role    = google_project_iam_custom_role.secret_creator.id
  member  = each.value
}

resource "google_project_iam_custom_role" "credential_rotator" {
  role_id = "openTableCredentialRotator"
  title   = "OpenTable: replace the credentials of a restaurant"
  permissions = [
    "secretmanager.secrets.get",
    "secretmanager.secrets.update", # an annotation locks the secret during a change
    "secretmanager.versions.add",
    "secretmanager.versions.disable",
    "secretmanager.versions.list",
  ]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "rotate_credentials" {
  for_each = local.credential_managers

  project = var.project_id
  role    = google_project_iam_custom_role.credential_rotator.id
  member  = each.value

  condition {
    title      = "restaurant-credentials"
    expression = local.is_restaurant_credential
  }
}

# A person's request names the project whose quota it uses. Firebase Authentication refuses others.
resource "google_project_iam_member" "use_quota" {
  for_each = local.operators

  project = var.project_id
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = each.value

  depends_on = [google_project_service.api]
}

# The accounts of Firebase Authentication: names of staff, and whether an operator still is one.
resource "google_project_iam_member" "read_users" {
  for_each = local.credential_managers

  project = var.project_id
  role    = "roles/firebaseauth.viewer"
  member  = each.value
}

# A manager adds a person without an account. The right to change accounts would let the API make
# operators, so this role does not contain it.
resource "google_project_iam_custom_role" "account_creator" {
  role_id     = "openTableAccountCreator"
  title       = "OpenTable: create accounts of staff"
  permissions = ["firebaseauth.users.create"]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "create_accounts" {
  project = var.project_id
  role    = google_project_iam_custom_role.account_creator.id
  member  = local.member["opentable-api"]
}

resource "google_cloud_tasks_queue_iam_member" "enqueue" {
  for_each = local.queue_of

  name     = google_cloud_tasks_queue.queue[each.value].name
  location = var.region
  role     = "roles/cloudtasks.enqueuer"
  member   = local.member[local.services[each.key].account]
}

# A task carries a token of opentable-tasks. Whoever enqueues it must be allowed to use the account.
resource "google_service_account_iam_member" "enqueue_as_tasks" {
  for_each = local.queue_of

  service_account_id = google_service_account.account["opentable-tasks"].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.member[local.services[each.key].account]
}

resource "google_cloud_run_v2_service_iam_member" "invoke" {
  for_each = {
    for pair in setproduct(local.private_services, ["opentable-scheduler", "opentable-tasks", "opentable-smoke"]) :
    "${pair[0]}/${pair[1]}" => { service = pair[0], account = pair[1] }
  }

  name     = google_cloud_run_v2_service.service[each.value.service].name
  location = var.region
  role     = "roles/run.invoker"
  member   = local.member[each.value.account]
}

# --- Test and build of a release: third-party code runs here ---

resource "google_project_iam_member" "write_build_logs" {
  for_each = toset(["opentable-test", "opentable-build", "opentable-deploy"])

  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = local.member[each.key]
}

resource "google_storage_bucket_iam_member" "read_sources" {
  for_each = toset(["opentable-test", "opentable-build"])

  bucket = google_storage_bucket.builds.name
  role   = "roles/storage.objectViewer"
  member = local.member[each.key]
}

resource "google_artifact_registry_repository_iam_member" "push_image" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = local.member["opentable-build"]
}

# A list of packages cannot replace an older one.
resource "google_storage_bucket_iam_member" "add_sbom" {
  bucket = google_storage_bucket.builds.name
  role   = "roles/storage.objectCreator"
  member = local.member["opentable-build"]
}

# --- Deployment of a release ---

resource "google_project_iam_member" "deploy" {
  #checkov:skip=CKV_GCP_49: a build runs only as an account that deploy_as grants
  for_each = toset([
    "roles/cloudbuild.builds.editor",          # starts the builds of test and image
    "roles/serviceusage.serviceUsageConsumer", # firebase-tools and gcloud name the project as quota project
    "roles/datastore.indexAdmin",
    "roles/firebasehosting.admin",
    "roles/firebaserules.admin",
  ])

  project = var.project_id
  role    = each.key
  member  = local.member["opentable-deploy"]
}

resource "google_cloud_run_v2_service_iam_member" "deploy" {
  for_each = local.services

  name     = google_cloud_run_v2_service.service[each.key].name
  location = var.region
  role     = "roles/run.developer"
  member   = local.member["opentable-deploy"]
}

resource "google_service_account_iam_member" "deploy_as" {
  for_each = setunion(local.runtime_accounts, ["opentable-test", "opentable-build"])

  service_account_id = google_service_account.account[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.member["opentable-deploy"]
}

# The account adds sources and reads its own. It neither replaces nor deletes one.
resource "google_storage_bucket_iam_member" "write_sources" {
  for_each = toset(["roles/storage.objectCreator", "roles/storage.objectViewer"])

  bucket = google_storage_bucket.builds.name
  role   = each.key
  member = local.member["opentable-deploy"]
}

# Before gcloud uploads the source, it reads the bucket itself.
resource "google_storage_bucket_iam_member" "read_bucket" {
  bucket = google_storage_bucket.builds.name
  role   = "roles/storage.legacyBucketReader"
  member = local.member["opentable-deploy"]
}

resource "google_artifact_registry_repository_iam_member" "pull_image" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = local.member["opentable-deploy"]
}

# --- Smoke test of a release ---

resource "google_service_account_iam_member" "smoke_test" {
  service_account_id = google_service_account.account["opentable-smoke"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.member["opentable-deploy"]
}

resource "google_project_iam_member" "read_ledger" {
  project = var.project_id
  role    = "roles/datastore.viewer"
  member  = local.member["opentable-smoke"]
}

resource "google_secret_manager_secret_iam_member" "canary" {
  secret_id = google_secret_manager_secret.secret["opentable-${var.canary_restaurant_id}"].id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member["opentable-smoke"]
}
